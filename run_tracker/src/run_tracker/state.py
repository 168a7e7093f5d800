"""What the tracker knows, in SQLite: every run with its reason, and every transfer from the intent to its outcome.

Each change is one transaction that is on the disk before the next step is taken, so that a tracker that is killed
between any two steps finds out what it was about to do.
"""

import enum
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from run_tracker.errors import TrackerError

_VERSION = 2
_SCHEMA = """
CREATE TABLE run (
    run_id TEXT PRIMARY KEY, platform TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
    since REAL NOT NULL, first_seen REAL NOT NULL, completed_at REAL, files INTEGER, bytes INTEGER, digest TEXT,
    complete TEXT NOT NULL DEFAULT '', present INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE transfer (
    run_id TEXT NOT NULL, generation INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL,
    manifest_digest TEXT NOT NULL, listing_digest TEXT NOT NULL, flag_at REAL NOT NULL, intended_at REAL NOT NULL,
    tried_at REAL NOT NULL, execution_arn TEXT UNIQUE, ended_at REAL, reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, generation, attempt)
);
CREATE UNIQUE INDEX one_open_transfer ON transfer (run_id) WHERE state IN ('INTENDED', 'STARTED');
CREATE TABLE execution (arn TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE space (observed_at REAL PRIMARY KEY, used INTEGER NOT NULL);
CREATE TABLE alarm (name TEXT PRIMARY KEY, message TEXT NOT NULL, raised_at REAL NOT NULL, told INTEGER NOT NULL);
"""
_SPACE_DAYS = 30


class TransferState(enum.StrEnum):
    """From the decision to start an execution to its end."""

    INTENDED = "INTENDED"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    GIVEN_UP = "GIVEN_UP"
    """Failed as often as it may."""

    @property
    def is_open(self) -> bool:
        """An execution may be under way."""
        return self in (TransferState.INTENDED, TransferState.STARTED)


@dataclass(frozen=True)
class Run:
    """A run folder as it was last judged. Times in seconds since the epoch; `files` and `bytes` are what is sent."""

    run_id: str
    platform: str
    verdict: str
    reason: str
    since: float
    first_seen: float
    completed_at: float | None = None
    files: int | None = None
    bytes: int | None = None
    digest: str | None = None
    complete: str = ""
    present: bool = True


@dataclass(frozen=True)
class Transfer:
    """One attempt to send one generation of a run. `flag_at` is the QC flag's time stamp then; 0 where there was none.

    `reason` says why it does not go on; of one that succeeded, why what came since is not sent.
    """

    run_id: str
    generation: int
    attempt: int
    state: TransferState
    manifest_digest: str
    listing_digest: str
    flag_at: float
    intended_at: float
    tried_at: float
    execution_arn: str | None = None
    ended_at: float | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        """What sets it apart from all others."""
        return f"{self.run_id}/{self.generation}/{self.attempt}"


_RUN_FIELDS = tuple(Run.__dataclass_fields__)
_TRANSFER_FIELDS = tuple(Transfer.__dataclass_fields__)
_RUN_COLUMNS = ", ".join(_RUN_FIELDS)
_TRANSFER_COLUMNS = ", ".join(_TRANSFER_FIELDS)


