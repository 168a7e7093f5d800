"""One request in the inbox starts one execution, however it was put there and whatever becomes of its event."""

import hashlib
import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.runs import Artifact, LaneReads, Reference, RunRequest, SampleReads
from tests.waiting import until

LOG_GROUP = "AWS::Logs::LogGroup"
VISIBILITY_SECONDS = 6 * 60


@dataclass
class Inbox:
    """The deployed inbox, and a request whose reads hold nothing."""

    genomics: Any
    run_id: str = field(default_factory=lambda: f"once-{uuid.uuid4().hex[:12]}")

    def client(self, service: str) -> Any:
        return self.genomics.client(service)

    @property
    def bucket(self) -> str:
        return str(self.genomics.deployment.sequencing_bucket)

    @property
    def key(self) -> str:
        return object_keys.run_request(self.run_id)

    @property
    def dead_letters(self) -> str:
        return str(self.genomics.deployment.inbox_dead_letter_queue_url)

    @property
    def queue(self) -> str:
        answer = self.client("sqs").list_dead_letter_source_queues(QueueUrl=self.dead_letters)
        return str(answer["queueUrls"][0])

    def artifact(self, name: str, key: Callable[[str, str], str]) -> tuple[Artifact, bytes]:
        content = f"{name} of {self.run_id}".encode()
        digest = hashlib.sha256(content).hexdigest()
        return Artifact(object_keys.uri(self.bucket, key(digest, name)), digest, len(content)), content

    @property
    def inputs(self) -> list[tuple[Artifact, bytes]]:
        reads = [self.artifact(name, object_keys.reads) for name in ("r1.fastq.gz", "r2.fastq.gz")]
        return [self.artifact("genome.fa", object_keys.reference_file), *reads]

    @property
    def request(self) -> bytes:
        fasta, *mates = (artifact for artifact, _ in self.inputs)
        sample = SampleReads("S1", "P1", (LaneReads("L001", *mates),))
        text: str = codec.dumps(RunRequest(self.run_id, "once", Reference("genome", fasta), (sample,)))
        return text.encode()

    def put_inputs(self) -> None:
        for artifact, content in self.inputs:
            _, key = object_keys.parse(artifact.uri)
            self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)

    def put_request(self) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=self.key, Body=self.request)

    def event(self) -> str:
        """What the request's arrival puts into the queue: S3 User Guide, "EventBridge event message structure"."""
        detail = {"bucket": {"name": self.bucket}, "object": {"key": self.key, "size": len(self.request)}}
        return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})

    def send_again(self, *, delay_seconds: int = 0) -> None:
        self.client("sqs").send_message(QueueUrl=self.queue, MessageBody=self.event(), DelaySeconds=delay_seconds)

    def executions(self) -> list[str]:
        """Executions of this run: those of its name, and any other whose input names it."""
        states = self.client("stepfunctions")
        machine = self.genomics.deployment.run_state_machine_arn
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        arns = [execution["executionArn"] for page in pages for execution in page["executions"]]
        inputs = {arn: json.loads(states.describe_execution(executionArn=arn)["input"]) for arn in arns}
        return [arn for arn, given in inputs.items() if given["run_id"] == self.run_id]

    def outcomes(self) -> list[str]:
        """What the function that starts runs printed of this run, a line for each message."""
        stack = self.client("cloudformation").describe_stack_resources(StackName="genomics-secondary")["StackResources"]
        groups = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in stack if r["ResourceType"] == LOG_GROUP}
        [group] = [group for name, group in groups.items() if name.startswith("StartRun")]
        logs = self.client("logs").filter_log_events(logGroupName=group)["events"]
        lines = [json.loads(event["message"]) for event in logs if event["message"].startswith('{"message"')]
        return [line["outcome"] for line in lines if self.run_id in line["outcome"]]

    def messages(self, url: str) -> int:
        names = [
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]  # fmt: skip
        found = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())

    def started_once(self) -> None:
        """Wait until every message has been dealt with; then one execution has been started, and only once."""
        until(self.executions)
        until(lambda: self.messages(self.queue) == 0)
        assert len(self.executions()) == 1
        assert self.outcomes().count(self.run_id) == 1

    def advance(self, seconds: float) -> None:
        """Let time pass on the instance's clock."""
        request = urllib.request.Request(  # noqa: S310  (the instance's own address)
            f"{self.genomics.instance.endpoint}/_embedded/clock", json.dumps({"advance_seconds": seconds}).encode()
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            assert response.status == 200


@pytest.fixture
def inbox(genomics: Any) -> Iterator[Inbox]:
    found = Inbox(genomics)
    yield found
    # What was started has nothing to work on.
    for execution in found.executions():
        found.client("stepfunctions").stop_execution(executionArn=execution)


def in_one_part(inbox: Inbox) -> None:
    inbox.put_request()


def in_parts(inbox: Inbox) -> None:
    s3, where = inbox.client("s3"), {"Bucket": inbox.bucket, "Key": inbox.key}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=inbox.request)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)


def as_a_copy(inbox: Inbox) -> None:
    source = {"Bucket": inbox.bucket, "Key": f"elsewhere/{inbox.run_id}.json"}
    inbox.client("s3").put_object(**source, Body=inbox.request)
    inbox.client("s3").copy_object(Bucket=inbox.bucket, Key=inbox.key, CopySource=source)


@pytest.mark.parametrize("put", [in_one_part, in_parts, as_a_copy])
def test_a_request_starts_one_execution_however_it_is_put(inbox: Inbox, put: Callable[[Inbox], None]) -> None:
    inbox.put_inputs()
    put(inbox)
    inbox.started_once()


def test_events_that_come_twice_or_late_and_a_second_upload_start_nothing_more(inbox: Inbox) -> None:
    inbox.put_inputs()
    inbox.send_again(delay_seconds=600)
    inbox.put_request()
    for _ in range(3):
        inbox.send_again()
    until(inbox.executions)
    inbox.put_request()
    inbox.advance(600)
    inbox.started_once()


def test_a_request_that_comes_before_its_reads_starts_one_execution_when_they_are_there(inbox: Inbox) -> None:
    inbox.put_request()
    until(inbox.outcomes)
    assert "is not there" in inbox.outcomes()[0]
    assert inbox.executions() == []
    inbox.put_inputs()
    inbox.advance(VISIBILITY_SECONDS)
    inbox.started_once()


def test_a_request_that_always_fails_is_kept_and_can_be_moved_back(inbox: Inbox) -> None:
    before = inbox.messages(inbox.dead_letters)
    inbox.put_request()
    # The queue gives a message to its function three times.
    for attempt in (1, 2, 3):
        until(lambda attempt=attempt: len(inbox.outcomes()) == attempt)  # type: ignore[misc]
        until(lambda: inbox.messages(inbox.queue) == 1)
        time.sleep(0.3)
        inbox.advance(VISIBILITY_SECONDS)
    until(lambda: inbox.messages(inbox.dead_letters) == before + 1)
    assert inbox.executions() == []
    inbox.put_inputs()
    arn = inbox.client("sqs").get_queue_attributes(QueueUrl=inbox.dead_letters, AttributeNames=["QueueArn"])
    inbox.client("sqs").start_message_move_task(SourceArn=arn["Attributes"]["QueueArn"])
    until(inbox.executions)
    assert len(inbox.executions()) == 1
    assert inbox.outcomes().count(inbox.run_id) == 1
