"""State RecordLoadFailure: the run's variants could not be loaded; say why in one line.

In `{"run_id", ..., "error": {"Error", "Cause"}}`; out `{"run_id", "line"}`.
"""

from __future__ import annotations

from typing import Any

from genomics.contracts.environment import PlanLoadEnvironment
from genomics.contracts.ledger import LOAD, LedgerEntry
from genomics.contracts.runs import State
from lambdas.failures import Caught
from lambdas.ledger_table import Ledger, open_ledger


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Entry point of the Lambda."""
    environment = PlanLoadEnvironment.read()
    return record_load_failure(
        run_id=event["run_id"],
        caught=Caught.read(event.get("error")),
        ledger=open_ledger(environment.ledger_table),
    )


def record_load_failure(*, run_id: str, caught: Caught, ledger: Ledger) -> dict[str, str]:
    """End the ledger's entry of the load; the run itself has succeeded and stays so."""
    job_run = caught.glue_job_run
    log = f" (log {caught.glue_log_group}:{job_run})" if job_run else ""
    line = f"loading {run_id} failed: {caught.message or 'no reason was given'}{log}"
    ledger.end(LedgerEntry(run_id, LOAD, State.FAILED, reason=line, log_stream=job_run or None))
    return {"run_id": run_id, "line": line}
