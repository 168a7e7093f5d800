"""What `cdk bootstrap` leaves in an account, as far as `cdk deploy` uses it.

After "AWS CDK bootstrapping" in the AWS CDK Developer Guide: the bucket and the repository for assets, the roles that
the CLI assumes, and the parameter with the version of all this.
"""

from collections.abc import Mapping
from typing import Any

from embedded_aws.context import Context

STACK_NAME = "CDKToolkit"
_QUALIFIER = "hnb659fds"
_VERSION = "30"
_PARAMETER = f"/cdk-bootstrap/{_QUALIFIER}/version"


def template() -> dict[str, Any]:
    """The toolkit's template."""
    roles = {
        "DeploymentActionRole": _role("deploy-role", _DEPLOYMENT),
        "FilePublishingRole": _role("file-publishing-role", _FILES),
        "ImagePublishingRole": _role("image-publishing-role", _IMAGES),
        "LookupRole": _role("lookup-role", (), managed=("ReadOnlyAccess",)),
        "CloudFormationExecutionRole": _role(
            "cfn-exec-role", (), managed=("AdministratorAccess",), principal={"Service": "cloudformation.amazonaws.com"}
        ),
    }
    return {
        "Description": "What the AWS CDK needs to deploy into this account.",
        "Resources": {
            "StagingBucket": {"Type": "AWS::S3::Bucket", "Properties": _BUCKET, "DeletionPolicy": "Retain"},
            "ContainerAssetsRepository": {
                "Type": "AWS::ECR::Repository",
                "Properties": {"RepositoryName": _named("container-assets"), "ImageTagMutability": "IMMUTABLE"},
            },
            "CdkBootstrapVersion": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Name": _PARAMETER, "Value": _VERSION},
            },
            **roles,
        },
        "Outputs": {
            "BucketName": {"Value": {"Ref": "StagingBucket"}},
            "BucketDomainName": {"Value": {"Fn::GetAtt": ["StagingBucket", "RegionalDomainName"]}},
            "ImageRepositoryName": {"Value": {"Ref": "ContainerAssetsRepository"}},
            "BootstrapVersion": {"Value": {"Fn::GetAtt": ["CdkBootstrapVersion", "Value"]}},
        },
    }


def bucket(context: Context) -> str:
    """Where assets are."""
    return filled(context, _named("assets")["Fn::Sub"])


def filled(context: Context, text: str) -> str:
    """`text` with what an asset manifest leaves open put in."""
    known = {"AccountId": context.account, "Region": context.region, "Partition": context.partition}
    for name, value in known.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def _named(what: str) -> dict[str, str]:
    return {"Fn::Sub": f"cdk-{_QUALIFIER}-{what}-${{AWS::AccountId}}-${{AWS::Region}}"}


_ASSETS = [{"Fn::GetAtt": ["StagingBucket", "Arn"]}, {"Fn::Sub": "${StagingBucket.Arn}/*"}]
_BUCKET: Mapping[str, Any] = {
    "BucketName": _named("assets"),
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    },
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    },
}

# (actions, resources) of each statement.
_Statement = tuple[list[str], Any]
_VERSION_PARAMETER = {
    "Fn::Sub": f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter{_PARAMETER}"
}
_DEPLOYMENT: tuple[_Statement, ...] = (
    (
        [
            "cloudformation:CancelUpdateStack",
            "cloudformation:ContinueUpdateRollback",
            "cloudformation:CreateChangeSet",
            "cloudformation:CreateStack",
            "cloudformation:DeleteChangeSet",
            "cloudformation:DeleteStack",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeEvents",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStacks",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:GetTemplate",
            "cloudformation:GetTemplateSummary",
            "cloudformation:ListStackResources",
            "cloudformation:RollbackStack",
            "cloudformation:UpdateStack",
            "cloudformation:UpdateTerminationProtection",
        ],
        # Which stacks there are to be is not known when the account is bootstrapped.
        "*",
    ),
    (["iam:PassRole"], {"Fn::GetAtt": ["CloudFormationExecutionRole", "Arn"]}),
    (["sts:GetCallerIdentity"], "*"),
    (["s3:GetObject*", "s3:GetBucket*", "s3:List*"], _ASSETS),
    (["ssm:GetParameter", "ssm:GetParameters"], _VERSION_PARAMETER),
)
_FILES: tuple[_Statement, ...] = (
    (
        [
            "s3:GetObject*",
            "s3:GetBucket*",
            "s3:GetEncryptionConfiguration",
            "s3:List*",
            "s3:DeleteObject*",
            "s3:PutObject*",
            "s3:Abort*",
        ],
        _ASSETS,
    ),
    (["ssm:GetParameter"], _VERSION_PARAMETER),
)
_IMAGES: tuple[_Statement, ...] = (
    (
        [
            "ecr:PutImage",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload",
            "ecr:BatchCheckLayerAvailability",
            "ecr:DescribeRepositories",
            "ecr:DescribeImages",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ],
        {"Fn::GetAtt": ["ContainerAssetsRepository", "Arn"]},
    ),
    # A registry's token is not for one repository.
    (["ecr:GetAuthorizationToken"], "*"),
)


def _role(
    name: str,
    statements: tuple[_Statement, ...],
    *,
    managed: tuple[str, ...] = (),
    principal: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A role that the account's own principals may assume, or a service."""
    trusted = principal or {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    properties: dict[str, Any] = {
        "RoleName": _named(name),
        "AssumeRolePolicyDocument": _policy(
            [{"Effect": "Allow", "Principal": trusted, "Action": ["sts:AssumeRole", "sts:TagSession"]}]
            if principal is None
            else [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}]
        ),
        "ManagedPolicyArns": [{"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:policy/{policy}"} for policy in managed],
    }
    if statements:
        allowed = [{"Effect": "Allow", "Action": actions, "Resource": where} for actions, where in statements]
        properties["Policies"] = [{"PolicyName": "default", "PolicyDocument": _policy(allowed)}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
