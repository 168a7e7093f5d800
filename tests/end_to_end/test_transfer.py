"""From the landing folder to RunTransferred, as a lab has it: the run tracker as a process, DataSync, the functions."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import file_servers
from embedded_aws.context import Context
from embedded_aws.instance import Instance
from genomics.contracts.ledger import LedgerEntry, from_item, transfer_item
from genomics.contracts.runs import State
from tests.embedded_aws.instance_clients import client, outputs
from tests.run_tracker.run_folders import SEQUENCERS, make_run_folder
from tests.waiting import until

LARGE = 300_000


@dataclass(frozen=True)
class Lab:
    """The landing folder, the run tracker beside it, and a queue that hears what the platform tells of transfers."""

    instance: Instance
    root: Path
    landing: Path
    task: str
    bucket: str
    heard_url: str

    def client(self, service: str) -> Any:
        return client(self.instance, service)

    def tracker(self, *arguments: str) -> "subprocess.Popen[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GENOMICS_"))}
        return subprocess.Popen(
            [Path(sys.executable).with_name("run-tracker"), *arguments, "--config", self.root / "config.toml"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**kept, **self.instance.environment()},
        )  # fmt: skip

    def watch(self) -> None:
        process = self.tracker("watch", "--once")
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors

    def executions(self, run_id: str) -> list[str]:
        """Those of a run."""
        sync = self.client("datasync")
        listed = [e["TaskExecutionArn"] for e in sync.list_task_executions(TaskArn=self.task)["TaskExecutions"]]
        return [
            arn
            for arn in listed
            if {"Key": "genomics:run", "Value": run_id} in sync.list_tags_for_resource(ResourceArn=arn)["Tags"]
        ]

    def end(self, execution: str) -> dict[str, Any]:
        def found() -> dict[str, Any]:
            described: dict[str, Any] = self.client("datasync").describe_task_execution(TaskExecutionArn=execution)
            return described

        until(lambda: found()["Status"] in ("SUCCESS", "ERROR") and found()["ReportResult"]["Status"] != "PENDING")
        return found()

    def objects(self, run_id: str) -> dict[str, tuple[int, str]]:
        """Size and storage class of the files in the bucket, by their path in the run folder."""
        prefix = f"run_folders/{run_id}/"
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {
            item["Key"].removeprefix(prefix): (item["Size"], item["StorageClass"])
            for page in pages
            for item in page.get("Contents", ())
            if not item["Key"].endswith("/")
        }

    def entry(self, run_id: str, attempt: int = 1) -> LedgerEntry | None:
        table = outputs(self.instance, "genomics-storage")["LedgerTable"]
        key = {"run_id": {"S": run_id}, "item": {"S": transfer_item(1, attempt)}}
        found = self.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return from_item(found) if found else None

    def physical_id(self, kind: str, logical_id: str) -> str:
        """Of the one resource of the stack whose type is `kind` and whose logical id begins like this."""
        found = self.client("cloudformation").describe_stack_resources(StackName="genomics-transfer")["StackResources"]
        [name] = [
            resource["PhysicalResourceId"]
            for resource in found
            if resource["ResourceType"] == kind and resource["LogicalResourceId"].startswith(logical_id)
        ]
        return str(name)

    def sweep(self) -> list[str]:
        """What the sweep finds now."""
        name = self.physical_id("AWS::Lambda::Function", "Sweep")
        answer = self.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        found: list[str] = json.loads(answer["Payload"].read())["found"]
        return found

    def heard(self) -> list[dict[str, Any]]:
        """Events and alarms that have come since the last call."""
        sqs, found = self.client("sqs"), []
        for message in sqs.receive_message(QueueUrl=self.heard_url, MaxNumberOfMessages=10).get("Messages", ()):
            sqs.delete_message(QueueUrl=self.heard_url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
        return found


@pytest.fixture
def lab(embedded: Instance, tmp_path: Path) -> Iterator[Lab]:
    """The lab, its landing folder empty."""
    landing = file_servers.export(
        Context(port=0, data=embedded.data), file_servers.LANDING_SERVER, file_servers.LANDING_PATH
    )
    stack = outputs(embedded, "genomics-transfer")
    sqs, events, sns = (client(embedded, service) for service in ("sqs", "events", "sns"))
    url = sqs.create_queue(QueueName=f"heard-{tmp_path.name}"[:80])["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(_everyone_sends(arn))})
    rule = f"heard-{tmp_path.name}"[:64]
    pattern = {"source": ["genomics"], "detail-type": ["RunTransferred"]}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "heard", "Arn": arn}])
    topic = sns.subscribe(
        TopicArn=stack["TransferAlarmTopicArn"],
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "false"},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    bucket = outputs(embedded, "genomics-storage")["SequencingBucket"]
    (tmp_path / "config.toml").write_text(
        f'landing_folder = "{landing}"\nstate_folder = "state"\n[datasync]\ntask_arn = "{stack["TransferTaskArn"]}"\n'
        f'bucket = "{bucket}"\n'
        + "".join(f"[platforms.{name}]\nsettle_minutes = 0\n" for name in ("miseq", "nextseq_1000_2000"))
    )
    yield Lab(embedded, tmp_path, landing, stack["TransferTaskArn"], bucket, url)
    sns.unsubscribe(SubscriptionArn=topic)
    events.remove_targets(Rule=rule, Ids=["heard"])
    events.delete_rule(Name=rule)


def _everyone_sends(queue: str) -> dict[str, Any]:
    services = {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    statement = {"Effect": "Allow", "Principal": services, "Action": "sqs:SendMessage", "Resource": queue}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_a_run_folder_arrives_once_without_what_nobody_needs(lab: Lab) -> None:
    [sequencer] = [each for each in SEQUENCERS if each.platform == "miseq"]
    folder = make_run_folder(lab.landing, sequencer)
    (folder / "Data" / "Intensities" / "s_1_1101.locs").write_bytes(os.urandom(LARGE))
    written = _files(folder)
    unwanted = {name for name in written if name.startswith(("Thumbnail_Images/", "Logs/"))}
    assert len(unwanted) == 2

    both = [lab.tracker("watch", "--once") for _ in range(2)]
    assert {process.wait(timeout=120) for process in both} == {0}
    [execution] = lab.executions(folder.name)
    described = lab.end(execution)
    assert described["Status"] == "SUCCESS", described
    until(lambda: (entry := lab.entry(folder.name)) and entry.state.is_final)

    arrived = lab.objects(folder.name)
    assert {name: size for name, (size, _) in arrived.items()} == {
        name: size for name, size in written.items() if name not in unwanted
    }
    assert {storage_class for _, storage_class in arrived.values()} == {"STANDARD_IA"}
    entry = lab.entry(folder.name)
    assert entry is not None
    assert (entry.state, entry.reason) == (State.SUCCEEDED, None)
    heard: list[dict[str, Any]] = []
    until(lambda: heard.extend(lab.heard()) or heard)

    # Neither another look of the tracker's nor a sweep tells of it again.
    lab.watch()
    assert execution not in lab.sweep()
    assert lab.executions(folder.name) == [execution]
    heard += lab.heard()
    assert [event["detail-type"] for event in heard] == ["RunTransferred"]
    assert heard[0]["detail"]["files"] == len(arrived)
    assert heard[0]["detail"]["bytes"] == sum(size for size, _ in arrived.values())


def test_an_object_that_is_gone_raises_the_alarm_that_names_it_though_the_event_was_lost(lab: Lab) -> None:
    [sequencer] = [each for each in SEQUENCERS if each.platform == "nextseq_1000_2000"]
    folder = make_run_folder(lab.landing, sequencer)
    rule, events = lab.physical_id("AWS::Events::Rule", "EndsArrivals"), lab.client("events")
    events.disable_rule(Name=rule)
    try:
        lab.watch()
        [execution] = lab.executions(folder.name)
        assert lab.end(execution)["Status"] == "SUCCESS"
    finally:
        events.enable_rule(Name=rule)
    lab.client("s3").delete_object(Bucket=lab.bucket, Key=f"run_folders/{folder.name}/RunInfo.xml")
    assert lab.entry(folder.name) is None

    assert lab.sweep() == [execution]
    heard: list[dict[str, Any]] = []
    until(lambda: heard.extend(lab.heard()) or heard)
    [alarm] = heard
    assert alarm["Subject"] == f"Transfer of {folder.name} failed"
    assert "1 are missing: RunInfo.xml" in alarm["Message"]
    until(lambda: (entry := lab.entry(folder.name)) and entry.state is State.FAILED)

    # What the alarm asks for: the flag is put anew, and the run is sent again, as its next generation.
    (folder / "qc").unlink()
    (folder / "qc").touch()
    lab.watch()
    [_, again] = lab.executions(folder.name)
    assert lab.end(again)["FilesTransferred"] >= 1
    heard.clear()
    until(lambda: heard.extend(lab.heard()) or heard)
    assert [(event["detail-type"], event["detail"]["generation"]) for event in heard] == [("RunTransferred", 2)]
    assert "RunInfo.xml" in lab.objects(folder.name)
