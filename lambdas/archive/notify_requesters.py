"""State NotifyRequesters: a study is back; write one e-mail to each who has asked for it.

In `{"study", ...}`; out `{"study", "told": n}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts.environment import NotifyEnvironment
from genomics.contracts.ledger import REQUESTER, RESTORE, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = NotifyEnvironment.read()
    told = notify_requesters(
        study=event["study"],
        topic_arn=environment.topic_arn,
        sns=boto3.client("sns"),
        ledger=open_ledger(environment.ledger_table),
    )
    return {"study": event["study"], "told": told}


def notify_requesters(*, study: str, topic_arn: str, sns: SNSClient, ledger: Ledger) -> int:
    """End the restore's entry, then tell everybody who is noted; returns how many were.

    Each is claimed before the e-mail is sent, so that two at this work send one. Who asks after the end begins another
    restore, which finds nothing to bring back and tells them at once.
    """
    partition = study_partition(study)
    ledger.end(LedgerEntry(partition, RESTORE, State.SUCCEEDED))
    told = 0
    for waiting in ledger.find(partition, REQUESTER):
        claimed = LedgerEntry(partition, waiting.item, State.RUNNING)
        if not ledger.update_if(claimed, still=State.PLANNED):
            continue
        try:
            _send(study, waiting.item.removeprefix(REQUESTER), topic_arn, sns)
        except (BotoCoreError, ClientError):
            ledger.update(LedgerEntry(partition, waiting.item, State.PLANNED))
            raise
        ledger.end(LedgerEntry(partition, waiting.item, State.SUCCEEDED))
        told += 1
    return told


def _send(study: str, address: str, topic_arn: str, sns: SNSClient) -> None:
    sns.publish(
        TopicArn=topic_arn,
        Subject=f"Study {study} is back from the archive"[:100],
        Message=f"All objects of study {study} are at their keys again, and in the file shares.",
        MessageAttributes={"recipient": {"DataType": "String", "StringValue": address}},
    )
