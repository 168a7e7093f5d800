"""EventBridge, S3's events, and SQS event source mappings: the EventBridge, S3 and Lambda guides, cited in place."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clock, event_delivery, events

ACCOUNT = "123456789012"
PART_BYTES = 5 * 2**20


@dataclass
class Bus:
    """The default bus. Names are numbered, so that no test meets another's rules."""

    services: Any
    count: int = 0

    def client(self, service: str) -> Any:
        return self.services.client(service)

    def name(self) -> str:
        self.count += 1
        return f"events-{self.count}"

    def queue(self, **attributes: Any) -> "Inbox":
        name = self.name()
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
        url = self.client("sqs").create_queue(QueueName=name, Attributes=texts)["QueueUrl"]
        return Inbox(self, url, f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}")

    def rule(self, pattern: Any, target: dict[str, Any], **rule: Any) -> str:
        name = self.name()
        self.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern), **rule)
        self.client("events").put_targets(Rule=name, Targets=[{"Id": "target", **target}])
        return name

    def put(self, detail: Any, detail_type: str = "Called") -> str:
        entry = {"Source": "genomics", "DetailType": detail_type, "Detail": json.dumps(detail)}
        return str(self.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"])

    def bucket(self) -> str:
        name = self.name()
        self.client("s3").create_bucket(Bucket=name)
        self.client("s3").put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        return name

    def function(self, code: str, **properties: Any) -> str:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("module.py", code)
        answer = self.client("lambda").create_function(
            FunctionName=self.name(), Runtime="python3.11", Role=f"arn:aws:iam::{ACCOUNT}:role/events",
            Handler="module.handler", Code={"ZipFile": content.getvalue()}, Timeout=10, **properties,
        )  # fmt: skip
        return str(answer["FunctionArn"])


@dataclass
class Inbox:
    bus: Bus
    url: str
    arn: str

    def receive(self, number: int = 1, seconds: float = 15) -> list[dict[str, Any]]:
        """`number` messages, deleted; fewer when no more come."""
        messages: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while len(messages) < number and time.monotonic() < deadline:
            answer = self.bus.client("sqs").receive_message(
                QueueUrl=self.url, WaitTimeSeconds=1, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            for message in answer.get("Messages", []):
                messages.append(message)
                self.bus.client("sqs").delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def bodies(self, number: int = 1) -> list[Any]:
        return [json.loads(message["Body"]) for message in self.receive(number)]

    def is_empty_after(self, seconds: float = 0.3) -> bool:
        time.sleep(seconds)
        return "Messages" not in self.bus.client("sqs").receive_message(QueueUrl=self.url)

    def send(self, *bodies: Any) -> None:
        for body in bodies:
            self.bus.client("sqs").send_message(QueueUrl=self.url, MessageBody=json.dumps(body))


@pytest.fixture(scope="module")
def bus(services: Any) -> Bus:
    services.role("events")
    return Bus(services)


@pytest.fixture
def disturb() -> Iterator[Callable[[Callable[[Any], tuple[float, ...]]], None]]:
    """Has each event arrive as many times, and as much later, as a function of it says."""
    delivery = events.delivery()

    def use(delays: Callable[[Any], tuple[float, ...]]) -> None:
        delivery.disturbance = lambda parcel: delays(parcel.event)

    yield use
    delivery.disturbance = event_delivery.undisturbed


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_event_reaches_a_queue_as_it_was_put(bus: Bus) -> None:
    # EventBridge User Guide, "Events": the fields of every event
    inbox = bus.queue()
    bus.rule({"source": ["genomics"], "detail": {"run": ["plain"]}}, {"Arn": inbox.arn})
    event_id = bus.put({"run": "plain", "n": [1, None]})
    [event] = inbox.bodies()
    assert time.strptime(event.pop("time"), "%Y-%m-%dT%H:%M:%SZ")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "Called",
        "source": "genomics",
        "account": ACCOUNT,
        "region": "us-east-1",
        "resources": [],
        "detail": {"run": "plain", "n": [1, None]},
    }


# EventBridge User Guide, "Comparison operators for use in event patterns"
PATTERNS = [
    ({"key": ["inbox/run.json"]}, {"key": "inbox/run.json"}, {"key": "inbox/other.json"}),
    ({"key": [{"prefix": "inbox/"}]}, {"key": "inbox/x"}, {"key": "outbox/x"}),
    ({"key": [{"prefix": {"equals-ignore-case": "INBOX/"}}]}, {"key": "inbox/x"}, {"key": "out/x"}),
    ({"key": [{"suffix": ".json"}]}, {"key": "a.json"}, {"key": "a.json.gz"}),
    ({"key": [{"wildcard": "inbox/*/run.json"}]}, {"key": "inbox/r1/run.json"}, {"key": "inbox/r1/reads.fq"}),
    ({"key": [{"equals-ignore-case": "Run.JSON"}]}, {"key": "run.json"}, {"key": "runs.json"}),
    ({"state": [{"anything-but": ["initializing", "running"]}]}, {"state": "stopped"}, {"state": "running"}),
    ({"state": [{"anything-but": {"prefix": "init"}}]}, {"state": "stopped"}, {"state": "initializing"}),
    ({"state": [{"anything-but": 0}]}, {"state": 1}, {"state": 0}),
    ({"n": [{"numeric": [">", 0, "<=", 5]}]}, {"n": 5}, {"n": 5.5}),
    ({"n": [{"numeric": ["=", 301.8]}]}, {"n": 3.018e2}, {"n": 301}),
    ({"n": [{"exists": True}]}, {"n": None}, {"m": 1}),
    ({"n": [{"exists": False}]}, {"m": 1}, {"n": 1}),
    ({"n": [None]}, {"n": None}, {"n": "null"}),
    ({"n": ["a", {"prefix": "b"}]}, {"n": "bc"}, {"n": "ab"}),
    ({"n": ["a"]}, {"n": ["b", "a"]}, {"n": ["b"]}),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.0.255"}, {"ip": "10.0.1.1"}),
    ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, {"a": 2, "b": 1}),
    ({"a": {"b": {"c": [1]}}}, {"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}),
]


@pytest.mark.parametrize(("pattern", "matching", "other"), PATTERNS)
def test_patterns_match_as_the_user_guide_says(bus: Bus, pattern: Any, matching: Any, other: Any) -> None:
    inbox = bus.queue()
    token = bus.name()
    rule = bus.rule({"detail-type": [token], "detail": pattern}, {"Arn": inbox.arn})
    bus.put({**other, "is": "other"}, token)
    bus.put({**matching, "is": "matching"}, token)
    assert [event["detail"]["is"] for event in inbox.bodies()] == ["matching"]
    bus.client("events").disable_rule(Name=rule)


def test_a_disabled_rule_delivers_nothing_until_it_is_enabled(bus: Bus) -> None:
    inbox = bus.queue()
    rule = bus.rule({"detail-type": ["Disabled"]}, {"Arn": inbox.arn}, State="DISABLED")
    bus.put({"n": 1}, "Disabled")
    assert inbox.is_empty_after()
    bus.client("events").enable_rule(Name=rule)
    bus.put({"n": 2}, "Disabled")
    assert [event["detail"] for event in inbox.bodies()] == [{"n": 2}]


EVENT = {
    "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3", "account": ACCOUNT,
    "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": ["arn:aws:s3:::b"],
    "detail": {"bucket": {"name": "b"}, "object": {"key": 'a "b"', "size": 5}, "tags": ["x", "y"]},
}  # fmt: skip


def transformer(template: str, **paths: str) -> dict[str, Any]:
    return {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}


RULE = event_delivery.Origin(name="rule", arn="arn:aws:events:us-east-1:123456789012:rule/rule")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"constant": 1}'}, {"constant": 1}),
        ({"InputPath": "$.detail.object"}, {"key": 'a "b"', "size": 5}),
        ({"InputPath": "$.detail-type"}, "Object Created"),
        ({"InputPath": "$.detail.tags[1]"}, "y"),
        # EventBridge User Guide, "Input transformation": a value outside quotes is JSON, inside them it is text
        (
            transformer(
                '{"key": <key>, "size": <size>, "tags": <tags>, "line": "<key> has <size> bytes"}',
                key="$.detail.object.key", size="$.detail.object.size", tags="$.detail.tags",
            ),
            {"key": 'a "b"', "size": 5, "tags": ["x", "y"], "line": 'a "b" has 5 bytes'},
        ),
        # same page, "Reserved variables"
        (
            transformer('{"rule": <aws.events.rule-name>, "event": <aws.events.event.json>}'),
            {"rule": "rule", "event": EVENT},
        ),
        (transformer('{"n": <none>}', none="$.detail.none"), {"n": None}),
        (transformer('"<size> bytes"', size="$.detail.object.size"), "5 bytes"),
    ],
)  # fmt: skip
def test_a_target_is_sent_what_its_input_says(target: dict[str, Any], expected: Any) -> None:
    assert json.loads(event_delivery.shaped(RULE, target, EVENT)) == expected


