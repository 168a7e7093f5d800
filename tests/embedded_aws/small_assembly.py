"""A cloud assembly of two small stacks, written by hand as CDK writes it."""

import json
from pathlib import Path
from typing import Any

ASSETS = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"


def _allow(action: str, resource: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


# The account's own policies say who may use the key.
_OF_THE_ACCOUNT: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}

STORAGE: dict[str, Any] = {
    "Parameters": {
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        }
    },
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": _OF_THE_ACCOUNT, "EnableKeyRotation": True}},
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Data"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": {"AWS": "*"},
                            "Action": "s3:*",
                            "Resource": {"Fn::Sub": "${Data.Arn}/*"},
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                },
            },
        },
        "Data": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "VersioningConfiguration": {"Status": "Enabled"},
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                            },
                        }
                    ]
                },
                "LifecycleConfiguration": {"Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": 3}]},
                "Tags": [{"Key": "stage", "Value": "storage"}],
            },
            "DeletionPolicy": "Retain",
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
                "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
            },
        },
        "Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    },
    "Outputs": {
        "DataBucket": {"Value": {"Ref": "Data"}, "Export": {"Name": "small-storage:Data"}},
        "TableName": {"Value": {"Ref": "Table"}, "Export": {"Name": "small-storage:Table"}},
        "Range": {"Value": {"Fn::GetAtt": ["Network", "CidrBlock"]}},
    },
}

WORK: dict[str, Any] = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "ManagedPolicyArns": [
                    {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
                ],
                "Policies": [{"PolicyName": "inline", "PolicyDocument": _allow("sqs:ListQueues", "*")}],
            },
        },
        "Grant": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "Grant",
                "PolicyDocument": _allow(
                    "s3:GetObject",
                    {"Fn::Join": ["", ["arn:aws:s3:::", {"Fn::ImportValue": "small-storage:Data"}, "/*"]]},
                ),
                "Roles": [{"Ref": "Role"}],
            },
        },
        "DeadLetters": {"Type": "AWS::SQS::Queue"},
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "VisibilityTimeout": 77,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                    "maxReceiveCount": 3,
                },
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.11",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"S3Bucket": {"Fn::Sub": ASSETS}, "S3Key": "code.zip"},
                "Timeout": 21,
                "Environment": {"Variables": {"BUCKET": {"Fn::ImportValue": "small-storage:Data"}}},
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["genomics"]},
                "State": "ENABLED",
                "Targets": [{"Id": "T0", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "InputPath": "$.detail"}],
            },
        },
    },
    "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
}


def write(directory: Path, *, storage: dict[str, Any] = STORAGE, work: dict[str, Any] = WORK) -> Path:
    """Write the assembly, `work` first although it needs `storage`; its directory."""
    code = directory / "asset.code"
    code.mkdir(parents=True)
    (code / "index.py").write_text("def handler(event, context):\n    return event\n")
    destination = {"bucketName": ASSETS, "objectKey": "code.zip"}
    asset = {"source": {"path": "asset.code", "packaging": "zip"}, "destinations": {"here": destination}}
    _stack(directory, "small-storage", storage, {})
    _stack(directory, "small-work", work, {"code": asset})
    artifacts: dict[str, Any] = {}
    for name, needs in (("small-work", ["small-storage"]), ("small-storage", [])):
        manifest = {"type": "cdk:asset-manifest", "properties": {"file": f"{name}.assets.json"}}
        artifacts[f"{name}.assets"] = manifest
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "properties": {"templateFile": f"{name}.template.json", "stackName": name},
            "dependencies": [*needs, f"{name}.assets"],
        }
    (directory / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": artifacts}))
    return directory


def _stack(directory: Path, name: str, template: dict[str, Any], files: dict[str, Any]) -> None:
    (directory / f"{name}.template.json").write_text(json.dumps(template))
    (directory / f"{name}.assets.json").write_text(json.dumps({"files": files, "dockerImages": {}}))
