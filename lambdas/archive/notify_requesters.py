"""State NotifyRequesters: a study is back; write one e-mail to each who has asked for it.

In `{"study", "request", ...}`, with `"unrefreshed"` where a file share could not be told; out `{"study", "told": n}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts import object_keys
from genomics.contracts.archives import Archive, Restored, RestoreRequest
from genomics.contracts.environment import NotifyEnvironment
from genomics.contracts.ledger import RESTORE, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.archive.requesters import Mail, tell_requesters
from lambdas.ledger_table import Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = NotifyEnvironment.read()
    told = notify_requesters(
        study=event["study"],
        request_uri=event["request"],
        is_in_shares="unrefreshed" not in event,
        topic_arn=environment.topic_arn,
        s3=documents.s3_client(),
        sns=boto3.client("sns"),
        ledger=open_ledger(environment.ledger_table),
    )
    return {"study": event["study"], "told": told}


def notify_requesters(
    *,
    study: str,
    request_uri: str,
    is_in_shares: bool,
    topic_arn: str,
    s3: S3Client,
    sns: SNSClient,
    ledger: Ledger,
) -> int:
    """End the restore's entry, then tell everybody who is noted; returns how many were.

    Who asks after the end begins another restore, which finds nothing to bring back and tells them at once.
    """
    ledger.end(LedgerEntry(study_partition(study), RESTORE, State.SUCCEEDED))
    mail = _mail(study, changed=_changed(s3, request_uri), is_in_shares=is_in_shares)
    return tell_requesters(study, mail, topic_arn=topic_arn, sns=sns, ledger=ledger)


def _changed(s3: S3Client, request_uri: str) -> int:
    """Keys that the restore has left alone."""
    archives = [documents.read(s3, Archive, uri) for uri in documents.read(s3, RestoreRequest, request_uri).archives]
    keys = [(each.bucket, object_keys.archive_restored(each.study, each.archive_id)) for each in archives]
    return sum(documents.read(s3, Restored, object_keys.uri(bucket, key)).changed for bucket, key in keys)


def _mail(study: str, *, changed: int, is_in_shares: bool) -> Mail:
    if changed:
        what = (
            f"The objects of study {study} are at their keys again, except {changed} of them: their keys were written "
            "or deleted after the study was archived, and stay so."
        )
    else:
        what = f"All objects of study {study} are at their keys again."
    shares = (
        "The file shares show them."
        if is_in_shares
        else "A file share could not be refreshed; it shows them when it lists their folders anew."
    )
    return Mail(f"Study {study} is back from the archive", f"{what} {shares}")
