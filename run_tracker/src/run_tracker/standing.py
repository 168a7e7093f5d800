"""Where every run stands, as a person at the lab wants to hear it."""

from dataclasses import dataclass

from run_tracker.assessment import Verdict
from run_tracker.state import Run, State, Transfer, TransferState

SENT = "SENT"
TRANSFERRING = "TRANSFERRING"
STARTING = "STARTING"
RETRYING = "RETRYING"
TRANSFER_FAILED = "TRANSFER_FAILED"
# These are never sent, so they wait for nothing.
_NEVER_SENT = (Verdict.FAILED, Verdict.ABORTED, Verdict.TEST_RUN, Verdict.RUNNING)


@dataclass(frozen=True)
class Standing:
    """A run's state with its reason. `unsent_since` is set (seconds since the epoch) while it waits to be sent."""

    run_id: str
    platform: str
    state: str
    reason: str
    since: float
    files: int | None
    bytes: int | None
    unsent_since: float | None
    generation: int
    attempts: int
    execution_arn: str | None

    @property
    def waits_as(self) -> str:
        """What it has been since `unsent_since`, in a word."""
        return "unreadable" if self.state == Verdict.UNREADABLE else "complete"


def standings(state: State) -> list[Standing]:
    """Every run that is in the landing folder or on its way."""
    transfers: dict[str, list[Transfer]] = {}
    for transfer in state.transfers():
        transfers.setdefault(transfer.run_id, []).append(transfer)
    runs = [(run, transfers.get(run.run_id, [])) for run in state.runs()]
    return [
        _standing(run, own)
        for run, own in runs
        if run.present or (own and own[-1].state is not TransferState.SUCCEEDED)
    ]


def _standing(run: Run, transfers: list[Transfer]) -> Standing:
    last = transfers[-1] if transfers else None
    name, reason, since = run.verdict, run.reason, run.since
    if last is not None:
        name, reason, since = _of_transfer(run, last)
    sent = any(transfer.state is TransferState.SUCCEEDED for transfer in transfers)
    # Nobody knows whether a run that cannot be read is complete: it counts from when it was first seen.
    complete_at = run.completed_at or (run.first_seen if run.verdict == Verdict.UNREADABLE else None)
    waits = not sent and run.verdict not in _NEVER_SENT
    return Standing(
        run.run_id,
        run.platform,
        name,
        reason if run.present else f"{reason} (the folder is gone)",
        since,
        run.files,
        run.bytes,
        unsent_since=complete_at if waits else None,
        generation=last.generation if last else 0,
        attempts=len([t for t in transfers if last and t.generation == last.generation]),
        execution_arn=last.execution_arn if last else None,
    )


def _of_transfer(run: Run, last: Transfer) -> tuple[str, str, float]:
    if last.state is TransferState.INTENDED:
        return STARTING, last.reason or "DataSync is asked to send it", last.intended_at
    if last.state is TransferState.STARTED:
        return TRANSFERRING, last.reason or "DataSync has begun", last.tried_at or last.intended_at
    ended = last.ended_at or last.intended_at
    if last.state is TransferState.SUCCEEDED:
        top_ups = f" in {last.generation} transfers" if last.generation > 1 else ""
        since = f"; not sent again: {last.reason}" if last.reason else ""
        return SENT, f"{run.files} files, {run.bytes} bytes{top_ups}{since}", ended
    if run.since > ended and run.verdict != Verdict.READY:
        return run.verdict, run.reason, run.since
    if last.state is TransferState.GIVEN_UP:
        return TRANSFER_FAILED, f"{last.reason}; put the flag anew to try again", ended
    return RETRYING, f"{last.reason}; it is tried again", ended