def put_object(client: Any, bucket: str) -> str:
    client.put_object(Bucket=bucket, Key="inbox/x", Body=b"12345", Tagging="kind=reads")
    return "PutObject"


def upload_parts(client: Any, bucket: str) -> str:
    upload = client.create_multipart_upload(Bucket=bucket, Key="inbox/x")["UploadId"]
    parts = []
    for number, body in ((1, b"x" * PART_BYTES), (2, b"end")):
        part = client.upload_part(Bucket=bucket, Key="inbox/x", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    client.complete_multipart_upload(Bucket=bucket, Key="inbox/x", UploadId=upload, MultipartUpload={"Parts": parts})
    return "CompleteMultipartUpload"


def copy_object(client: Any, bucket: str) -> str:
    client.put_object(Bucket=bucket, Key="elsewhere", Body=b"12345")
    client.copy_object(Bucket=bucket, Key="inbox/x", CopySource={"Bucket": bucket, "Key": "elsewhere"})
    return "CopyObject"


@pytest.mark.parametrize("upload", [put_object, upload_parts, copy_object])
def test_one_upload_is_one_event(bus: Bus, upload: Callable[[Any, str], str]) -> None:
    # S3 User Guide, "EventBridge event message structure"
    inbox, bucket = bus.queue(), bus.bucket()
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "inbox/"}]}},
    }
    bus.rule(pattern, {"Arn": inbox.arn})
    reason = upload(bus.client("s3"), bucket)
    head = bus.client("s3").head_object(Bucket=bucket, Key="inbox/x")
    [event] = inbox.bodies()
    assert inbox.is_empty_after()
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    assert event["detail"]["reason"] == reason
    thing = event["detail"]["object"]
    assert (thing["key"], thing["size"], thing["etag"]) == ("inbox/x", head["ContentLength"], head["ETag"].strip('"'))
    assert int(thing["sequencer"], 16) > 0


