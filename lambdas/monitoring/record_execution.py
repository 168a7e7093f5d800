"""EventBridge's "Step Functions Execution Status Change": an execution of a run, a load or a demultiplexing has failed
or was stopped, or one of a run or a demultiplexing was redriven after that.

In the event, with status FAILED, ABORTED, TIMED_OUT, or RUNNING of what was redriven; out `{"run_id", "changed": n}`.
An execution that could say itself why it failed has done so; one that AWS has ended, or that could not, has left its
entries RUNNING. Events may come late and in any order: what the execution is by now counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts.environment import RecordExecutionEnvironment
from genomics.contracts.ledger import LOAD, REDRIVEN, RUN, LedgerEntry
from genomics.contracts.runs import State
from lambdas.failures import one_line
from lambdas.ledger_table import PARALLEL_REQUESTS, Ledger, open_ledger

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_RUNNING = "RUNNING"
_ENDS = {"FAILED": "failed", "ABORTED": "was stopped", "TIMED_OUT": "timed out"}
_THE_EXECUTION = "the execution "
_NOT_REACHED = "not reached: "


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = RecordExecutionEnvironment.read()
    return record_execution(
        event["detail"],
        load_state_machine=environment.load_state_machine_arn,
        step_functions=boto3.client("stepfunctions"),
        ledger=open_ledger(environment.ledger_table),
    )


def record_execution(
    detail: Mapping[str, Any], *, load_state_machine: str, step_functions: SFNClient, ledger: Ledger
) -> dict[str, Any]:
    """Bring the ledger to what is so, unless the execution has by now gone on, or ended again."""
    run_id, execution = run_of(detail), detail["executionArn"]
    was_redriven = detail["status"] == _RUNNING
    runs_now = bool(run_id) and step_functions.describe_execution(executionArn=execution)["status"] == _RUNNING
    if not run_id or runs_now != was_redriven:
        changed = 0
    elif was_redriven:
        changed = reopen_run(run_id, execution, ledger)
    elif detail["stateMachineArn"] == load_state_machine:
        changed = end_load(run_id, reason_of(detail), ledger)
    else:
        changed = end_run(run_id, execution, reason_of(detail), ledger)
    return {"run_id": run_id, "changed": changed}


def run_of(detail: Mapping[str, Any]) -> str:
    """The run that the execution was started for; empty if its input names none."""
    try:
        given = json.loads(detail.get("input") or "{}")
    except ValueError:
        return ""
    return str(given.get("run_id", "")) if isinstance(given, dict) else ""


def reason_of(detail: Mapping[str, Any]) -> str:
    """What became of the execution, in one line."""
    what = f"{_THE_EXECUTION}{_ENDS[detail['status']]}"
    why = one_line(str(detail.get("cause") or detail.get("error") or ""))
    return f"{what}: {why}" if why else what


def end_run(run_id: str, execution: str, reason: str, ledger: Ledger) -> int:
    """End what this execution has left open: the run, its samples and their steps; returns how many entries."""
    run = _run(run_id, execution, ledger)
    if run is None:
        return 0
    left = [entry for entry in _parts(run_id, ledger) if not entry.state.is_final]
    ended = _count(lambda entry: _end(entry, reason, ledger), left)
    # The run last: what is seen as ended has nothing that is still open.
    return ended + (0 if run.state.is_final else _end(run, reason, ledger))


def reopen_run(run_id: str, execution: str, ledger: Ledger) -> int:
    """Take back that this execution's run has ended, and what `end_run` has ended with it; returns how many entries.

    What ended by itself stays. A step begins when its tool says so.
    """
    run = _run(run_id, execution, ledger)
    if run is None or run.state is not State.FAILED:
        return 0
    reason, ended = run.reason or "", list[LedgerEntry]()
    if reason.startswith(_THE_EXECUTION):
        ended = [entry for entry in _parts(run_id, ledger) if entry.reason in (reason, f"{_NOT_REACHED}{reason}")]
    # The run first: what is seen as open belongs to a run that is.
    return ledger.reopen(run, State.RUNNING, REDRIVEN) + _count(lambda entry: _reopen(entry, ledger), ended)


def end_load(run_id: str, reason: str, ledger: Ledger) -> int:
    """End the run's load if it is still open: 1, else 0. Should another execution load the run, its record stands."""
    load = ledger.get(run_id, LOAD)
    return int(load is not None and not load.state.is_final and _end(load, reason, ledger))


def _run(run_id: str, execution: str, ledger: Ledger) -> LedgerEntry | None:
    """The run's entry, if the run is this execution's."""
    run = ledger.get(run_id, RUN)
    return run if run and run.execution_arn == execution else None


def _parts(run_id: str, ledger: Ledger) -> list[LedgerEntry]:
    return [entry for prefix in ("step#", "sample#") for entry in ledger.find(run_id, prefix)]


def _count(change: Callable[[LedgerEntry], bool], entries: Sequence[LedgerEntry]) -> int:
    """How many entries have changed."""
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as threads:
        return sum(threads.map(change, entries))


def _end(entry: LedgerEntry, reason: str, ledger: Ledger) -> bool:
    """End an entry unless it has ended meanwhile. What has not begun will not begin."""
    state = State.SKIPPED if entry.state is State.PLANNED else State.FAILED
    told = f"{_NOT_REACHED}{reason}" if state is State.SKIPPED else reason
    return ledger.end_if(LedgerEntry(entry.run_id, entry.item, state, reason=told), still=entry.state)


def _reopen(entry: LedgerEntry, ledger: Ledger) -> bool:
    is_begun = entry.state is State.FAILED and entry.item.startswith("sample#")
    return ledger.reopen(entry, State.RUNNING if is_begun else State.PLANNED, REDRIVEN)
