"""State RecordRunFailure: something that all samples need has failed, so the run has.

In `{"run_id", ..., "error": {"Error", "Cause"}}`; out `{"run_id", "line"}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts.environment import LedgerEnvironment
from genomics.contracts.ledger import RUN, LedgerEntry
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.failures import Caught
from lambdas.ledger_table import Ledger, open_ledger, utc_now
from lambdas.secondary.outcomes import record_step_failure

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Entry point of the Lambda."""
    environment = LedgerEnvironment.read()
    return record_run_failure(
        run_id=event["run_id"],
        caught=Caught.read(event.get("error")),
        s3=documents.s3_client(),
        logs=boto3.client("logs"),
        ledger=open_ledger(environment.ledger_table),
    )


def record_run_failure(
    *, run_id: str, caught: Caught, s3: S3Client, logs: CloudWatchLogsClient, ledger: Ledger
) -> dict[str, str]:
    """End the run in the ledger, and with it the samples that have not ended by themselves."""
    line = record_step_failure(run_id=run_id, sample="", caught=caught, s3=s3, logs=logs, ledger=ledger)
    now = utc_now()
    for entry in ledger.find(run_id, "sample#"):
        if not entry.state.is_final:
            ledger.update_if(
                LedgerEntry(run_id, entry.item, State.FAILED, reason=f"the run failed: {line}", finished_at=now),
                still=entry.state,
            )
    ledger.end(LedgerEntry(run_id, RUN, State.FAILED, reason=line))
    return {"run_id": run_id, "line": line}