def test_later_changes_of_an_object_have_larger_sequencers(bus: Bus) -> None:
    inbox, bucket = bus.queue(), bus.bucket()
    bus.rule({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}, {"Arn": inbox.arn})
    client = bus.client("s3")
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    client.put_object(Bucket=bucket, Key="k", Body=b"2")
    client.delete_object(Bucket=bucket, Key="k")
    events = inbox.bodies(3)
    assert [event["detail-type"] for event in events] == ["Object Created", "Object Created", "Object Deleted"]
    sequencers = [event["detail"]["object"]["sequencer"] for event in events]
    assert sequencers == sorted(sequencers)
    assert events[2]["detail"]["deletion-type"] == "Permanently Deleted"


def test_an_event_starts_a_state_machine_as_the_target_s_role(bus: Bus) -> None:
    client = bus.client("stepfunctions")
    machine = client.create_state_machine(
        name=bus.name(), roleArn=f"arn:aws:iam::{ACCOUNT}:role/events",
        definition=json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}),
    )["stateMachineArn"]  # fmt: skip
    target = {"Arn": machine, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/events", "InputPath": "$.detail"}
    bus.rule({"detail-type": ["Start"]}, target)
    bus.put({"run": "r1"}, "Start")
    until(lambda: bool(client.list_executions(stateMachineArn=machine)["executions"]))
    [execution] = client.list_executions(stateMachineArn=machine)["executions"]
    detail = client.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(detail["input"]) == {"run": "r1"}


def test_an_event_invokes_a_function_off_the_request_s_thread(bus: Bus) -> None:
    arn = bus.function("import time\ndef handler(event, context): time.sleep(0.5); print(event['detail'])")
    bus.rule({"detail-type": ["Invoke"]}, {"Arn": arn})
    began = time.monotonic()
    bus.put({"run": "r1"}, "Invoke")
    assert time.monotonic() - began < 0.4
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    client = bus.client("logs")
    until(lambda: bool(client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]))
    until(lambda: "{'run': 'r1'}" in bus.services.log_lines(group))


