"""One upload starts one execution: through S3, EventBridge, a queue, a function and Step Functions."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from embedded_aws import clock
from tests.embedded_aws.event_bus import (
    ACCOUNT,
    Bus,
    Inbox,
    attach,
    copy_object,
    invocations,
    left,
    put_object,
    upload_parts,
)
from tests.waiting import until

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
