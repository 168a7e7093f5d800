"""One pass over the landing folder: go on with what is under way, judge every run, send what is ready."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from genomics.contracts.runs import is_run_id
from run_tracker.alarms import standing_alarms, tell
from run_tracker.assessment import Assessment, Verdict, assess
from run_tracker.configuration import Configuration
from run_tracker.errors import TrackerError
from run_tracker.listing import Listing
from run_tracker.lock import exclusive
from run_tracker.scan import scan_run
from run_tracker.sending import Sender
from run_tracker.space import used_bytes
from run_tracker.state import Run, State, Transfer, TransferState, opened

# What file servers keep beside what they serve.
_NO_RUNS = ("lost+found", "$RECYCLE.BIN", "System Volume Information")


def database_path(configuration: Configuration) -> Path:
    """The state database."""
    return configuration.state_folder / "state.sqlite"


def watch_once(configuration: Configuration) -> None:
    """Carry out one pass. Raises AlreadyAtWork if another process is in one."""
    with exclusive(configuration.state_folder / "lock"), opened(database_path(configuration)) as state:
        sender = Sender(configuration, state)
        sender.resume()
        folders = list(run_folders(configuration, state))
        for folder in folders:
            _Visit(configuration, state, sender, folder).carry_out()
        _note_absent(configuration, state, {printable(folder.name) for folder in folders})
        now = time.time()
        state.note_space(now, used_bytes(configuration.landing_folder))
        state.raise_alarms(standing_alarms(configuration, state, now), now)
        tell(configuration, state)


def run_folders(configuration: Configuration, state: State) -> Iterator[Path]:
    """The run folders in the landing folder, by name."""
    landing = configuration.landing_folder
    try:
        names = sorted(os.listdir(landing))  # noqa: PTH208 names, not paths
    except OSError as error:
        reason = error.strerror
        raise TrackerError(f"{landing}: landing folder cannot be reached ({reason}); mount it or correct it") from error
    unsent = [run for run in state.runs() if run.present and not _is_sent(state, run.run_id)]
    if not names and unsent:
        raise TrackerError(f"{landing}: landing folder is empty, but {unsent[0].run_id} was there; is it mounted?")
    for name in names:
        if not name.startswith(".") and name not in _NO_RUNS and (landing / name).is_dir():
            yield landing / name


def listing_path(configuration: Configuration, run_id: str) -> Path:
    """Where a run's listing is kept."""
    return configuration.state_folder / "listings" / f"{run_id}.sqlite"


def printable(name: str) -> str:
    """A name as it can be stored and shown, whatever its bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@dataclass
class _Visit:
    """What is done about one run folder in one pass."""

    configuration: Configuration
    state: State
    sender: Sender
    folder: Path

    def carry_out(self) -> None:
        run_id = printable(self.folder.name)
        transfers = self.state.transfers(run_id)
        last = transfers[-1] if transfers else None
        known = {run.run_id: run for run in self.state.runs()}.get(run_id)
        if last is not None and last.state.is_open:
            return
        sent = last is not None and last.state is TransferState.SUCCEEDED
        if sent and last is not None and not self._has_changed_since(last):
            return
        if last is not None and not sent and not self.sender.may_retry(transfers, self._flag_changed_at()):
            return
        assessment = self._assess(known, whole=False)
        if assessment.verdict is Verdict.READY:
            # What is sent is what is there now, whatever time stamps say.
            assessment = self._assess(known, whole=True, then_send=True)
        if not sent:
            self._save(run_id, known, assessment)

    def _has_changed_since(self, sent: Transfer) -> bool:
        """Whether there is something new in a run that was sent; looked for as long as the lab says."""
        if time.time() > (sent.ended_at or 0) + self.configuration.datasync.late_days * 86400:
            _remove_listing(self._listing_path())
            return False
        filters = self.configuration.filters(self.folder.name)
        with closing(Listing(self._listing_path(), repr(filters))) as listing:
            scan = scan_run(self.folder, listing, filters, whole=False, changed_within_seconds=0)
        return scan.totals.digest != sent.listing_digest

    def _assess(self, known: Run | None, *, whole: bool, then_send: bool = False) -> Assessment:
        filters = self.configuration.filters(self.folder.name)
        if not is_run_id(self.folder.name):
            with closing(Listing(None, "")) as listing:
                return assess(self.folder, self.configuration.rules, filters, listing, whole=True)
        complete = known.complete if known else ""
        with closing(Listing(self._listing_path(), repr(filters))) as listing:
            try:
                result = assess(self.folder, self.configuration.rules, filters, listing, whole=whole, complete=complete)
                if then_send and result.verdict is Verdict.READY and result.scan is not None:
                    self._save(self.folder.name, known, result)
                    self.sender.send(self.folder.name, listing, result.scan.totals.digest)
            except OSError as error:
                reason = f"{error.filename or self.folder}: cannot be read ({error.strerror}); correct its permissions"
                result = Assessment(Verdict.UNREADABLE, reason)
        return result

    def _save(self, run_id: str, known: Run | None, assessment: Assessment) -> None:
        now = time.time()
        totals = assessment.scan.totals if assessment.scan else None
        same = known is not None and known.verdict == assessment.verdict
        run = Run(
            run_id,
            assessment.platform,
            assessment.verdict.value,
            assessment.reason,
            since=known.since if known and same else now,
            first_seen=known.first_seen if known else now,
            completed_at=assessment.completed_at,
            files=totals.files if totals else None,
            bytes=totals.bytes if totals else None,
            digest=totals.digest if totals else None,
            complete=assessment.complete,
        )
        if run != known:
            self.state.save_run(run)

    def _listing_path(self) -> Path:
        return listing_path(self.configuration, self.folder.name)

    def _flag_changed_at(self) -> float:
        wanted = self.configuration.qc.flag
        try:
            name = next((n for n in os.listdir(self.folder) if n.casefold() == wanted.casefold()), None)  # noqa: PTH208
            status = (self.folder / name).lstat() if name else None
        except OSError:
            return 0
        return status.st_mtime if status is not None and stat.S_ISREG(status.st_mode) else 0


def _is_sent(state: State, run_id: str) -> bool:
    return any(transfer.state is TransferState.SUCCEEDED for transfer in state.transfers(run_id))


def _note_absent(configuration: Configuration, state: State, there: set[str]) -> None:
    for run in state.runs():
        if run.present != (run.run_id in there):
            state.save_run(replace(run, present=run.run_id in there))
            if run.run_id not in there:
                _remove_listing(listing_path(configuration, run.run_id))


def _remove_listing(path: Path) -> None:
    if path.exists():
        Listing(path, "").remove()
