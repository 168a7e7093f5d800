"""EventBridge as its User Guide describes it."""

import json
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.events import delivery as event_delivery
from tests.embedded_aws.event_bus import ACCOUNT, Bus
from tests.waiting import until


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


def test_a_pattern_can_be_tried_on_an_event(bus: Bus) -> None:
    # TestEventPattern: "Result: Indicates whether the event matches the event pattern."
    test = bus.client("events").test_event_pattern
    for run, result in (("r1", True), ("x1", False)):
        event = {**EVENT, "detail": {"run": run}}
        pattern = {"source": ["aws.s3"], "detail": {"run": [{"prefix": "r"}]}}
        assert test(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"] is result
    with pytest.raises(ClientError, match="Unrecognized match type like"):
        test(EventPattern='{"source": [{"like": "x"}]}', Event=json.dumps(EVENT))


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


def test_an_event_invokes_a_function_off_the_request_s_thread(bus: Bus, tmp_path: Path) -> None:
    answered = tmp_path / "answered"
    code = f"""\
        import os, time
        def handler(event, context):
            while not os.path.exists({str(answered)!r}):
                time.sleep(0.01)
            print(event["detail"])
        """
    arn = bus.function(textwrap.dedent(code))
    bus.rule({"detail-type": ["Invoke"]}, {"Arn": arn})
    bus.put({"run": "r1"}, "Invoke")
    answered.touch()
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


def test_a_fault_of_the_delivery_itself_ends_no_thread(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = bus.queue()
    faults, attempt = iter([True] * 5), event_delivery.Delivery._attempt

    def faulty(self: event_delivery.Delivery, parcel: event_delivery.Parcel) -> None:
        if parcel.event["detail-type"] == "Faulty" and next(faults, False):
            raise RuntimeError("no disk")
        attempt(self, parcel)

    monkeypatch.setattr(event_delivery, "_LONGEST_DELAY_SECONDS", 0.0)
    monkeypatch.setattr(event_delivery.Delivery, "_attempt", faulty)
    bus.rule({"detail-type": ["Faulty"]}, {"Arn": inbox.arn})
    bus.put({"n": 1}, "Faulty")  # more faults than there are threads
    assert [event["detail"] for event in inbox.bodies()] == [{"n": 1}]
