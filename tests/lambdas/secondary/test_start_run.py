from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.ledger import RUN, LedgerEntry
from genomics.contracts.runs import RunRequest, State
from lambdas.ledger_table import utc_now
from lambdas.secondary import start_run

if TYPE_CHECKING:
    from conftest import Platform
    from mypy_boto3_stepfunctions import SFNClient

ROLE = "arn:aws:iam::123456789012:role/runs"
SAMPLES = {"S1": {"L001": "a"}}


@dataclass
class Inbox:
    platform: Platform
    step_functions: SFNClient
    state_machine: str

    def put(self, request: RunRequest, **changes: Any) -> str:
        """Put a request, its JSON changed by `changes`; returns its key."""
        document = codec.to_dict(request) | changes
        key = object_keys.run_request(request.run_id)
        self.platform.put(key, json.dumps(document).encode())
        return key

    def deliver(self, *keys: str) -> list[str]:
        """Hand events of these objects to the function; the keys of those that it failed."""
        records = [{"messageId": key, "body": event(key)} for key in keys]
        answer = start_run.handler({"Records": records}, None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    @property
    def executions(self) -> dict[str, Any]:
        """Inputs of the executions started, by name."""
        found = self.step_functions.list_executions(stateMachineArn=self.state_machine)["executions"]
        return {
            execution["name"]: json.loads(
                self.step_functions.describe_execution(executionArn=execution["executionArn"])["input"]
            )
            for execution in found
        }

    def run(self, run_id: str) -> LedgerEntry:
        entry = self.platform.ledger.get(run_id, RUN)
        assert entry is not None
        return entry


def event(key: str, bucket: str = "sequencing") -> str:
    """What EventBridge sends to the queue for a new object."""
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": "123456789012",
            "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [f"arn:aws:s3:::{bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket},
                "object": {"key": key, "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00617F08"},
                "request-id": "N4N7GDK58NMKJ12R",
                "requester": "123456789012",
                "reason": "PutObject",
            },
        }
    )


