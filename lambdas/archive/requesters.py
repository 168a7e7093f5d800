"""Those who wait for a study: each is told once how its restore has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts.ledger import REQUESTER, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True)
class Mail:
    """What everybody is told. SNS takes 100 characters of a subject."""

    subject: str
    text: str


def tell_requesters(study: str, mail: Mail, *, topic_arn: str, sns: SNSClient, ledger: Ledger) -> int:
    """Write to everybody who is noted; returns how many were.

    Each is claimed before the e-mail is sent, so that two at this work send one.
    """
    partition = study_partition(study)
    told = 0
    for waiting in ledger.find(partition, REQUESTER):
        claimed = LedgerEntry(partition, waiting.item, State.RUNNING)
        if not ledger.update_if(claimed, still=State.PLANNED):
            continue
        try:
            _send(mail, waiting.item.removeprefix(REQUESTER), topic_arn, sns)
        except (BotoCoreError, ClientError):
            ledger.update(LedgerEntry(partition, waiting.item, State.PLANNED))
            raise
        ledger.end(LedgerEntry(partition, waiting.item, State.SUCCEEDED))
        told += 1
    return told


def _send(mail: Mail, address: str, topic_arn: str, sns: SNSClient) -> None:
    sns.publish(
        TopicArn=topic_arn,
        Subject=mail.subject[:100],
        Message=mail.text,
        MessageAttributes={"recipient": {"DataType": "String", "StringValue": address}},
    )
