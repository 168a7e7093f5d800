"""A study in the archive, and a state machine that only notes what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from genomics.contracts import object_keys
from genomics.contracts.archives import Archive, Study, Tar
from lambdas import documents
from lambdas.ledger_table import Ledger

BUCKET, TABLE, TOPIC = "sequencing", "ledger", "requesters"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Restores"


@dataclass
class Executions:
    """Step Functions, as far as the functions use it."""

    inputs: dict[str, Any] = field(default_factory=dict)
    successes: list[str] = field(default_factory=list)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: N803, A002
        if name in self.inputs:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": ""}}, "StartExecution")
        self.inputs[name] = json.loads(input)
        return {"executionArn": f"{stateMachineArn}:{name}"}

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        if taskToken in self.successes:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, "SendTaskSuccess")
        self.successes.append(taskToken)


@dataclass
class Account:
    """Where the functions are called."""

    s3: Any
    sns: Any
    ledger: Ledger
    topic: str
    executions: Executions = field(default_factory=Executions)

    def put(self, key: str, body: bytes = b"x", **more: Any) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)

    def archive(self, study: str = "heart", archive_id: str = "1", *, owner: str = "") -> Archive:
        """A study with one verified tar."""
        tar = object_keys.archive_tar(study, archive_id, 1)
        self.put(tar, StorageClass="DEEP_ARCHIVE")
        found = Archive(study, archive_id, BUCKET, "index", 1, 1, (Tar(tar, "v", 1, 1, ""),), "2026-01-01T00:00:00Z")
        documents.write(self.s3, found, self.uri(object_keys.archive(study, archive_id)))
        documents.write(self.s3, Study(study, owner), self.uri(object_keys.study(study)))
        return found

    @staticmethod
    def uri(key: str) -> str:
        return object_keys.uri(BUCKET, key)

    def key(self, key: str) -> Any:
        """moto's own object, whose times can be set."""
        return s3_backends["123456789012"]["aws"].buckets[BUCKET].keys[key]

    def mails(self) -> list[tuple[str, str]]:
        """Recipient and text of what the topic was told, in order."""
        sent = sns_backends["123456789012"]["us-east-1"].topics[self.topic].sent_notifications
        return [(attributes["recipient"]["Value"], text) for _, text, _, attributes, _ in sent]

    def told(self) -> list[str]:
        """Recipients of what the topic was told, in order."""
        return [recipient for recipient, _ in self.mails()]


@cache
def client(service: str) -> Any:
    """One for all tests: every account is the same mock."""
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        s3, sns = client("s3"), client("sns")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "run_id", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("run_id", "item")],
            BillingMode="PAY_PER_REQUEST",
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            yield Account(s3, sns, Ledger(client("dynamodb"), TABLE), sns.create_topic(Name=TOPIC)["TopicArn"])
