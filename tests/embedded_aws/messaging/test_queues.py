"""SQS as its Developer Guide and API Reference describe it, where the embedded AWS adds to moto."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clock
from tests.waiting import until


@dataclass(frozen=True)
class Queues:
    sqs: Any

    def create(self, **attributes: str) -> tuple[str, str]:
        """URL and ARN."""
        name = f"queues-{time.time_ns()}"
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def with_dead_letters(self, receives: int = 1) -> tuple[tuple[str, str], tuple[str, str]]:
        """A queue and its dead-letter queue."""
        dead = self.create()
        policy = f'{{"deadLetterTargetArn": "{dead[1]}", "maxReceiveCount": {receives}}}'
        return self.create(RedrivePolicy=policy, VisibilityTimeout="30"), dead

    def bodies(self, url: str, **parameters: Any) -> list[str]:
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **parameters)
        return [message["Body"] for message in answer.get("Messages", [])]

    def bury(self, url: str, *bodies: str) -> None:
        """Send messages and receive them until they are dead letters."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=url, MessageBody=body)
        assert sorted(self.bodies(url)) == sorted(bodies)
        clock.advance(31)
        assert self.bodies(url) == []


@pytest.fixture
def queues(services: Any) -> Queues:
    return Queues(services.client("sqs"))


def test_a_message_comes_back_when_its_visibility_timeout_has_passed(queues: Queues) -> None:
    # Developer Guide, "Amazon SQS visibility timeout"
    url, _ = queues.create(VisibilityTimeout="3600")
    queues.sqs.send_message(QueueUrl=url, MessageBody="x")
    assert queues.bodies(url) == ["x"]
    clock.advance(3599)
    assert queues.bodies(url) == []
    clock.advance(1)
    assert queues.bodies(url) == ["x"]


def test_who_waits_gets_a_message_as_soon_as_it_is_there(queues: Queues) -> None:
    # Developer Guide, "Amazon SQS short and long polling"
    url, _ = queues.create()
    found: list[list[str]] = []
    waiting = threading.Thread(target=lambda: found.append(queues.bodies(url, WaitTimeSeconds=20)))
    waiting.start()
    time.sleep(0.1)
    queues.sqs.send_message(QueueUrl=url, MessageBody="x")
    waiting.join(timeout=15)
    assert found == [["x"]]


def test_no_message_is_lost_or_seen_twice_when_many_send_receive_and_delete(queues: Queues) -> None:
    url, _ = queues.create()
    seen: list[str] = []

    def send(sender: int) -> None:
        for number in range(40):
            queues.sqs.send_message(QueueUrl=url, MessageBody=f"{sender}-{number}")

    def consume() -> None:
        while messages := queues.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"):
            seen.append(messages[0]["Body"])
            queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])

    threads = [threading.Thread(target=send, args=[n]) for n in range(4)]
    threads += [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(f"{sender}-{number}" for sender in range(4) for number in range(40))


def test_dead_letters_are_moved_back_to_where_they_came_from(queues: Queues) -> None:
    # StartMessageMoveTask: "If this field is left blank, the messages will be redriven back to their respective
    # original source queues."
    (url, _), (dead_url, dead_arn) = queues.with_dead_letters()
    queues.bury(url, "a", "b")
    handle = queues.sqs.start_message_move_task(SourceArn=dead_arn)["TaskHandle"]
    assert handle

    def ended() -> Any:
        [task] = queues.sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"]
        return task if task["Status"] != "RUNNING" else None

    task = until(ended)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert queues.bodies(dead_url) == []
    # Developer Guide, "Learn how to configure a dead-letter queue redrive": a redriven message counts as a new one
    messages = queues.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert sorted(message["Body"] for message in messages) == ["a", "b"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in messages} == {"1"}


def test_dead_letters_can_be_moved_elsewhere_slowly_and_the_task_be_cancelled(queues: Queues) -> None:
    (url, _), (_, dead_arn) = queues.with_dead_letters()
    other_url, other_arn = queues.create()
    queues.bury(url, *"abcde")
    handle = queues.sqs.start_message_move_task(
        SourceArn=dead_arn, DestinationArn=other_arn, MaxNumberOfMessagesPerSecond=2
    )["TaskHandle"]
    # "Only one active message movement task is supported per queue at any given time."
    with pytest.raises(ClientError, match="already a task running"):
        queues.sqs.start_message_move_task(SourceArn=dead_arn)
    until(lambda: queues.bodies(other_url))
    queues.sqs.cancel_message_move_task(TaskHandle=handle)
    until(lambda: queues.sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0]["Status"] == "CANCELLED")
    [task] = queues.sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"]
    assert 1 <= task["ApproximateNumberOfMessagesMoved"] < 5
    assert (task["DestinationArn"], task["MaxNumberOfMessagesPerSecond"]) == (other_arn, 2)


def test_only_dead_letters_are_moved(queues: Queues) -> None:
    _, arn = queues.create()
    with pytest.raises(ClientError, match="Dead Letter Queue"):
        queues.sqs.start_message_move_task(SourceArn=arn)
    with pytest.raises(ClientError) as refusal:
        queues.sqs.start_message_move_task(SourceArn=f"{arn}-none")
    assert refusal.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_dead_letter_that_no_queue_put_there_has_no_way_back(queues: Queues) -> None:
    # ListMessageMoveTasks, FailureReason: CouldNotDetermineMessageSource
    _, (dead_url, dead_arn) = queues.with_dead_letters()
    queues.sqs.send_message(QueueUrl=dead_url, MessageBody="from a rule")
    queues.sqs.start_message_move_task(SourceArn=dead_arn)
    until(lambda: queues.sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0]["Status"] == "FAILED")
    [task] = queues.sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"]
    assert task["FailureReason"] == "CouldNotDetermineMessageSource"
    assert queues.bodies(dead_url) == ["from a rule"]
