"""EventBridge's "Step Functions Execution Status Change": an execution was aborted or timed out, and could say nothing.

In the event, with status ABORTED or TIMED_OUT; out `{"study"}`.
"""

from __future__ import annotations

import json
from typing import Any

from genomics.contracts.environment import StudyLedgerEnvironment
from genomics.contracts.ledger import ARCHIVE, RESTORE, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger, open_ledger


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Entry point of the Lambda."""
    detail = event["detail"]
    return record_stopped(
        study=str(json.loads(detail["input"]).get("study", "")),
        execution=detail["executionArn"],
        status=detail["status"],
        ledger=open_ledger(StudyLedgerEnvironment.read().ledger_table),
    )


def record_stopped(*, study: str, execution: str, status: str, ledger: Ledger) -> dict[str, str]:
    """End the entry that is this execution's, so that the study's next archive or restore can begin."""
    for item in (ARCHIVE, RESTORE):
        entry = ledger.get(study_partition(study), item)
        if entry and entry.execution_arn == execution and entry.state is State.RUNNING:
            ledger.end(LedgerEntry(entry.run_id, item, State.FAILED, reason=f"{item} of {study}: {status.lower()}"))
    return {"study": study}
