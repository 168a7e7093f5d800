"""State RecordFailure, of both state machines: a study could not be archived or restored; say why in one line.

In `{"study", "item", "execution", ..., "error": {"Error", "Cause"}}`; out `{"study", "line"}`.
"""

from __future__ import annotations

from typing import Any

from genomics.contracts.environment import StudyLedgerEnvironment
from genomics.contracts.ledger import LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas.failures import Caught
from lambdas.ledger_table import Ledger, open_ledger


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Entry point of the Lambda."""
    return record_failure(
        study=str(event.get("study", "")),
        item=event["item"],
        execution=event["execution"],
        caught=Caught.read(event.get("error")),
        ledger=open_ledger(StudyLedgerEnvironment.read().ledger_table),
    )


def record_failure(*, study: str, item: str, execution: str, caught: Caught, ledger: Ledger) -> dict[str, str]:
    """End the study's entry, if it is this execution's."""
    job = caught.job
    why = (job.service_reason or job.status_reason) if job else caught.message
    log = f" (log {job.log_group}:{job.log_stream})" if job and job.log_stream else ""
    line = f"{item} of {study} failed: {why or 'no reason was given'}{log}"
    entry = ledger.get(study_partition(study), item)
    if entry and entry.execution_arn == execution:
        ledger.end(LedgerEntry(entry.run_id, item, State.FAILED, reason=line))
    return {"study": study, "line": line}