def test_an_event_is_published_to_a_topic(bus: Bus) -> None:
    inbox = bus.queue()
    topic = bus.client("sns").create_topic(Name=bus.name())["TopicArn"]
    bus.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox.arn)
    bus.rule({"detail-type": ["Publish"]}, {"Arn": topic, "Input": '{"x": 1}'})
    bus.put({}, "Publish")
    assert json.loads(inbox.bodies()[0]["Message"]) == {"x": 1}


def test_a_target_that_nothing_would_reach_is_refused_by_name(bus: Bus) -> None:
    with pytest.raises(ClientError, match="arn:aws:redshift:us-east-1:123456789012:cluster:c"):
        bus.rule({"source": ["x"]}, {"Arn": "arn:aws:redshift:us-east-1:123456789012:cluster:c"})


def test_a_target_that_is_not_there_goes_to_the_dead_letters_without_a_retry(bus: Bus) -> None:
    # EventBridge User Guide, "Using dead-letter queues": client errors are not retried; the attributes of the message
    dead, inbox = bus.queue(), bus.queue()
    target = {"Arn": f"{inbox.arn}-none", "DeadLetterConfig": {"Arn": dead.arn}}
    rule = bus.rule({"detail-type": ["Lost"]}, target)
    bus.rule({"detail-type": ["Lost"]}, {"Arn": inbox.arn})
    bus.put({"run": "r1"}, "Lost")
    [message] = dead.receive()
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"])["detail"] == {"run": "r1"}
    assert attributes["RULE_ARN"].endswith(f"rule/{rule}")
    assert attributes["TARGET_ARN"] == target["Arn"]
    assert attributes["RETRY_ATTEMPTS"] == "0"
    assert "ERROR_CODE" in attributes
    assert [event["detail"] for event in inbox.bodies()] == [{"run": "r1"}]  # others are not held up