@pytest.fixture
def inbox(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    step_functions = boto3.client("stepfunctions")
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    state_machine = step_functions.create_state_machine(name="Runs", definition=json.dumps(definition), roleArn=ROLE)[
        "stateMachineArn"
    ]
    monkeypatch.setenv("STATE_MACHINE_ARN", state_machine)
    return Inbox(platform, step_functions, state_machine)


def test_a_request_starts_an_execution_of_its_name(inbox: Inbox) -> None:
    request = inbox.platform.request("run-1", SAMPLES)
    assert inbox.deliver(inbox.put(request)) == []
    uri = "s3://sequencing/runs/run-1/request.json"
    assert inbox.executions == {"run-1": {"run_id": "run-1", "study": "study", "request": uri}}
    entry = inbox.run("run-1")
    assert (entry.state, entry.study, entry.order) == (State.RUNNING, "study", 0)
    assert entry.execution_arn == inbox.state_machine.replace("stateMachine", "execution") + ":run-1"
    assert entry.started_at is not None
    copy = inbox.platform.s3.get_object(Bucket="sequencing", Key="runs/run-1/request.json")["Body"].read()
    assert codec.loads(RunRequest, copy) == request


def test_other_objects_of_the_inbox_are_passed_over(inbox: Inbox) -> None:
    request = inbox.platform.request("run-1", SAMPLES)
    _, key = object_keys.parse(request.samples[0].lanes[0].fastq_1.uri)
    deeper = "inbox/reads/0a1b/run.json"
    assert inbox.deliver(key, deeper, "inbox/run-1/notes%20of+the%20lab.txt", "runs/run-1/run.json") == []
    assert inbox.executions == {}
    assert inbox.platform.ledger.get("run-1", RUN) is None


def test_an_event_delivered_many_times_starts_one_execution(inbox: Inbox) -> None:
    key = inbox.put(inbox.platform.request("run-1", SAMPLES))
    assert inbox.deliver(key, key) == []
    assert inbox.deliver(key) == []
    assert list(inbox.executions) == ["run-1"]


def test_a_late_duplicate_leaves_an_ended_run_alone(inbox: Inbox) -> None:
    request = inbox.platform.request("run-1", SAMPLES)
    key = inbox.put(request)
    inbox.deliver(key)
    inbox.platform.ledger.update(LedgerEntry("run-1", RUN, State.SUCCEEDED, finished_at=utc_now()))
    for artifact in request.artifacts:
        inbox.platform.s3.delete_object(Bucket="sequencing", Key=object_keys.parse(artifact.uri)[1])
    assert inbox.deliver(key) == []
    assert inbox.run("run-1").state is State.SUCCEEDED


def test_a_run_started_but_not_recorded_is_recorded_by_the_retry(inbox: Inbox) -> None:
    key = inbox.put(inbox.platform.request("run-1", SAMPLES))
    arn = inbox.step_functions.start_execution(stateMachineArn=inbox.state_machine, name="run-1", input="{}")
    assert inbox.deliver(key) == []
    assert inbox.run("run-1").execution_arn == arn["executionArn"]
    assert inbox.run("run-1").state is State.RUNNING


def test_a_request_that_overtakes_its_reads_waits_for_them(inbox: Inbox) -> None:
    request = inbox.platform.request("run-1", SAMPLES)
    missing = request.samples[0].lanes[0].fastq_2
    inbox.platform.s3.delete_object(Bucket="sequencing", Key=object_keys.parse(missing.uri)[1])
    key = inbox.put(request)
    assert inbox.deliver(key) == [key]
    failed = inbox.run("run-1")
    assert (failed.state, failed.reason) == (State.FAILED, f"run-1: {missing.uri} is not there")

    inbox.platform.reads("a_2")
    assert inbox.deliver(key) == []
    started = inbox.run("run-1")
    assert (started.state, started.reason) == (State.RUNNING, None)


def test_an_object_of_another_size_is_named(inbox: Inbox) -> None:
    request = inbox.platform.request("run-1", SAMPLES)
    first = request.samples[0].lanes[0].fastq_1
    inbox.platform.put(object_keys.parse(first.uri)[1], b"truncated")
    key = inbox.put(request)
    assert inbox.deliver(key) == [key]
    assert inbox.run("run-1").reason == f"run-1: {first.uri} has 9 bytes, the request says 3"


def test_one_of_many_missing_objects_is_named_and_the_others_counted(inbox: Inbox) -> None:
    request = inbox.platform.request("run-1", {"S1": {"L1": "a", "L2": "b"}})
    for artifact in request.artifacts[1:]:
        inbox.platform.s3.delete_object(Bucket="sequencing", Key=object_keys.parse(artifact.uri)[1])
    inbox.deliver(inbox.put(request))
    assert inbox.run("run-1").reason == f"run-1: {request.artifacts[1].uri} is not there (and 3 more)"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"colour": "blue"}, "s3://sequencing/inbox/run-1/run.json: unknown field 'colour'"),
        ({"samples": []}, "s3://sequencing/inbox/run-1/run.json: a run needs at least one sample"),
        ({"run_id": "run-2"}, "inbox/run-1/run.json asks for the run 'run-2'; run and folder must have the same name"),
        (
            {"parameters": {"call_variants": {"ploidy": 3}}},
            "s3://sequencing/inbox/run-1/run.json.parameters.call_variants: ploidy is 3; bcftools call takes 1 or 2",
        ),
        ({"study": "../secrets"}, "s3://sequencing/inbox/run-1/run.json: study '../secrets' may hold"),
    ],
)
def test_a_malformed_request_fails_with_its_reason(inbox: Inbox, changes: dict[str, Any], reason: str) -> None:
    key = inbox.put(inbox.platform.request("run-1", SAMPLES), **changes)
    assert inbox.deliver(key) == [key]
    entry = inbox.run("run-1")
    assert entry.state is State.FAILED
    assert (entry.reason or "").startswith(reason)
    assert inbox.executions == {}


def test_a_request_that_is_not_json_fails_with_its_reason(inbox: Inbox) -> None:
    inbox.platform.put("inbox/run-1/run.json", b"{")
    assert inbox.deliver("inbox/run-1/run.json") == ["inbox/run-1/run.json"]
    assert (inbox.run("run-1").reason or "").startswith("s3://sequencing/inbox/run-1/run.json: not JSON")


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("s3://elsewhere/reads.fastq.gz", "is not in the bucket sequencing"),
        (
            "s3://sequencing/deliveries/reads.fastq.gz",
            "is not below inbox/, where tools may read it; copy it there",
        ),
    ],
)
def test_reads_where_tools_may_not_read_are_refused(inbox: Inbox, uri: str, fault: str) -> None:
    request = inbox.platform.request("run-1", SAMPLES)
    document = codec.to_dict(request)
    document["samples"][0]["lanes"][0]["fastq_1"]["uri"] = uri
    inbox.deliver(inbox.put(request, samples=document["samples"]))
    assert inbox.run("run-1").reason == f"run-1: {uri} {fault}"


def test_a_bad_message_does_not_keep_the_others_of_its_batch(inbox: Inbox) -> None:
    key = inbox.put(inbox.platform.request("run-1", SAMPLES))
    records = [{"messageId": "bad", "body": "hello"}, {"messageId": "good", "body": event(key)}]
    answer = start_run.handler({"Records": records}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert list(inbox.executions) == ["run-1"]
