"""What SNS sends: e-mails, as files, and messages to queues that let it in."""

import json
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.context import Context
from embedded_aws.messaging import mail
from tests.embedded_aws.conftest import Services


@pytest.fixture
def sns(services: Services) -> Any:
    return services.client("sns")


@pytest.fixture
def topic(sns: Any) -> Iterator[str]:
    arn: str = sns.create_topic(Name="letters")["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def received(services: Services, address: str) -> list[Message]:
    folder: Path = services.context.data / "mail" / address
    return [message_from_bytes(path.read_bytes()) for path in sorted(folder.glob("*.eml"))]


def test_each_subscriber_gets_what_is_published(services: Services, sns: Any, topic: str) -> None:
    for address in ("a@lab.example", "b@lab.example"):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    sns.publish(TopicArn=topic, Subject="It is back", Message="All of it.\n")
    (letter,) = received(services, "a@lab.example")
    assert (letter["To"], letter["Subject"], letter.get_payload()) == ("a@lab.example", "It is back", "All of it.\n")
    assert len(received(services, "b@lab.example")) == 1


def test_a_later_life_numbers_its_mails_on(tmp_path: Path) -> None:
    context = Context(port=1, data=tmp_path)
    assert mail.last_number(context) == 0
    for name in ("000001.eml", "000012.eml", "kept.eml"):
        (context.directory("mail", "a@lab.example") / name).touch()
    (context.directory("mail", "b@lab.example") / "000007.eml").touch()
    assert mail.last_number(context) == 12


def test_a_filter_policy_keeps_what_is_for_others(services: Services, sns: Any, topic: str) -> None:
    sns.subscribe(
        TopicArn=topic,
        Protocol="email",
        Endpoint="c@lab.example",
        Attributes={"FilterPolicy": '{"recipient": ["c@lab.example"]}'},
    )
    for address in ("c@lab.example", "d@lab.example"):
        attributes = {"recipient": {"DataType": "String", "StringValue": address}}
        sns.publish(TopicArn=topic, Message=f"for {address}", MessageAttributes=attributes)
    (letter,) = received(services, "c@lab.example")
    assert str(letter.get_payload()).strip() == "for c@lab.example"


def test_a_queue_gets_what_is_published_if_its_policy_lets_the_topic_in(
    services: Services, sns: Any, topic: str
) -> None:
    # SNS Developer Guide, "Subscribing an Amazon SQS queue to an Amazon SNS topic": Principal sns.amazonaws.com,
    # aws:SourceArn the topic
    sqs = services.client("sqs")
    urls = []
    for name, source in (("sns-open", topic), ("sns-closed", f"{topic}-2")):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        urls.append(sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{name}")
    sns.publish(TopicArn=topic, Message="hello")
    received = [sqs.receive_message(QueueUrl=url).get("Messages", []) for url in urls]
    assert [len(messages) for messages in received] == [1, 0]
    assert json.loads(received[0][0]["Body"])["Message"] == "hello"