class State:
    """The tracker's database."""

    def __init__(self, path: Path) -> None:
        """Open the database, and make it if there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(path, isolation_level=None, timeout=60)
            # Every commit waits for the disk: an intent must outlive a power cut.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            with self._transaction():
                version = self._database.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in filter(str.strip, _SCHEMA.split(";")):
                        self._database.execute(statement)
                    self._database.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error as error:
            raise TrackerError(f"{path}: cannot be used ({error}); restore it from a copy, or move it away") from error
        if version not in (0, _VERSION):
            raise TrackerError(f"{path}: was written by another version of run-tracker; install that one")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def runs(self) -> list[Run]:
        """Every run that was ever seen, by name."""
        rows = self._database.execute(f"SELECT {_RUN_COLUMNS} FROM run ORDER BY run_id")  # noqa: S608 own columns
        return [Run(**{**dict(zip(_RUN_FIELDS, row, strict=True)), "present": bool(row[-1])}) for row in rows]

    def save_run(self, run: Run) -> None:
        """Record what was found of a run."""
        marks = ", ".join("?" * len(_RUN_FIELDS))
        values = [getattr(run, name) for name in _RUN_FIELDS]
        self._database.execute(f"INSERT OR REPLACE INTO run ({_RUN_COLUMNS}) VALUES ({marks})", values)  # noqa: S608

    def transfers(self, run_id: str | None = None) -> list[Transfer]:
        """Transfers of a run, or of all, in the order in which they were intended."""
        rows = self._database.execute(
            f"SELECT {_TRANSFER_COLUMNS} FROM transfer WHERE ?1 IS NULL OR run_id = ?1"  # noqa: S608 own columns
            " ORDER BY run_id, generation, attempt",
            (run_id,),
        )
        return [
            Transfer(**{**dict(zip(_TRANSFER_FIELDS, row, strict=True)), "state": TransferState(row[3])})
            for row in rows
        ]

    def intend(self, transfer: Transfer) -> None:
        """Record that an execution is about to be started. A run has one open transfer at most."""
        marks = ", ".join("?" * len(_TRANSFER_FIELDS))
        values = [getattr(transfer, name) for name in _TRANSFER_FIELDS]
        self._database.execute(f"INSERT INTO transfer ({_TRANSFER_COLUMNS}) VALUES ({marks})", values)  # noqa: S608

    def note_try(self, transfer: Transfer, at: float) -> None:
        """Record that DataSync is about to be asked."""
        self._update(transfer, "tried_at = ?", at)

    def note_start(self, transfer: Transfer, execution_arn: str) -> None:
        """Record the execution of an intended transfer."""
        self._update(transfer, "state = 'STARTED', execution_arn = ?", execution_arn)

    def note_end(self, transfer: Transfer, state: TransferState, reason: str, at: float) -> None:
        """Record the outcome."""
        self._update(transfer, "state = ?, reason = ?, ended_at = ?", state, reason, at)

    def note_listing(self, transfer: Transfer, listing_digest: str) -> None:
        """Record that a listing that differs holds nothing but what was sent."""
        self._update(transfer, "listing_digest = ?", listing_digest)

    def note_reason(self, transfer: Transfer, reason: str) -> None:
        """Record a transfer's `reason`."""
        self._update(transfer, "reason = ?", reason)

    def executions(self) -> dict[str, str]:
        """The executions whose tags were read: ARN -> name of the transfer, or nothing where it is not ours."""
        return dict(self._database.execute("SELECT arn, name FROM execution"))

    def note_execution(self, arn: str, name: str) -> None:
        """Remember an execution's tags, which never change."""
        self._database.execute("INSERT OR REPLACE INTO execution VALUES (?, ?)", (arn, name))

    def note_space(self, at: float, used: int) -> None:
        """Record how much of the landing folder's file system is used, in bytes."""
        with self._transaction():
            self._database.execute("DELETE FROM space WHERE observed_at < ?", (at - _SPACE_DAYS * 86400,))
            self._database.execute("INSERT OR REPLACE INTO space VALUES (?, ?)", (at, used))

    def space(self, since: float) -> list[tuple[float, int]]:
        """When how many bytes were used."""
        query = "SELECT observed_at, used FROM space WHERE observed_at >= ? ORDER BY observed_at"
        return list(self._database.execute(query, (since,)))

    def raise_alarms(self, alarms: dict[str, str], at: float) -> None:
        """Make these, by name, the alarms that stand."""
        with self._transaction():
            standing = {name for (name,) in self._database.execute("SELECT name FROM alarm")}
            for name in standing - set(alarms):
                self._database.execute("DELETE FROM alarm WHERE name = ?", (name,))
            for name, message in alarms.items():
                self._database.execute(
                    "INSERT INTO alarm VALUES (?, ?, ?, 0) ON CONFLICT (name) DO UPDATE SET message = excluded.message",
                    (name, message, at),
                )

    def untold_alarms(self) -> dict[str, str]:
        """Alarms that nobody was told of yet."""
        return dict(self._database.execute("SELECT name, message FROM alarm WHERE told = 0 ORDER BY name"))

    def note_told(self, names: list[str]) -> None:
        """Somebody was told of these alarms."""
        self._database.executemany("UPDATE alarm SET told = 1 WHERE name = ?", [(name,) for name in names])

    def _update(self, transfer: Transfer, changes: str, *values: object) -> None:
        self._database.execute(
            f"UPDATE transfer SET {changes} WHERE run_id = ? AND generation = ? AND attempt = ?",  # noqa: S608 own text
            (*values, transfer.run_id, transfer.generation, transfer.attempt),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


@contextmanager
def opened(path: Path) -> Iterator[State]:
    """The database at `path`, closed in the end."""
    with closing(State(path)) as state:
        yield state
