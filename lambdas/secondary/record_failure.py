"""State RecordFailure: a sample has failed; say why in one line, and let the other samples go on.

In `{"run_id", "sample", ..., "error": {"Error", "Cause"}}`; out `{"sample", "state": "FAILED", "reason"}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts.environment import LedgerEnvironment
from genomics.contracts.ledger import LedgerEntry, sample_item
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.failures import Caught
from lambdas.ledger_table import Ledger, open_ledger
from lambdas.secondary.outcomes import record_step_failure

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Entry point of the Lambda."""
    environment = LedgerEnvironment.read()
    return record_failure(
        run_id=event["run_id"],
        sample=event["sample"],
        caught=Caught.read(event.get("error")),
        s3=documents.s3_client(),
        logs=boto3.client("logs"),
        ledger=open_ledger(environment.ledger_table),
    )


def record_failure(
    *, run_id: str, sample: str, caught: Caught, s3: S3Client, logs: CloudWatchLogsClient, ledger: Ledger
) -> dict[str, str]:
    """End the sample and its steps in the ledger; the line is the sample's reason."""
    line = record_step_failure(run_id=run_id, sample=sample, caught=caught, s3=s3, logs=logs, ledger=ledger)
    ledger.end(LedgerEntry(run_id, sample_item(sample), State.FAILED, reason=line))
    return {"sample": sample, "state": State.FAILED.value, "reason": line}
