"""State AwaitTars: keep the token with which the state machine goes on, for when S3 says that the tars can be read.

In `{"study", "restore": "<restore id>", "token"}`; out nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from genomics.contracts.environment import RestoreEnvironment
from genomics.contracts.ledger import RESTORE, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.archive.tars import are_readable, find_request
from lambdas.ledger_table import Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

# Whoever comes second finds the task ended.
_ALREADY = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


def handler(event: dict[str, Any], context: object) -> None:
    """Entry point of the Lambda."""
    environment = RestoreEnvironment.read()
    await_tars(
        study=event["study"],
        token=event["token"],
        bucket=environment.sequencing_bucket,
        s3=documents.s3_client(),
        step_functions=boto3.client("stepfunctions"),
        ledger=open_ledger(environment.ledger_table),
    )


def await_tars(*, study: str, token: str, bucket: str, s3: S3Client, step_functions: SFNClient, ledger: Ledger) -> None:
    """Keep the token, then look: the last tar may have been ready before."""
    ledger.update(LedgerEntry(study_partition(study), RESTORE, State.RUNNING, task_token=token))
    go_on_if_readable(study=study, bucket=bucket, s3=s3, step_functions=step_functions, ledger=ledger)


def go_on_if_readable(*, study: str, bucket: str, s3: S3Client, step_functions: SFNClient, ledger: Ledger) -> bool:
    """Let the study's restore go on if it waits, and all its tars can be read; whether it was told to."""
    entry = ledger.get(study_partition(study), RESTORE)
    if not (entry and entry.state is State.RUNNING and entry.task_token and entry.fingerprint):
        return False
    if not are_readable(s3, find_request(s3, bucket, study, entry.fingerprint).archives):
        return False
    try:
        step_functions.send_task_success(taskToken=entry.task_token, output="{}")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ALREADY:
            raise
    return True
