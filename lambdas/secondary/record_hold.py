"""States RecordNoSignOff and RecordNotUploaded: what the run waited for after its results did not come.

In `{"state": {"run_id", ..., "error": {"Error", "Cause"}}, "execution": <$$.Execution>, "waited_for": "sign-off" |
"LIMS"}`; out the state with `"hold": {"line", "redrives", "is_final"}`: final is a decision against the run.
"""

from __future__ import annotations

from typing import Any

from genomics.contracts.codec import ContractError, loads
from genomics.contracts.environment import LedgerEnvironment
from genomics.contracts.ledger import RUN, SIGN_OFF, LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.sign_off import REJECTED, Decision
from lambdas.failures import Caught
from lambdas.ledger_table import Ledger, open_ledger
from lambdas.secondary.record_sign_off import record_decision

FOR_SIGN_OFF = "sign-off"


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    state = event["state"]
    caught = Caught.read(state.get("error"))
    line = record_hold(
        run_id=state["run_id"],
        waited_for=event["waited_for"],
        caught=caught,
        ledger=open_ledger(LedgerEnvironment.read().ledger_table),
    )
    redrives = redrives_of(event["execution"])
    return {**state, "hold": {"line": line, "redrives": redrives, "is_final": caught.error == REJECTED}}


def record_hold(*, run_id: str, waited_for: str, caught: Caught, ledger: Ledger) -> str:
    """End the run, and its sign-off if that is what failed; says why in one line."""
    if waited_for == FOR_SIGN_OFF:
        line = _end_sign_off(run_id, caught, ledger)
    else:
        line = f"{caught.message}; the results are there, and `genomics redrive {run_id}` tries again"
    ledger.end(LedgerEntry(run_id, RUN, State.FAILED, reason=line))
    return line


def redrives_of(execution: dict[str, Any]) -> int:
    """How often an execution was redriven, by its context object, which says nothing before the first time."""
    return int(execution.get("RedriveCount", 0))


def _end_sign_off(run_id: str, caught: Caught, ledger: Ledger) -> str:
    if caught.error == REJECTED:
        try:
            decision = loads(Decision, caught.cause, where="the decision")
        except ContractError as error:
            reason = f"rejected, by whom and why cannot be read: {error}"
        else:
            record_decision(run_id=run_id, decision=decision, state=State.FAILED, ledger=ledger)
            return f"the results were rejected by {decision.by}: {decision.reason}"
    elif caught.is_timeout:
        reason = "nobody has signed the results off in time"
    else:
        reason = f"the sign-off failed: {caught.message}"
    ledger.end(LedgerEntry(run_id, SIGN_OFF, State.FAILED, reason=reason))
    return reason if caught.error == REJECTED else f"{reason}; `genomics redrive {run_id}` asks again"
