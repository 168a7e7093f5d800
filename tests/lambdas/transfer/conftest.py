"""A run folder in the bucket, its manifest, and an execution that has ended, with every listener of a transfer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.transfers import (
    ATTEMPT_TAG,
    GENERATION_TAG,
    RUN_TAG,
    ManifestFile,
    ManifestHeader,
    ManifestTrailer,
    file_line,
    header_line,
    trailer_line,
)
from lambdas.transfer.reconciliation import Reconciler
from tests.lambdas.conftest import BUCKET, Platform

RUN = "230102_M01234_0001_000000000-ABCDE"
TASK = "arn:aws:datasync:us-east-1:123456789012:task/task-0123456789abcdef0"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
FILES = {"RunInfo.xml": 10, "Data/L001/a.bcl": 300, "Data/L001.bcl": 20, "Data/L001/b.bcl": 0}


@dataclass
class DataSync:
    """The part of DataSync's client that the functions use."""

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    described: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, number: int, status: str = "SUCCESS", *, generation: int = 1, attempt: int = 1, **more: Any) -> str:
        """An execution of the run tracker's."""
        arn = f"{TASK}/execution/exec-{number:017x}"
        self.tags[arn] = {RUN_TAG: RUN, GENERATION_TAG: str(generation), ATTEMPT_TAG: str(attempt)}
        self.described[arn] = {"TaskExecutionArn": arn, "Status": status, **more}
        return arn

    def describe_task_execution(self, *, TaskExecutionArn: str) -> dict[str, Any]:  # noqa: N803
        return self.described[TaskExecutionArn]

    def get_paginator(self, operation: str) -> Any:
        class Pages:
            @staticmethod
            def paginate(**parameters: str) -> Iterable[Mapping[str, Any]]:
                if operation == "list_tags_for_resource":
                    tags = self.tags[parameters["ResourceArn"]]
                    return [{"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
                assert operation == "list_task_executions"
                keys = ("TaskExecutionArn", "Status")
                return [{"TaskExecutions": [{k: d[k] for k in keys}]} for d in self.described.values()]

        return Pages


@dataclass
class Listener:
    """EventBridge and SNS, as far as the functions use them: `told` keeps what they were told."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.told += [{**entry, "Detail": json.loads(entry["Detail"])} for entry in Entries]
        return {"FailedEntryCount": 0}

    def publish(self, **message: str) -> None:
        assert message.pop("TopicArn") == TOPIC
        self.told.append(message)


@dataclass
class Transfers:
    """`told` are events and alarms, in their order."""

    platform: Platform
    datasync: DataSync = field(default_factory=DataSync)
    listener: Any = field(default_factory=Listener)

    @property
    def told(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.listener.told
        return told

    def reconciler(self) -> Reconciler:
        return Reconciler(
            bucket=BUCKET,
            topic_arn=TOPIC,
            s3=self.platform.s3,
            datasync=self.datasync,  # type: ignore[arg-type]
            events=self.listener,
            sns=self.listener,
            ledger=self.platform.ledger,
        )

    def put_manifest(self, files: Mapping[str, int] = FILES, *, generation: int = 1, whole: bool = True) -> None:
        lines = [header_line(ManifestHeader(RUN, generation))]
        lines += [file_line(ManifestFile(size, f"{RUN}/{path}")) for path, size in files.items()]
        lines += [trailer_line(ManifestTrailer(len(files), sum(files.values())))] if whole else []
        body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
        self.platform.s3.put_object(Bucket=BUCKET, Key=object_keys.transfer_manifest(RUN, generation), Body=body)

    def put_files(self, files: Mapping[str, int] = FILES) -> None:
        for path, size in files.items():
            self.platform.s3.put_object(Bucket=BUCKET, Key=f"{object_keys.run_folder(RUN)}{path}", Body=bytes(size))
        # A folder's object, as DataSync makes them.
        self.platform.s3.put_object(Bucket=BUCKET, Key=f"{object_keys.run_folder(RUN)}Data/")

    def put_report(self, execution: str, statuses: Mapping[str, str]) -> None:
        entries = [
            {"RelativePath": f"/{RUN}/{path}", "SrcMetadata": {"Type": "Regular"}, "VerifyStatus": status}
            for path, status in statuses.items()
        ]
        entries.append({"RelativePath": f"/{RUN}/Data", "SrcMetadata": {"Type": "Directory"}, "VerifyStatus": "FAILED"})
        task, name = execution.split("/")[1], execution.split("/")[3]
        key = f"{object_keys.TRANSFER_REPORTS}Detailed-Reports/{task}/{name}/{name}.files-verified-v1-00001-0a.json"
        body = json.dumps({"TaskExecutionId": name, "Verified": entries})
        self.platform.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.fixture
def transfers(platform: Platform) -> Transfers:
    return Transfers(platform)