def test_an_event_goes_on_to_another_bus(bus: Bus) -> None:
    # EventBridge User Guide, "Sending and receiving events between event buses"
    inbox, name = bus.queue(), bus.name()
    other = bus.client("events").create_event_bus(Name=name)["EventBusArn"]
    bus.client("events").put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["genomics"]}')
    bus.client("events").put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": inbox.arn}])
    bus.rule({"detail-type": ["Forward"]}, {"Arn": other, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/events"})
    event_id = bus.put({"run": "r1"}, "Forward")
    [event] = inbox.bodies()
    assert (event["id"], event["source"], event["detail"]) == (event_id, "genomics", {"run": "r1"})


def test_a_slow_target_holds_up_no_other_and_each_gets_its_events_in_order(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fast = bus.queue(), bus.queue()
    bus.rule({"detail-type": ["Speed"]}, {"Arn": slow.arn})
    bus.rule({"detail-type": ["Speed"]}, {"Arn": fast.arn})
    arrived: list[tuple[str, int]] = []
    deliver = event_delivery.deliver

    def watched(context: Any, origin: Any, target: Any, event: Any) -> None:
        if event["detail-type"] == "Speed":
            time.sleep(0.3 if target["Arn"] == slow.arn else 0)
            arrived.append((target["Arn"], event["detail"]["n"]))
        deliver(context, origin, target, event)

    monkeypatch.setattr(event_delivery, "deliver", watched)
    for n in range(4):
        bus.put({"n": n}, "Speed")
    until(lambda: len(arrived) == 8)
    assert [arn for arn, _ in arrived[:4]] == [fast.arn] * 4
    for inbox in (slow, fast):
        assert [n for arn, n in arrived if arn == inbox.arn] == [0, 1, 2, 3]


def test_events_can_be_made_to_arrive_twice_late_and_in_another_order(bus: Bus, disturb: Any) -> None:
    # EventBridge User Guide, "Event delivery": at least once, and in no particular order
    inbox = bus.queue()
    bus.rule({"detail-type": ["Disturbed"]}, {"Arn": inbox.arn})
    disturb(lambda event: (0.4, 0.5) if event["detail"].get("n") == 1 else (0.0,))
    for n in (1, 2):
        bus.put({"n": n}, "Disturbed")
    assert [event["detail"]["n"] for event in inbox.bodies(3)] == [2, 1, 1]


def test_a_delivery_that_fails_for_a_while_is_tried_again(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, dead = bus.queue(), bus.queue()
    failures = iter([True, True])
    deliver = event_delivery.deliver

    def flaky(context: Any, origin: Any, target: Any, event: Any) -> None:
        if event["detail-type"] == "Flaky" and next(failures, False):
            raise event_delivery.TargetError("ThrottlingException", "slow down", lasting=False)
        deliver(context, origin, target, event)

    monkeypatch.setattr(event_delivery, "deliver", flaky)
    target = {"Arn": inbox.arn, "DeadLetterConfig": {"Arn": dead.arn}, "RetryPolicy": {"MaximumRetryAttempts": 2}}
    bus.rule({"detail-type": ["Flaky"]}, target)
    bus.put({"n": 1}, "Flaky")
    assert [event["detail"] for event in inbox.bodies()] == [{"n": 1}]
    failures = iter([True, True, True])
    bus.put({"n": 2}, "Flaky")
    [message] = dead.receive()
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert (attributes["RETRY_ATTEMPTS"], attributes["ERROR_CODE"]) == ("2", "ThrottlingException")


PROCESS = """
import json
def handler(event, context):
    print("BATCH", json.dumps(sorted(json.loads(r["body"])["n"] for r in event["Records"])))
    failed = [r["messageId"] for r in event["Records"] if json.loads(r["body"]).get("fail")]
    if any(json.loads(r["body"]).get("raise") for r in event["Records"]):
        raise RuntimeError("no")
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
"""


def batches(bus: Bus, arn: str) -> list[list[int]]:
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    if not bus.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    lines = bus.services.log_lines(group)
    return [json.loads(line.removeprefix("BATCH ")) for line in lines if line.startswith("BATCH")]


def attach(bus: Bus, arn: str, inbox: Inbox, **mapping: Any) -> str:
    answer = bus.client("lambda").create_event_source_mapping(
        EventSourceArn=inbox.arn, FunctionName=arn, FunctionResponseTypes=["ReportBatchItemFailures"], **mapping
    )
    return str(answer["UUID"])


def left(inbox: Inbox) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = inbox.bus.client("sqs").get_queue_attributes(QueueUrl=inbox.url, AttributeNames=names)
    return sum(int(value) for value in answer["Attributes"].values())


def test_a_queue_s_messages_reach_its_function_in_batches(bus: Bus) -> None:
    # Lambda Developer Guide, "Using Lambda with Amazon SQS"
    inbox, arn = bus.queue(), bus.function(PROCESS)
    inbox.send(*({"n": n} for n in range(5)))
    mapping = attach(bus, arn, inbox, BatchSize=3)
    until(lambda: left(inbox) == 0)
    seen = batches(bus, arn)
    assert max(len(batch) for batch in seen) == 3
    assert sorted(n for batch in seen for n in batch) == [0, 1, 2, 3, 4]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_only_failed_items_come_back_and_end_as_dead_letters(bus: Bus) -> None:
    # Lambda Developer Guide, "Reporting batch item failures"; SQS Developer Guide, "Using dead-letter queues"
    dead = bus.queue()
    redrive = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2}
    inbox, arn = bus.queue(VisibilityTimeout="1", RedrivePolicy=redrive), bus.function(PROCESS)
    inbox.send({"n": 1}, {"n": 2, "fail": True}, {"n": 3})
    mapping = attach(bus, arn, inbox)
    [message] = dead.receive()
    assert json.loads(message["Body"])["n"] == 2
    seen = [n for batch in batches(bus, arn) for n in batch]
    assert sorted(seen) == [1, 2, 2, 3]
    assert left(inbox) == 0
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_a_function_that_raises_fails_its_whole_batch(bus: Bus) -> None:
    dead = bus.queue()
    redrive = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1}
    inbox, arn = bus.queue(VisibilityTimeout="1", RedrivePolicy=redrive), bus.function(PROCESS)
    inbox.send({"n": 1}, {"n": 2, "raise": True})
    mapping = attach(bus, arn, inbox)
    assert sorted(json.loads(message["Body"])["n"] for message in dead.receive(2)) == [1, 2]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_messages_that_the_mapping_filters_out_are_deleted_unseen(bus: Bus) -> None:
    # Lambda Developer Guide, "Using event filtering with an Amazon SQS event source"
    inbox, arn = bus.queue(), bus.function(PROCESS)
    inbox.send({"n": 1, "kind": "a"}, {"n": 2, "kind": "b"})
    criteria = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["b"]}})}]}
    mapping = attach(bus, arn, inbox, FilterCriteria=criteria)
    until(lambda: left(inbox) == 0)
    assert batches(bus, arn) == [[2]]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_a_disabled_mapping_leaves_the_messages_where_they_are(bus: Bus) -> None:
    inbox, arn = bus.queue(), bus.function(PROCESS)
    mapping = attach(bus, arn, inbox, Enabled=False)
    inbox.send({"n": 1})
    time.sleep(0.5)
    assert left(inbox) == 1
    bus.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    until(lambda: left(inbox) == 0)
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


