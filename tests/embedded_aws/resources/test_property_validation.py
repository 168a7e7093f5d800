"""What a service would refuse is refused before anything is made, in CloudFormation's words."""

from typing import Any

import pytest

from embedded_aws.instance import Instance
from embedded_aws.resources import TABLE
from embedded_aws.resources.property_validation import UNRESOLVED, message, violations
from embedded_aws.resources.schemas import schema
from tests.embedded_aws.cloudformation.stack_operations import create, events, reasons

ROLE = "arn:aws:iam::123456789012:role/some-role"
FUNCTION = {"Role": ROLE, "Code": {"S3Bucket": "some-bucket", "S3Key": "k"}, "Runtime": "python3.11", "Handler": "a.b"}
JOB = {"Role": ROLE, "Command": {"Name": "glueetl"}}
KEY = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}
ATTRIBUTES = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}


# Limits and names: the page that stands beside each.
@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        # Required properties and unknown ones: the types' pages in the CloudFormation Template Reference.
        ("Glue::Job", {"Command": {"Name": "glueetl"}}, "#: required key [Role] not found"),
        ("Glue::Job", {**JOB, "Colour": "red"}, "#: extraneous key [Colour] is not permitted"),
        ("S3::BucketPolicy", {"PolicyDocument": {}}, "#: required key [Bucket] not found"),
        ("IAM::Role", {}, "#: required key [AssumeRolePolicyDocument] not found"),
        ("Glue::Job", {**JOB, "Command": {"Nme": "x"}}, "#/Command: extraneous key [Nme] is not permitted"),
        # Enumerations.
        ("Glue::Job", {**JOB, "MaxRetries": "many"}, "#/MaxRetries: expected type: Number, found: String"),
        ("Lambda::Function", {**FUNCTION, "Runtime": "python9"}, "#/Runtime: python9 is not a valid enum value"),
        ("Events::Rule", {"State": "ON"}, "#/State: ON is not a valid enum value"),
        (
            "S3::Bucket",
            {"VersioningConfiguration": {"Status": "On"}},
            "#/VersioningConfiguration/Status: On is not a valid enum value",
        ),
        ("Logs::LogGroup", {"RetentionInDays": 8}, "#/RetentionInDays: 8 is not a valid enum value"),
        # AWS Lambda Developer Guide, "Lambda quotas": 900 seconds; 128 MB to 10,240 MB.
        ("Lambda::Function", {**FUNCTION, "Timeout": 901}, "#/Timeout: 901 is not less or equal to 900"),
        ("Lambda::Function", {**FUNCTION, "MemorySize": "64"}, "#/MemorySize: 64 is not greater or equal to 128"),
        ("Lambda::Function", {**FUNCTION, "MemorySize": 10241}, "#/MemorySize: 10241 is not less or equal to 10240"),
        # Amazon SQS API Reference, "SetQueueAttributes": 0 to 43,200 seconds; "CreateQueue": QueueName.
        ("SQS::Queue", {"VisibilityTimeout": 43201}, "#/VisibilityTimeout: 43201 is not less or equal to 43200"),
        (
            "SQS::Queue",
            {"QueueName": "first", "FifoQueue": True},
            "#/QueueName: The name of a FIFO queue must end with the .fifo suffix",
        ),
        ("SQS::Queue", {"DelaySeconds": 901}, "#/DelaySeconds: 901 is not less or equal to 900"),
        # Amazon S3 User Guide, "General purpose bucket naming rules".
        ("S3::Bucket", {"BucketName": "Upper"}, "#/BucketName: failed validation constraint for keyword [pattern]"),
        ("S3::Bucket", {"BucketName": "192.168.5.4"}, "#/BucketName: The specified bucket is not valid: 192.168.5.4"),
        ("S3::Bucket", {"BucketName": "sthree-x"}, "#/BucketName: The specified bucket is not valid: sthree-x"),
        # Amazon DynamoDB API Reference, "CreateTable": TableName, 3 characters at least.
        (
            "DynamoDB::Table",
            {**KEY, **ATTRIBUTES, "TableName": "a b"},
            "#/TableName: failed validation constraint for keyword [pattern]",
        ),
        # IAM User Guide, "IAM and AWS STS quotas": role names have 64 characters at most.
        (
            "IAM::Role",
            {"AssumeRolePolicyDocument": {}, "RoleName": "r" * 65},
            "#/RoleName: expected maxLength: 64, actual: 65",
        ),
        # AWS Batch API Reference, "RetryStrategy": 1 to 10 attempts; "JobTimeout": 60 seconds at least.
        (
            "Batch::JobDefinition",
            {"Type": "container", "RetryStrategy": {"Attempts": 11}},
            "#/RetryStrategy/Attempts: 11 is not less or equal to 10",
        ),
        (
            "Batch::JobDefinition",
            {"Type": "container", "Timeout": {"AttemptDurationSeconds": 30}},
            "#/Timeout/AttemptDurationSeconds: 30 is not greater or equal to 60",
        ),
        ("KMS::Alias", {"AliasName": "x", "TargetKeyId": "k"}, "#/AliasName: failed validation constraint"),
    ],
)
def test_properties_that_cannot_be_are_named(kind: str, properties: dict[str, Any], said: str) -> None:
    found = violations(f"AWS::{kind}", properties)
    assert [line for line in found if line.startswith(said)], found


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("Lambda::Function", {**FUNCTION, "Timeout": "900", "MemorySize": "10240"}),
        ("Glue::Job", {**JOB, "MaxRetries": "3", "Timeout": 10}),
        ("SQS::Queue", {"QueueName": "first.fifo", "FifoQueue": "true", "VisibilityTimeout": 0}),
        ("S3::Bucket", {"BucketName": "a.bucket-of-1"}),
        ("DynamoDB::Table", {**KEY, **ATTRIBUTES, "BillingMode": "PAY_PER_REQUEST"}),
        # What comes of another resource is not known before that is made.
        ("Lambda::Function", {**FUNCTION, "Role": UNRESOLVED, "Environment": {"Variables": UNRESOLVED}}),
    ],
)
def test_properties_that_may_be_are_let_through(kind: str, properties: dict[str, Any]) -> None:
    assert violations(f"AWS::{kind}", properties) == []


def test_several_violations_are_counted_and_listed() -> None:
    found = violations("AWS::Glue::Job", {"Colour": "red"})
    assert message("Job", found) == (
        "Properties validation failed for resource Job with message:\n"
        "#: 3 schema violations found\n"
        "#: required key [Role] not found\n"
        "#: required key [Command] not found\n"
        "#: extraneous key [Colour] is not permitted"
    )


def test_every_type_of_aws_has_its_schema() -> None:
    assert [kind for kind in TABLE if kind.startswith("AWS::") and schema(kind) is None] == []


def test_nothing_is_made_when_one_resource_is_refused(small: Instance) -> None:
    queue = {"Type": "AWS::SQS::Queue"}
    job = {"Type": "AWS::Glue::Job", "Properties": {"Command": {"Name": "glueetl"}}, "DependsOn": "Queue"}
    stack = create(small, "refused", {"Queue": queue, "Job": job})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reasons(small, "refused", "CREATE_FAILED")["Job"] == (
        "Properties validation failed for resource Job with message:\n#: required key [Role] not found"
    )
    assert "CREATE_COMPLETE" not in {status for _, status, _ in events(small, "refused")}
