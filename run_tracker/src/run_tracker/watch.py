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
from run_tracker.errors import TrackerError, explain
from run_tracker.listing import Listing
from run_tracker.lock import exclusive
from run_tracker.scan import scan_run
from run_tracker.sending import Sender, is_put_anew
from run_tracker.space import used_bytes
from run_tracker.state import Run, State, Transfer, TransferState, opened

# What file servers keep beside what they serve.
_NO_RUNS = ("lost+found", "$RECYCLE.BIN", "System Volume Information")
# A file that grows leaves its directory's time stamp alone: every so often a run that was sent is read whole.
_WHOLE_EVERY_SECONDS = 3600
_MAY_BE_ARCHIVED = (
    "the flag was put anew, but a run that was sent more than datasync.archive_days ago is not sent again: what lies in"
    " the archive would be overwritten"
)


def database_path(configuration: Configuration) -> Path:
    """The state database."""
    return configuration.state_folder / "state.sqlite"


def watch_once(configuration: Configuration) -> None:
    """Carry out one pass, and tell what stands whatever comes of it. Raises AlreadyAtWork if another is in one."""
    with exclusive(configuration.state_folder / "lock"), opened(database_path(configuration)) as state:
        try:
            _pass(configuration, state)
        finally:
            now = time.time()
            state.raise_alarms(standing_alarms(configuration, state, now), now)
            tell(configuration, state)


def _pass(configuration: Configuration, state: State) -> None:
    sender = Sender(configuration, state)
    sender.resume()
    folders = list(run_folders(configuration, state))
    for folder in folders:
        visit = _Visit(configuration, state, sender, folder)
        try:
            visit.carry_out()
        except Exception as error:  # whatever is wrong with one run, those behind it are sent
            visit.break_off(explain(error))
    _note_absent(configuration, state, {printable(folder.name) for folder in folders})
    state.note_space(time.time(), used_bytes(configuration.landing_folder))


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
        """Send the run if there is something to send, and write down how it stands."""
        transfers = self.state.transfers(self._run_id)
        last = transfers[-1] if transfers else None
        if last is None:
            self._save(self._send_if_ready())
        elif last.state is TransferState.SUCCEEDED:
            self._follow_up(last, sent_at=_first_end(transfers))
        elif not last.state.is_open and (
            is_put_anew(last, self._flag_changed_at()) or self.sender.may_retry(transfers)
        ):
            self._save(self._send_if_ready())

    def break_off(self, reason: str) -> None:
        """The visit came to nothing, for this reason: one line."""
        transfers = self.state.transfers(self._run_id)
        if transfers and (transfers[-1].state.is_open or transfers[-1].state is TransferState.SUCCEEDED):
            self.state.note_reason(transfers[-1], reason)
        else:
            self._save(Assessment(Verdict.UNREADABLE, reason))

    def _follow_up(self, sent: Transfer, *, sent_at: float) -> None:
        """Send again what was sent if its flag was put anew, or if it has changed since."""
        reason, is_wanted = "", is_put_anew(sent, self._flag_changed_at())
        if time.time() > sent_at + self.configuration.datasync.archive_days * 86400:
            _remove_listing(self._listing_path)
            reason = _MAY_BE_ARCHIVED if is_wanted else ""
        elif is_wanted or self._has_changed_since(sent):
            assessment = self._send_if_ready()
            if assessment.verdict is not Verdict.READY:
                reason = f"{assessment.verdict}: {assessment.reason}"
        if reason != sent.reason:
            self.state.note_reason(sent, reason)

    def _has_changed_since(self, sent: Transfer) -> bool:
        """Whether there is something new in a run that was sent; looked for as long as the lab says."""
        if time.time() > (sent.ended_at or 0) + self.configuration.datasync.late_days * 86400:
            _remove_listing(self._listing_path)
            return False
        filters = self.configuration.filters(self.folder.name)
        with closing(Listing(self._listing_path, repr(filters))) as listing:
            whole = time.time() >= listing.whole_at() + _WHOLE_EVERY_SECONDS
            scan = scan_run(self.folder, listing, filters, whole=whole, changed_within_seconds=0)
        return scan.totals.digest != sent.listing_digest

    def _send_if_ready(self) -> Assessment:
        assessment = self._assess(whole=False)
        if assessment.verdict is Verdict.READY:
            # What is sent is what is there now, whatever time stamps say.
            assessment = self._assess(whole=True, then_send=True)
        return assessment

    def _assess(self, *, whole: bool, then_send: bool = False) -> Assessment:
        rules, filters = self.configuration.rules, self.configuration.filters(self.folder.name)
        if not is_run_id(self.folder.name):
            with closing(Listing(None, "")) as listing:
                return assess(self.folder, rules, filters, listing, whole=True)
        complete = known.complete if (known := self._known()) else ""
        with closing(Listing(self._listing_path, repr(filters))) as listing:
            try:
                result = assess(self.folder, rules, filters, listing, whole=whole, complete=complete)
            except OSError as error:
                reason = f"{error.filename or self.folder}: cannot be read ({error.strerror}); correct its permissions"
                return Assessment(Verdict.UNREADABLE, reason)
            if then_send and result.verdict is Verdict.READY and result.scan is not None:
                self._save(result)
                self.sender.send(self._run_id, listing, result.scan.totals.digest, self._flag_changed_at())
        return result

    def _save(self, assessment: Assessment) -> None:
        now, known = time.time(), self._known()
        totals = assessment.scan.totals if assessment.scan else None
        same = known is not None and known.verdict == assessment.verdict
        run = Run(
            self._run_id,
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

    def _known(self) -> Run | None:
        return next((run for run in self.state.runs() if run.run_id == self._run_id), None)

    @property
    def _run_id(self) -> str:
        return printable(self.folder.name)

    @property
    def _listing_path(self) -> Path:
        return listing_path(self.configuration, self.folder.name)

    def _flag_changed_at(self) -> float:
        """The flag's time stamp; 0 where there is none."""
        wanted = self.configuration.qc.flag
        try:
            name = next((n for n in os.listdir(self.folder) if n.casefold() == wanted.casefold()), None)  # noqa: PTH208
            status = (self.folder / name).lstat() if name else None
        except OSError:
            return 0
        return status.st_mtime if status is not None and stat.S_ISREG(status.st_mode) else 0


def _first_end(transfers: list[Transfer]) -> float:
    """When the first of a run's transfers that succeeded had ended."""
    return min(each.ended_at or 0 for each in transfers if each.state is TransferState.SUCCEEDED)


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
