"""The request log says who asked for what, by which statement it was allowed, and how it was answered."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.instance import Instance
from tests.embedded_aws.instance_clients import client, outputs, physical_ids

ARN = "arn:aws:{service}:us-east-1:123456789012:{resource}"


@pytest.fixture(scope="module")
def session(small: Instance) -> Mapping[str, str]:
    """Credentials of the template's role, which a policy allows all that is asked for here."""
    role = outputs(small, "small-work")["RoleArn"]
    statement = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
    client(small, "iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="tests",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    given = client(small, "sts").assume_role(RoleArn=role, RoleSessionName="job-1")["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def logged(small: Instance, call: Callable[[], Any]) -> dict[str, Any]:
    """The line that the call leaves in the log."""
    log = small.data / "requests.jsonl"
    before = log.stat().st_size
    call()
    with log.open("rb") as file:
        file.seek(before)
        (line,) = file.read().splitlines()
    entry: dict[str, Any] = json.loads(line)
    return entry


# S3 User Guide, "Protecting data with server-side encryption using AWS KMS keys": required permissions
GENERATE, DECRYPT = ("kms:GenerateDataKey", "{key}"), ("kms:Decrypt", "{key}")

# service, operation, arguments, the accesses after the Service Authorization Reference
CALLS: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    ("s3", "put_object", {"Bucket": "{bucket}", "Key": "a b/ü", "Body": b"1"}, [("PutObject", "/a b/ü"), GENERATE]),
    ("s3", "get_object", {"Bucket": "{bucket}", "Key": "a b/ü"}, [("GetObject", "/a b/ü"), DECRYPT]),
    ("s3", "head_object", {"Bucket": "{bucket}", "Key": "a b/ü"}, [("GetObject", "/a b/ü"), DECRYPT]),
    (
        "s3",
        "copy_object",
        {"Bucket": "{bucket}", "Key": "copy", "CopySource": "{bucket}/a b/ü"},
        [("PutObject", "/copy"), GENERATE, ("GetObject", "/a b/ü"), DECRYPT],
    ),
    ("s3", "list_objects_v2", {"Bucket": "{bucket}"}, [("ListBucket", "")]),
    ("s3", "get_bucket_encryption", {"Bucket": "{bucket}"}, [("GetEncryptionConfiguration", "")]),
    ("s3", "create_multipart_upload", {"Bucket": "{bucket}", "Key": "m"}, [("PutObject", "/m"), GENERATE]),
    (
        "s3",
        "delete_objects",
        {"Bucket": "{bucket}", "Delete": {"Objects": [{"Key": "x&y"}, {"Key": "z"}]}},
        [("DeleteObject", "/x&y"), ("DeleteObject", "/z")],
    ),
    ("dynamodb", "get_item", {"TableName": "{table}", "Key": {"k": {"S": "a"}}}, [("GetItem", "table/{table}")]),
    (
        "dynamodb",
        "batch_get_item",
        {"RequestItems": {"{table}": {"Keys": [{"k": {"S": "a"}}]}}},
        [("BatchGetItem", "table/{table}")],
    ),
    ("sqs", "send_message", {"QueueUrl": "{queue_url}", "MessageBody": "x"}, [("SendMessage", "{queue}")]),
    ("lambda", "list_functions", {}, [("ListFunctions", "*")]),
    (
        "events",
        "put_events",
        {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{{}}"}]},
        [("PutEvents", "event-bus/default")],
    ),
    ("glue", "get_databases", {}, [("GetDatabases", "catalog")]),
    ("kms", "list_keys", {}, [("ListKeys", "*")]),
    ("batch", "describe_job_queues", {}, [("DescribeJobQueues", "*")]),
    ("logs", "describe_log_groups", {}, [("DescribeLogGroups", "*")]),
    ("sts", "get_caller_identity", {}, [("GetCallerIdentity", "*")]),
]


@pytest.mark.parametrize(("service", "operation", "arguments", "accesses"), CALLS)
def test_a_request_is_logged_with_role_action_and_resource(
    small: Instance,
    session: Mapping[str, str],
    service: str,
    operation: str,
    arguments: dict[str, Any],
    accesses: list[tuple[str, str]],
) -> None:
    ids = physical_ids(small, "small-work")
    names = {
        "bucket": outputs(small, "small-storage")["DataBucket"],
        "table": outputs(small, "small-storage")["TableName"],
        "queue_url": ids["Queue"],
        "queue": ids["Queue"].rsplit("/", 1)[-1],
        "key": f"arn:aws:kms:us-east-1:123456789012:key/{physical_ids(small, 'small-storage')['Key']}",
    }
    told = _filled(arguments, names)
    line = logged(small, lambda: getattr(client(small, service, **session), operation)(**told))
    assert line["role"] == ids["Role"]
    assert line["session"] == "job-1"
    assert line["status"] == 200
    assert line["milliseconds"] > 0
    assert [(a["action"], a["resource"]) for a in line["accesses"]] == [
        (action if ":" in action else f"{service}:{action}", _arn(service, resource.format(**names), names))
        for action, resource in accesses
    ]
    # Which of the role's statements is found first does not matter; STS says to everyone who they are.
    if operation != "get_caller_identity":
        assert {a["allowed_by"] for a in line["accesses"]} <= {"inline/#0", "Grant/#0", "tests/All"}


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key.format(**names): _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value.format(**names) if isinstance(value, str) else value


def _arn(service: str, resource: str, names: Mapping[str, str]) -> str:
    if resource.startswith("arn:"):
        return resource
    if service == "s3":
        return f"arn:aws:s3:::{names['bucket']}{resource}"
    return resource if resource == "*" else ARN.format(service=service, resource=resource)


def test_a_request_without_a_session_is_the_operators(small: Instance) -> None:
    line = logged(small, lambda: client(small, "sqs").list_queues())
    assert (line["role"], line["session"]) == ("operator", "")
    assert line["accesses"] == [{"action": "sqs:ListQueues", "resource": "*"}]


def test_a_refused_request_is_logged_with_its_status(small: Instance, session: Mapping[str, str]) -> None:
    s3 = client(small, "s3", **session)
    bucket = outputs(small, "small-storage")["DataBucket"]

    def get_what_is_missing() -> None:
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=bucket, Key="missing")

    line = logged(small, get_what_is_missing)
    assert line["status"] == 404
    assert [(a["action"], a["resource"]) for a in line["accesses"]] == [
        ("s3:GetObject", f"arn:aws:s3:::{bucket}/missing")
    ]


