"""State AskSignOff: the results are there; say that they await a person's decision.

In `{"state": {"run_id", "study", "results", ...}, "execution": <$$.Execution>}`; out the state with
`"timeout_seconds"` and `"until"`, the time, as people read it.
"""

from __future__ import annotations

import datetime
from typing import Any

from genomics.contracts.environment import AskSignOffEnvironment
from genomics.contracts.ledger import RUN, SIGN_OFF, LedgerEntry
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger, open_ledger, utc_now


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = AskSignOffEnvironment.read()
    state = event["state"]
    until = ask_sign_off(
        run_id=state["run_id"],
        results=state["results"],
        execution=event["execution"]["Id"],
        seconds=environment.sign_off_seconds,
        ledger=open_ledger(environment.ledger_table),
    )
    return {**state, "timeout_seconds": environment.sign_off_seconds, "until": until}


def ask_sign_off(*, run_id: str, results: str, execution: str, seconds: int, ledger: Ledger) -> str:
    """Begin the sign-off's entry, anew where an earlier one came to nothing; the run goes on. Returns until when."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    until = f"{end:%Y-%m-%d %H:%M} UTC"
    ledger.claim_for_execution(
        LedgerEntry(
            run_id=run_id,
            item=SIGN_OFF,
            state=State.RUNNING,
            reason=f"awaits a decision until {until}",
            started_at=utc_now(),
            execution_arn=execution,
            document=results,
        )
    )
    ledger.update(LedgerEntry(run_id, RUN, State.RUNNING))
    return until
