"""EventBridge's "Step Functions Execution Status Change": an execution of a run, a load or a demultiplexing has failed
or was stopped.

In the event, with status FAILED, ABORTED or TIMED_OUT; out `{"run_id", "ended": n}`. An execution that could say
itself why it failed has done so; one that AWS has ended, or that could not, has left its entries RUNNING.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from genomics.contracts.environment import RecordStoppedEnvironment
from genomics.contracts.ledger import LOAD, RUN, LedgerEntry
from genomics.contracts.runs import State
from lambdas.failures import one_line
from lambdas.ledger_table import PARALLEL_REQUESTS, Ledger, open_ledger

_STATUSES = {"FAILED": "failed", "ABORTED": "was stopped", "TIMED_OUT": "timed out"}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = RecordStoppedEnvironment.read()
    detail = event["detail"]
    run_id = run_of(detail)
    ledger = open_ledger(environment.ledger_table)
    if detail["stateMachineArn"] == environment.load_state_machine_arn:
        ended = end_load(run_id, reason_of(detail), ledger)
    else:
        ended = end_run(run_id, detail["executionArn"], reason_of(detail), ledger)
    return {"run_id": run_id, "ended": ended}


def run_of(detail: Mapping[str, Any]) -> str:
    """The run that the execution was started for; empty if its input names none."""
    try:
        given = json.loads(detail.get("input") or "{}")
    except ValueError:
        return ""
    return str(given.get("run_id", "")) if isinstance(given, dict) else ""


def reason_of(detail: Mapping[str, Any]) -> str:
    """What became of the execution, in one line."""
    what = f"the execution {_STATUSES[detail['status']]}"
    why = one_line(str(detail.get("cause") or detail.get("error") or ""))
    return f"{what}: {why}" if why else what


def end_run(run_id: str, execution: str, reason: str, ledger: Ledger) -> int:
    """End what this execution has left open: the run, its samples and their steps; returns how many entries.

    A run that was redriven and stopped again has ended before; what it began since has not.
    """
    run = ledger.get(run_id, RUN) if run_id else None
    if run is None or run.execution_arn != execution:
        return 0
    left = [e for prefix in ("step#", "sample#") for e in ledger.find(run_id, prefix) if not e.state.is_final]
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as threads:
        ended = sum(threads.map(lambda entry: _end(entry, reason, ledger), left))
    # The run last: what is seen as ended has nothing that is still open.
    return ended + (0 if run.state.is_final else _end(run, reason, ledger))


def end_load(run_id: str, reason: str, ledger: Ledger) -> int:
    """End the run's load if it is still open: 1, else 0. Should another execution load the run, its record stands."""
    load = ledger.get(run_id, LOAD) if run_id else None
    return int(load is not None and not load.state.is_final and _end(load, reason, ledger))


def _end(entry: LedgerEntry, reason: str, ledger: Ledger) -> bool:
    """End an entry unless it has ended meanwhile. What has not begun will not begin."""
    state = State.SKIPPED if entry.state is State.PLANNED else State.FAILED
    told = f"not reached: {reason}" if state is State.SKIPPED else reason
    return ledger.end_if(LedgerEntry(entry.run_id, entry.item, state, reason=told), still=entry.state)
