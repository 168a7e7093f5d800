"""Stacks come back after `kill -9` under the same names and ids; those of the assembly are found as they were left."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from embedded_aws import instance
from embedded_aws.cloudformation.kept_stacks import KeptStack
from embedded_aws.instance import Instance
from tests.embedded_aws import small_assembly
from tests.embedded_aws.cloudformation.stack_operations import create, described, events, update
from tests.embedded_aws.instance_clients import client, physical_ids


def of(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def resources(query: str) -> dict[str, Any]:
    policy = {"Version": "2012-10-17", "Statement": []}
    return {
        "Bucket": of("S3::Bucket"),
        "Key": of("KMS::Key", KeyPolicy=policy),
        "Alias": of("KMS::Alias", AliasName="alias/kept", TargetKeyId={"Ref": "Key"}),
        "Files": of("EFS::FileSystem"),
        "Entrance": of("EFS::AccessPoint", FileSystemId={"Ref": "Files"}),
        "Query": of("Athena::NamedQuery", Database="d", QueryString=query),
        "Group": of("Logs::LogGroup", RetentionInDays=7),
        "Database": of("Glue::Database", CatalogId="123456789012", DatabaseInput={"Name": "kept"}),
        "Rule": of("Events::Rule", EventPattern={"source": ["kept"]}, State="ENABLED"),
        "Queue": of("SQS::Queue"),
        "Topic": of("SNS::Topic"),
        "Subscription": of(
            "SNS::Subscription",
            TopicArn={"Ref": "Topic"},
            Protocol="sqs",
            Endpoint={"Fn::GetAtt": ["Queue", "Arn"]},
        ),
    }


@dataclass
class Lives:
    """What stood before the kill, and the instance after it."""

    ids: dict[str, str]
    stack: dict[str, Any]
    gone: str
    now: Instance


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    assembly = small_assembly.write(tmp_path_factory.mktemp("kept") / "cdk.out")
    data = tmp_path_factory.mktemp("kept-data")
    first = instance.start(data, 0, assembly)
    assert create(first, "kept", resources("select 1"))["StackStatus"] == "CREATE_COMPLETE", events(first, "kept")
    stack = update(first, "kept", resources("select 2"))
    create(first, "gone", {"Queue": of("SQS::Queue")})
    gone = physical_ids(first, "gone")["Queue"]
    client(first, "cloudformation").delete_stack(StackName="gone")
    client(first, "s3").put_object(Bucket=physical_ids(first, "kept")["Bucket"], Key="k", Body=b"1")
    ids = physical_ids(first, "kept")
    os.kill(first.pid, signal.SIGKILL)
    while instance.find(data):
        time.sleep(0.02)
    yield Lives(ids, stack, gone, instance.start(data, first.port, assembly))
    instance.stop(data)


def test_a_stack_of_the_api_comes_back_with_every_id(lives: Lives) -> None:
    assert physical_ids(lives.now, "kept") == lives.ids
    again = described(lives.now, "kept")
    assert [again[name] for name in ("StackId", "StackStatus")] == [
        lives.stack[name] for name in ("StackId", "StackStatus")
    ]
    queries = client(lives.now, "athena").get_named_query(NamedQueryId=lives.ids["Query"])
    assert queries["NamedQuery"]["QueryString"] == "select 2"
    assert client(lives.now, "kms").describe_key(KeyId="alias/kept")["KeyMetadata"]["KeyId"] == lives.ids["Key"]
    assert client(lives.now, "s3").get_object(Bucket=lives.ids["Bucket"], Key="k")["Body"].read() == b"1"


def test_the_assemblys_stacks_are_left_alone_when_they_have_not_changed(lives: Lives) -> None:
    for name in ("CDKToolkit", "small-storage", "small-work"):
        assert described(lives.now, name)["StackStatus"] == "CREATE_COMPLETE"
        assert [status for logical_id, status, _ in events(lives.now, name) if logical_id == name] == [
            "CREATE_COMPLETE"
        ]


def test_a_stack_that_is_made_again_gets_other_names(lives: Lives) -> None:
    create(lives.now, "gone", {"Queue": of("SQS::Queue")})
    assert physical_ids(lives.now, "gone")["Queue"] != lives.gone


def test_a_record_is_the_same_after_it_was_written() -> None:
    kept = KeptStack("id", "name", "UPDATE_COMPLETE", "{}", {"P": "1"}, {"t": "v"}, ("A", "B"), {"A": 1}, True)
    assert KeptStack.read(kept.document()) == kept
