"""FSx for Lustre in front of the bucket: run folders and results as files, fetched when they are first read."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.lustre_file_system import LustreFileSystem

_LINKED = (object_keys.RUN_FOLDERS, object_keys.STEPS)
# Of a stack's name, which its buckets' names begin with, and which CloudFormation cuts where they would get too long.
_NAME_CHARACTERS = 20
_ONE_PART = cdk.ArnFormat.NO_RESOURCE_NAME


class LustreScratch(LustreFileSystem):
    """Run folders and results on Lustre; it holds copies only."""

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, bucket: s3.IBucket, storage_gib: int
    ) -> None:
        super().__init__(
            scope, construct_id, vpc=vpc, storage_gib=storage_gib, holds="Copies of the bucket's objects on Lustre"
        )
        _let_fsx_use(bucket)
        for prefix in _LINKED:
            fsx.CfnDataRepositoryAssociation(
                self,
                f"Link{prefix.rstrip('/').title().replace('_', '')}",
                file_system_id=self.file_system.ref,
                file_system_path=f"/{prefix.rstrip('/')}",
                data_repository_path=bucket.s3_url_for_object(prefix),
                batch_import_meta_data_on_create=True,
                # Nothing goes back: what is in the bucket is what was sequenced and computed.
                s3=fsx.CfnDataRepositoryAssociation.S3Property(
                    auto_import_policy=fsx.CfnDataRepositoryAssociation.AutoImportPolicyProperty(
                        events=["NEW", "CHANGED", "DELETED"]
                    )
                ),
            )


def _let_fsx_use(bucket: s3.IBucket) -> None:
    """Let FSx read what is encrypted with the bucket's own key.

    FSx for Lustre User Guide, "Working with server-side encrypted Amazon S3 buckets": it does so as a service-linked
    role, whose name ends in the file system's id. The bucket has a bucket key, so that its ARN is the encryption
    context; a key cannot refer to its own bucket, so the ARN is known by how CloudFormation begins it.
    """
    key = bucket.encryption_key
    if key is None:
        return
    stack = cdk.Stack.of(key)
    role = stack.format_arn(
        service="iam",
        region="",
        resource="role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com",
        resource_name="AWSServiceRoleForFSxS3Access_*",
    )
    named = stack.format_arn(
        service="s3", region="", account="", resource=f"{stack.stack_name[:_NAME_CHARACTERS]}*", arn_format=_ONE_PART
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="FsxReadsObjects",
            principals=[iam.AnyPrincipal()],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],  # In a key's policy this means the key itself.
            conditions={
                "StringEquals": {
                    "kms:CallerAccount": stack.account,
                    "kms:ViaService": f"s3.{stack.region}.amazonaws.com",
                },
                "ArnLike": {"aws:PrincipalArn": role},
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": named},
            },
        )
    )
