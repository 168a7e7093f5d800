"""KMS, STS, and who may pass roles."""

from tests.embedded_aws.iam.permission_cases.case import (
    ACCOUNT,
    NO_IDENTITY,
    NO_RESOURCE,
    Case,
    allow,
    arn,
    deny,
    when,
)

CASES = [
    # KMS Developer Guide, "Key policies in AWS KMS": without the statement for the account, IAM policies do not count
    Case(
        "key that IAM speaks for",
        ("kms", "generate_data_key", {"KeyId": "{key}", "KeySpec": "AES_256"}),
        [allow("kms:GenerateDataKey", "{key}")],
    ),
    Case(
        "key by alias",
        ("kms", "generate_data_key", {"KeyId": "alias/iam", "KeySpec": "AES_256"}),
        [allow("kms:GenerateDataKey", "{key}")],
    ),
    Case(
        "key that its policy closes",
        ("kms", "describe_key", {"KeyId": "{closed_key}"}),
        [allow("kms:*")],
        NO_RESOURCE,
        "kms:DescribeKey",
    ),
    Case("key whose policy names the role", ("kms", "encrypt", {"KeyId": "{closed_key}", "Plaintext": b"1"}), []),
    # KMS Developer Guide, "kms:EncryptionContext:context-key"
    Case(
        "encryption context",
        ("kms", "encrypt", {"KeyId": "{key}", "Plaintext": b"1", "EncryptionContext": {"run": "r1"}}),
        [allow("kms:Encrypt", "*", **when("StringEquals", "kms:EncryptionContext:run", "r2"))],
        NO_IDENTITY,
        "kms:Encrypt",
    ),
    # STS API Reference: GetCallerIdentity needs no permission, and cannot be denied
    Case("who am I", ("sts", "get_caller_identity", {}), [deny("sts:*")]),
    # IAM User Guide, "Granting permissions to create temporary credentials" and "IAM roles: trust policy"
    Case(
        "role that trusts the account",
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-open", "RoleSessionName": "ab"}),
        [allow("sts:AssumeRole", "arn:aws:iam::*:role/iam-open")],
    ),
    Case(
        "role that trusts the account, without permission",
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-open", "RoleSessionName": "ab"}),
        [],
        NO_IDENTITY,
        "sts:AssumeRole",
    ),
    Case(
        "role that trusts this role",
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-near", "RoleSessionName": "ab"}),
        [],
    ),
    Case(
        "role that trusts a service",
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-service", "RoleSessionName": "ab"}),
        [allow("sts:*")],
        NO_RESOURCE,
        "sts:AssumeRole",
    ),
    # IAM User Guide, "How to use an external ID": the trust policy's condition
    Case(
        "external ID",
        (
            "sts",
            "assume_role",
            {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-outside", "RoleSessionName": "ab", "ExternalId": "lab"},
        ),
        [],
    ),
    Case(
        "no external ID",
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-outside", "RoleSessionName": "ab"}),
        [allow("sts:*")],
        NO_RESOURCE,
        "sts:AssumeRole",
    ),
    # IAM User Guide, "Grant a user permissions to pass a role to an AWS service"
    Case(
        "pass a role",
        (
            "glue",
            "create_job",
            {"Name": "iam-j", "Role": f"arn:aws:iam::{ACCOUNT}:role/iam-service", "Command": {"Name": "glueetl"}},
        ),
        [
            allow("glue:CreateJob"),
            allow("iam:PassRole", "*", **when("StringEquals", "iam:PassedToService", "glue.amazonaws.com")),
        ],
    ),
    Case(
        "pass a role to another service",
        (
            "lambda",
            "create_function",
            {"FunctionName": "iam-f", "Role": f"arn:aws:iam::{ACCOUNT}:role/iam-service", "Code": {"ZipFile": b"x"}},
        ),
        [
            allow("lambda:*"),
            allow("iam:PassRole", "*", **when("StringEquals", "iam:PassedToService", "glue.amazonaws.com")),
        ],
        NO_IDENTITY,
        "iam:PassRole",
    ),
    Case(
        "pass a role in a list",
        (
            "events",
            "put_targets",
            {
                "Rule": "iam-rule",
                "Targets": [
                    {
                        "Id": "1",
                        "Arn": arn("states", "stateMachine:x"),
                        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-service",
                    }
                ],
            },
        ),
        [allow("events:PutTargets", arn("events", "rule/iam-rule"))],
        NO_IDENTITY,
        "iam:PassRole",
    ),
]