def test_an_upload_reaches_a_function_through_rule_and_queue_once(bus: Bus) -> None:
    inbox, bucket = bus.queue(), bus.bucket()
    arn = bus.function(
        "import json\n"
        "def handler(event, context):\n"
        "    for record in event['Records']:\n"
        "        print('GOT', json.loads(record['body'])['detail']['object']['key'])\n"
    )
    bus.rule({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}, {"Arn": inbox.arn})
    mapping = attach(bus, arn, inbox)
    upload_parts(bus.client("s3"), bucket)
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    until(lambda: bool(bus.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]))
    until(lambda: left(inbox) == 0)
    assert [line for line in bus.services.log_lines(group) if line.startswith("GOT")] == ["GOT inbox/x"]
    bus.client("lambda").delete_event_source_mapping(UUID=mapping)


# Starts one execution for each object: the object's version names it, as a run's id does.
STARTER = """
import json, os, boto3
def handler(event, context):
    states = boto3.client("stepfunctions")
    for record in event["Records"]:
        name = json.loads(record["body"])["detail"]["object"]["key"].replace("/", "-")
        if int(record["attributes"]["ApproximateReceiveCount"]) <= int(os.environ["FAILURES"]):
            raise RuntimeError("not yet")
        try:
            states.start_execution(stateMachineArn=os.environ["MACHINE"], name=name, input="{}")
        except states.exceptions.ExecutionAlreadyExists:
            print("known", name)
"""


