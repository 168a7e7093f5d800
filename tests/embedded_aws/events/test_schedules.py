"""Scheduled rules and EventBridge Scheduler, by a clock that the tests advance."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clock
from embedded_aws.events import schedules
from embedded_aws.instance import Instance
from tests.embedded_aws.instance_clients import client as client_of

ACCOUNT = "123456789012"
DAY = 86_400


@pytest.fixture(scope="module", autouse=True)
def _scheduler_role(services: Any) -> None:
    services.role("scheduler")


@pytest.fixture
def inbox(services: Any) -> Iterator[tuple[str, str]]:
    """URL and ARN of a queue."""
    name = f"schedules-{time.time_ns()}"
    sqs = services.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield url, f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    sqs.delete_queue(QueueUrl=url)


def received(services: Any, url: str, number: int) -> list[Any]:
    """Bodies of `number` messages, deleted, in the order in which they were sent; fewer when no more come."""
    sqs, messages = services.client("sqs"), []
    deadline = time.monotonic() + 30
    while len(messages) < number and time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            messages.append(message)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def is_empty(services: Any, url: str) -> bool:
    time.sleep(0.2)
    return "Messages" not in services.client("sqs").receive_message(QueueUrl=url)


def moment() -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)


@pytest.fixture
def rule(services: Any, inbox: tuple[str, str]) -> Iterator[Any]:
    """Makes a scheduled rule that tells the inbox."""
    names: list[str] = []
    events = services.client("events")

    def make(expression: str, **more: Any) -> str:
        names.append(f"scheduled-{time.time_ns()}")
        events.put_rule(Name=names[-1], ScheduleExpression=expression, **more)
        events.put_targets(Rule=names[-1], Targets=[{"Id": "inbox", "Arn": inbox[1]}])
        return names[-1]

    yield make
    for name in names:
        events.remove_targets(Rule=name, Ids=["inbox"])
        events.delete_rule(Name=name)


def test_a_rule_that_is_due_in_a_day_fires_when_the_clock_is_advanced_by_one(
    services: Any, inbox: tuple[str, str], rule: Any
) -> None:
    name = rule("rate(1 day)")
    assert is_empty(services, inbox[0])
    expected = moment() + timedelta(days=1)
    clock.advance(DAY)
    [event] = received(services, inbox[0], 1)
    # EventBridge User Guide, "Creating a scheduled rule": the event that a schedule sends
    due = datetime.fromisoformat(event.pop("time"))
    assert abs(due - expected) < timedelta(seconds=5)
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name}"],
        "detail": {},
    }


def test_each_missed_time_fires_once_and_in_order(services: Any, inbox: tuple[str, str], rule: Any) -> None:
    rule("cron(0 6 * * ? *)")
    rule("cron(0 18 * * ? *)")
    start = moment()
    clock.advance(3 * DAY)
    times = [datetime.fromisoformat(event["time"]) for event in received(services, inbox[0], 6)]
    hours = [
        start.replace(hour=h, minute=0, second=0, microsecond=0) + timedelta(days=d) for d in range(4) for h in (6, 18)
    ]
    assert times == [hour for hour in hours if hour > start][:6]
    assert is_empty(services, inbox[0])


def test_a_disabled_schedule_does_not_fire_later_for_what_it_missed(
    services: Any, inbox: tuple[str, str], rule: Any
) -> None:
    name = rule("rate(1 hour)", State="DISABLED")
    clock.advance(DAY)
    services.client("events").enable_rule(Name=name)
    assert is_empty(services, inbox[0])
    clock.advance(3600)
    assert len(received(services, inbox[0], 1)) == 1


def test_a_rule_fires_by_itself_when_its_time_comes(services: Any, inbox: tuple[str, str], rule: Any) -> None:
    rule("rate(1 minute)")
    clock.advance(59)
    assert is_empty(services, inbox[0])
    assert len(received(services, inbox[0], 1)) == 1


def test_a_fault_does_not_end_the_schedules(
    services: Any, inbox: tuple[str, str], rule: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, refresh = iter([True]), schedules.Schedules._refresh

    def faulty(self: schedules.Schedules) -> None:
        if threading.current_thread().name == "schedules" and next(faults, False):
            raise RuntimeError("once")
        refresh(self)

    rule("rate(1 minute)")
    clock.advance(59)
    monkeypatch.setattr(schedules.Schedules, "_refresh", faulty)
    assert len(received(services, inbox[0], 1)) == 1
    assert next(faults, None) is None


@pytest.mark.parametrize(
    "expression", ["cron(0 6 * * * *)", "rate(1 days)", "rate(0 minutes)", "at(2030-01-01T00:00:00)"]
)
def test_a_schedule_that_makes_no_sense_is_refused(services: Any, expression: str) -> None:
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
        services.client("events").put_rule(Name="nonsense", ScheduleExpression=expression)


@pytest.fixture
def schedule(services: Any, inbox: tuple[str, str]) -> Iterator[Any]:
    """Makes a schedule of EventBridge Scheduler that tells the inbox."""
    names: list[str] = []
    scheduler = services.client("scheduler")

    def make(expression: str, target: dict[str, Any] | None = None, **more: Any) -> str:
        names.append(f"schedule-{time.time_ns()}")
        scheduler.create_schedule(
            Name=names[-1],
            ScheduleExpression=expression,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": inbox[1], "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/scheduler", **(target or {})},
            **more,
        )
        return names[-1]

    yield make
    for name in names:
        try:
            scheduler.delete_schedule(Name=name)
        except scheduler.exceptions.ResourceNotFoundException:
            continue


def test_a_one_time_schedule_fires_once_and_is_deleted_if_it_says_so(
    services: Any, inbox: tuple[str, str], schedule: Any
) -> None:
    # CreateSchedule, ActionAfterCompletion; Scheduler User Guide, "Adding context attributes"
    due = moment().replace(microsecond=0) + timedelta(hours=2)
    given = {"Input": '{"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}'}
    name = schedule(f"at({due:%Y-%m-%dT%H:%M:%S})", given, ActionAfterCompletion="DELETE")
    clock.advance(2 * 3600)
    [body] = received(services, inbox[0], 1)
    assert body == {
        "at": f"{due:%Y-%m-%dT%H:%M:%SZ}",
        "by": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/{name}",
    }
    clock.advance(DAY)
    assert is_empty(services, inbox[0])
    scheduler = services.client("scheduler")
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)


def test_a_schedule_goes_by_its_time_zone(services: Any, inbox: tuple[str, str], schedule: Any) -> None:
    schedule(
        "cron(0 9 * * ? *)",
        {"Input": '{"at": "<aws.scheduler.scheduled-time>"}'},
        ScheduleExpressionTimezone="Asia/Tokyo",
    )
    clock.advance(DAY)
    [body] = received(services, inbox[0], 1)
    assert body["at"].endswith("T00:00:00Z")  # Japan is nine hours ahead, all year


def test_a_rate_without_a_start_begins_at_once(services: Any, inbox: tuple[str, str], schedule: Any) -> None:
    # Scheduler User Guide, "Rate-based schedules": without a StartDate the target is invoked immediately
    schedule("rate(1 hour)", {"Input": "{}"})
    assert len(received(services, inbox[0], 1)) == 1


@pytest.mark.parametrize(
    ("expression", "zone", "target", "message"),
    [
        ("rate(1 minutes)", "UTC", {}, "Invalid Schedule Expression rate"),
        ("rate(1 minute)", "Mars/Olympus", {}, "Invalid Schedule Expression Timezone"),
        ("rate(1 minute)", "UTC", {"Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob"}, "aws-sdk:batch:submitJob"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(
    schedule: Any, expression: str, zone: str, target: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        schedule(expression, target, ScheduleExpressionTimezone=zone)


def ask(instance: Instance, body: Any = None) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(  # noqa: S310  (the instance's own address)
        f"{instance.endpoint}{clock.PATH}", data=None if body is None else json.dumps(body).encode()
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_an_instance_s_clock_is_told_and_advanced_over_http(small: Instance) -> None:
    before = datetime.fromisoformat(ask(small)[1]["now"])
    assert abs(before - datetime.now(UTC)) < timedelta(seconds=5)
    status, answer = ask(small, {"advance_seconds": 600})
    assert (status, answer["ahead_seconds"]) == (200, 600)
    # SQS goes by it: a delayed message is there at once.
    sqs = client_of(small, "sqs")
    url = sqs.create_queue(QueueName="later")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=900)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    target = (before + timedelta(hours=1)).isoformat()
    assert ask(small, {"to": target})[0] == 200
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    status, answer = ask(small, {"to": before.isoformat()})
    assert status == 400
    assert "does not go back" in answer["error"]
    assert ask(small, {"forward": 1}) == (
        400,
        {"error": 'send {"advance_seconds": N} or {"to": "2026-01-01T00:00:00Z"}'},
    )


TEMPLATE = {
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "scheduler.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "send",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "sqs:SendMessage",
                                    "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                                }
                            ],
                        },
                    }
                ],
            },
        },
        "Nightly": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "cron(0 3 * * ? *)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Input": "sweep",
                },
            },
        },
    },
    "Outputs": {"Url": {"Value": {"Ref": "Queue"}}, "Arn": {"Value": {"Fn::GetAtt": ["Nightly", "Arn"]}}},
}


def test_a_template_s_schedule_is_kept_and_deleted(small: Instance) -> None:
    # CloudFormation Template Reference, AWS::Scheduler::Schedule: Ref is the name, Arn the ARN
    cloud, scheduler = client_of(small, "cloudformation"), client_of(small, "scheduler")
    cloud.create_stack(StackName="nightly", TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"])
    cloud.get_waiter("stack_create_complete").wait(StackName="nightly", WaiterConfig={"Delay": 1})
    [stack] = cloud.describe_stacks(StackName="nightly")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    [known] = scheduler.list_schedules()["Schedules"]
    assert outputs["Arn"] == known["Arn"] == f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/{known['Name']}"
    ask(small, {"advance_seconds": DAY})
    sqs = client_of(small, "sqs")
    [message] = sqs.receive_message(QueueUrl=outputs["Url"], WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "sweep"
    cloud.delete_stack(StackName="nightly")
    cloud.get_waiter("stack_delete_complete").wait(StackName="nightly", WaiterConfig={"Delay": 1})
    assert scheduler.list_schedules()["Schedules"] == []
