"""How a run ends in the ledger, once its samples have."""

from __future__ import annotations

from genomics.contracts.ledger import REDRIVEN, RUN, LedgerEntry
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger


def end_run(*, run_id: str, line: str, has_failed: bool, ledger: Ledger) -> None:
    """End the run's entry; `line` says of the samples that failed why, and is empty where none has."""
    run = ledger.get(run_id, RUN)
    redriven = REDRIVEN if run and run.state is State.FAILED else None
    state = State.FAILED if has_failed else State.SUCCEEDED
    ledger.end(LedgerEntry(run_id, RUN, state, reason=line or redriven))
