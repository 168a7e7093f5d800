"""Runs that the ledger calls RUNNING although nothing runs: their execution was aborted, or ended without a word."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from botocore.exceptions import ClientError

from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State
from genomics_cli.cloud import Platform
from genomics_cli.run_ledger import RunView

REMEDY = "type the same `genomics run` again; what is finished is not repeated"


def execution_arn(platform: Platform, run_id: str) -> str:
    """Of the execution of the run's state machine."""
    machine = platform.deployment.run_state_machine_arn
    return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{run_id}"


def with_interruptions(platform: Platform, runs: Sequence[LedgerEntry]) -> tuple[LedgerEntry, ...]:
    """The runs, those that were interrupted as FAILED with the reason and what to type."""
    return tuple(_looked_at(run, lambda run: _why_ended(platform, execution_arn(platform, run.run_id))) for run in runs)


def with_interruption(platform: Platform, view: RunView) -> RunView:
    """The same of one run with all that it consists of."""
    found = view.run and with_interruptions(platform, [view.run])[0]
    if found is view.run or found is None:
        return view

    def stopped(entry: LedgerEntry) -> LedgerEntry:
        return _looked_at(entry, lambda _: "interrupted")

    return replace(
        view,
        run=found,
        samples={sample: stopped(entry) for sample, entry in view.samples.items()},
        steps=tuple(replace(step, entry=stopped(step.entry)) for step in view.steps),
    )


def _looked_at(entry: LedgerEntry, why: Callable[[LedgerEntry], str | None]) -> LedgerEntry:
    if entry.state is not State.RUNNING:
        return entry
    reason = why(entry)
    return replace(entry, state=State.FAILED, reason=reason) if reason else entry


def _why_ended(platform: Platform, arn: str) -> str | None:
    """Why an execution is not running any more; None while it is, has not begun, or has come to a good end."""
    try:
        found = platform.cloud.step_functions.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return None
        raise
    if found["status"] in ("RUNNING", "SUCCEEDED"):
        return None
    cause = found.get("cause") or found.get("error") or f"its execution {found['status']}"
    return f"interrupted: {' '.join(cause.split())}; {REMEDY}"
