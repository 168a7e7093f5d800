"""SNS's e-mails: who gets which, as files."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

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
    (mail,) = received(services, "a@lab.example")
    assert (mail["To"], mail["Subject"], mail.get_payload()) == ("a@lab.example", "It is back", "All of it.\n")
    assert len(received(services, "b@lab.example")) == 1


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
    (mail,) = received(services, "c@lab.example")
    assert mail.get_payload().strip() == "for c@lab.example"