def test_a_denied_request_is_logged_with_the_reason(small: Instance) -> None:
    role = client(small, "iam").create_role(RoleName="of-nobody", AssumeRolePolicyDocument='{"Statement": []}')["Role"]
    statement = {"Sid": "NotThat", "Effect": "Deny", "Action": "sqs:ListQueues", "Resource": "*"}
    client(small, "iam").put_role_policy(
        RoleName="of-nobody",
        PolicyName="denying",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    keys = client(small, "sts").assume_role(RoleArn=role["Arn"], RoleSessionName="job-2")["Credentials"]
    nobody = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }

    def refused(service: str, operation: str) -> dict[str, Any]:
        with pytest.raises(ClientError) as refusal:
            getattr(client(small, service, **nobody), operation)()
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
        return dict(refusal.value.response["Error"])

    implicit = logged(small, lambda: refused("dynamodb", "list_tables"))
    assert (implicit["role"], implicit["session"], implicit["status"]) == ("of-nobody", "job-2", 400)
    assert implicit["accesses"] == [
        {
            "action": "dynamodb:ListTables",
            "resource": "*",
            "denied": "because no identity-based policy allows the dynamodb:ListTables action",
        }
    ]
    explicit = logged(small, lambda: refused("sqs", "list_queues"))
    assert explicit["accesses"] == [
        {
            "action": "sqs:ListQueues",
            "resource": "*",
            "denied": "with an explicit deny in an identity-based policy",
            "denied_by": "denying/NotThat",
        }
    ]


def test_the_caller_is_the_sessions_role(small: Instance, session: Mapping[str, str]) -> None:
    role = physical_ids(small, "small-work")["Role"]
    who = client(small, "sts", **session).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::123456789012:assumed-role/{role}/job-1"