@dataclass
class Start:
    """A bucket whose uploads reach a function, through a rule and a queue with dead letters, that starts executions."""

    bus: Bus
    bucket: str
    machine: str
    inbox: Inbox
    dead: Inbox
    function: str

    def executions(self) -> int:
        return len(self.bus.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"])

    def let_time_pass(self) -> None:
        """Until what failed is visible again."""
        time.sleep(0.3)
        clock.advance(60)

    def settle(self) -> None:
        until(lambda: left(self.inbox) == 0)


@pytest.fixture
def start(bus: Bus) -> Iterator[Callable[[int], Start]]:
    mappings: list[str] = []

    def make(failures: int) -> Start:
        machine = bus.client("stepfunctions").create_state_machine(
            name=bus.name(), roleArn=f"arn:aws:iam::{ACCOUNT}:role/events",
            definition=json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}),
        )["stateMachineArn"]  # fmt: skip
        dead = bus.queue()
        inbox = bus.queue(VisibilityTimeout="60", RedrivePolicy={"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
        bucket = bus.bucket()
        detail = {"bucket": {"name": [bucket]}, "object": {"key": ["inbox/x"]}}
        bus.rule({"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}, {"Arn": inbox.arn})
        variables = {"MACHINE": machine, "FAILURES": str(failures)}
        function = bus.function(STARTER, Environment={"Variables": variables})
        mappings.append(attach(bus, function, inbox))
        return Start(bus, bucket, machine, inbox, dead, function)

    yield make
    for mapping in mappings:
        bus.client("lambda").delete_event_source_mapping(UUID=mapping)


@pytest.mark.parametrize("upload", [put_object, upload_parts, copy_object])
def test_one_upload_starts_one_execution(
    bus: Bus, start: Callable[[int], Start], disturb: Any, upload: Callable[[Any, str], str]
) -> None:
    started = start(0)
    # Every event arrives at once, again, and late.
    disturb(lambda event: (0.0, 0.0, 0.3) if event["source"] == "aws.s3" else (0.0,))
    upload(bus.client("s3"), started.bucket)
    until(lambda: started.executions() == 1)
    time.sleep(0.5)
    started.settle()
    assert started.executions() == 1


def test_a_function_that_fails_at_first_starts_one_execution_in_the_end(
    bus: Bus, start: Callable[[int], Start]
) -> None:
    started = start(1)
    put_object(bus.client("s3"), started.bucket)
    until(lambda: bool(invocations(bus, started.function)))
    assert started.executions() == 0
    started.let_time_pass()
    until(lambda: started.executions() == 1)
    started.settle()
    assert started.dead.is_empty_after()


def test_a_dead_letter_that_is_moved_back_starts_one_execution(bus: Bus, start: Callable[[int], Start]) -> None:
    started = start(2)
    put_object(bus.client("s3"), started.bucket)
    until(lambda: len(invocations(bus, started.function)) == 1)
    started.let_time_pass()
    until(lambda: len(invocations(bus, started.function)) == 2)
    started.let_time_pass()
    until(lambda: left(started.dead) == 1)
    assert started.executions() == 0
    variables = {"MACHINE": started.machine, "FAILURES": "0"}
    bus.client("lambda").update_function_configuration(
        FunctionName=started.function, Environment={"Variables": variables}
    )
    bus.client("sqs").start_message_move_task(SourceArn=started.dead.arn)
    until(lambda: started.executions() == 1)
    started.settle()
    assert left(started.dead) == 0


def invocations(bus: Bus, arn: str) -> list[str]:
    """Ended ones."""
    group = f"/aws/lambda/{arn.rpartition(':')[2]}"
    if not bus.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return [line for line in bus.services.log_lines(group) if line.startswith("REPORT")]


@pytest.mark.parametrize("kind", ["Queue", "Topic", "LambdaFunction"])
def test_a_bucket_s_own_notifications_reach_queues_topics_and_functions(bus: Bus, kind: str) -> None:
    # S3 User Guide, "Amazon S3 Event Notifications", "Event message structure" and "Configuring notifications by using
    # object key name filtering"
    inbox, bucket = bus.queue(), bus.name()
    arn = inbox.arn
    if kind == "Topic":
        arn = bus.client("sns").create_topic(Name=bus.name())["TopicArn"]
        bus.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=inbox.arn)
    elif kind == "LambdaFunction":
        code = "import json\ndef handler(event, context): print('GOT', json.dumps(event))"
        arn = bus.function(code)
    bus.client("s3").create_bucket(Bucket=bucket)
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".fq"}]
    wanted = {f"{kind}Arn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}, "Id": "n"}
    bus.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={f"{kind}Configurations": [wanted]}
    )
    for key in ("in/a b.fq", "in/a.txt", "out/a.fq"):
        bus.client("s3").put_object(Bucket=bucket, Key=key, Body=b"12345")
    [record] = told_notifications(bus, kind, inbox, arn)
    assert (record["eventName"], record["eventSource"], record["awsRegion"]) == (
        "ObjectCreated:Put",
        "aws:s3",
        "us-east-1",
    )
    assert (record["s3"]["configurationId"], record["s3"]["bucket"]["arn"]) == ("n", f"arn:aws:s3:::{bucket}")
    # "The object keyname value is URL encoded."
    assert (record["s3"]["object"]["key"], record["s3"]["object"]["size"]) == ("in%2Fa+b.fq", 5)


def told_notifications(bus: Bus, kind: str, inbox: Inbox, arn: str) -> list[dict[str, Any]]:
    """The records that arrived, S3's test event aside."""
    if kind == "LambdaFunction":
        until(lambda: bool(invocations(bus, arn)))
        lines = bus.services.log_lines(f"/aws/lambda/{arn.rpartition(':')[2]}")
        bodies = [json.loads(line.removeprefix("GOT ")) for line in lines if line.startswith("GOT ")]
    else:
        bodies = [json.loads(message["Body"]) for message in inbox.receive(2, seconds=5)]
        bodies = [json.loads(body["Message"]) if kind == "Topic" else body for body in bodies]
    return [record for body in bodies for record in body.get("Records", [])]
