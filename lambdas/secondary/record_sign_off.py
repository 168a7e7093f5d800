"""State RecordSignOff: a person has approved of the run's results.

In the state with `"signed": {"decision"}`, a Decision; out the same.
"""

from __future__ import annotations

from typing import Any

from genomics.contracts.codec import from_dict
from genomics.contracts.environment import LedgerEnvironment
from genomics.contracts.ledger import SIGN_OFF, LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.sign_off import Decision
from lambdas.ledger_table import Ledger, open_ledger
from lambdas.secondary.run_end import end_run


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    ledger = open_ledger(LedgerEnvironment.read().ledger_table)
    decision = from_dict(Decision, event["signed"]["decision"], where="the sign-off")
    record_decision(run_id=event["run_id"], decision=decision, state=State.SUCCEEDED, ledger=ledger)
    end_run(run_id=event["run_id"], line=event["line"], has_failed=event["has_failed"], ledger=ledger)
    return event


def record_decision(*, run_id: str, decision: Decision, state: State, ledger: Ledger) -> None:
    """End the sign-off's entry: who, when, why."""
    ledger.end(
        LedgerEntry(
            run_id=run_id,
            item=SIGN_OFF,
            state=state,
            reason=decision.reason,
            signed_by=decision.by,
            principal=decision.principal,
            finished_at=decision.at,
        )
    )
