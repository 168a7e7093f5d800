"""Starting an execution exactly once, and saying so in the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from genomics.contracts.ledger import RUN, LedgerEntry
from genomics.contracts.runs import State
from lambdas.failures import one_line
from lambdas.ledger_table import RUN_ORDER, Ledger, utc_now

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class RequestError(ValueError):
    """A request cannot be carried out, as it is or not yet; the message says why in one line."""


def start_once(
    *,
    step_functions: SFNClient,
    ledger: Ledger,
    state_machine_arn: str,
    run_id: str,
    given: Mapping[str, str],
    study: str | None = None,
) -> str | None:
    """Start the execution named `run_id` with the input `given`; returns the name, None if it was started before."""
    try:
        arn = step_functions.start_execution(
            stateMachineArn=state_machine_arn, name=run_id, input=json.dumps(dict(given))
        )["executionArn"]
    except step_functions.exceptions.ExecutionAlreadyExists:
        arn = f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{run_id}"
    started = ledger.start(
        LedgerEntry(
            run_id=run_id,
            item=RUN,
            state=State.RUNNING,
            started_at=utc_now(),
            study=study,
            execution_arn=arn,
            order=RUN_ORDER,
        )
    )
    return run_id if started else None


def refuse(ledger: Ledger, run_id: str, error: Exception) -> RequestError:
    """What to raise where a run cannot be started; the ledger then says why."""
    reason = one_line(str(error))
    ledger.start(LedgerEntry(run_id, RUN, State.FAILED, reason=reason, order=RUN_ORDER))
    return RequestError(reason)
