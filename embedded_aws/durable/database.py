"""The one SQLite database of an instance: rows of JSON under explicit keys, readable by every later version.

WAL with synchronous=NORMAL: a commit is in the system's page cache when the call returns, which survives the death of
the process at any moment; only when the log is folded into the database is the disk waited for. A crash of the whole
machine may lose the last commits, never the database.
"""

import base64
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FILE = "state.sqlite"
# Raised with every change after which older code would misread the rows.
FORMAT = 1
_BYTES = "base64"
_SCHEMA = """
create table about (name text primary key, value text not null) without rowid;
create table documents (
  kind text not null, owner text not null, name text not null, document text not null, primary key (kind, owner, name)
);
create table objects (
  number integer primary key, bucket text not null, key text not null, version text not null,
  document text not null, file text, bytes blob
);
create index objects_by_key on objects (bucket, key, version);
create table parts (
  number integer primary key, bucket text not null, upload text not null, part integer not null,
  document text not null, file text, bytes blob
);
create index parts_by_upload on parts (bucket, upload, part);
"""


class StateError(RuntimeError):
    """The data directory cannot be used; the message says why in one line."""


class NotKeptError(RuntimeError):
    """Something could not be written to disk, and so was not acknowledged; the message says why in one line."""


class Database:
    """One connection that every thread shares, one at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Also for whoever restores something: with a lock of their own they could wait for each other.
        self.alone = threading.RLock()
        self._connection = sqlite3.connect(directory / FILE, check_same_thread=False, isolation_level=None)

    @classmethod
    def open(cls, directory: Path, *, account: str, region: str) -> "Database":
        """The database in `directory`, made if absent. Raises StateError where it cannot be read, or is another's."""
        try:
            database = cls(directory)
            database._prepare({"format": str(FORMAT), "account": account, "region": region})
        except sqlite3.Error as error:
            raise StateError(f"{directory / FILE} cannot be used: {error}") from error
        return database

    def _prepare(self, about: dict[str, str]) -> None:
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        with self.transaction():
            if not self.rows("select 1 from sqlite_master where name = 'about'"):
                for statement in _SCHEMA.split(";"):
                    self.execute(statement)
                for name, value in about.items():
                    self.execute("insert into about values (?, ?)", (name, value))
        found = dict(self.rows("select name, value from about"))
        if int(found["format"]) > FORMAT:
            raise StateError(
                f"{self.directory} was written by a newer version (format {found['format']}, this one reads {FORMAT});"
                " use that version, or another directory with --data"
            )
        for name in ("account", "region"):
            if found[name] != about[name]:
                raise StateError(
                    f"{self.directory} holds the data of {name} {found[name]}, not {about[name]};"
                    " choose another directory with --data"
                )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside."""
        with self.alone:
            self._connection.execute("begin immediate")
            try:
                yield
                self._connection.execute("commit")
            except BaseException:
                # A full disk may have ended the transaction already.
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Carry out one statement; the number of the row it added, if it did."""
        with self.alone:
            return self._connection.execute(statement, values).lastrowid or 0

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """What a query finds."""
        with self.alone:
            return self._connection.execute(statement, values).fetchall()

    def put(self, kind: str, owner: str, name: str, document: Any) -> None:
        """Keep a JSON document under a kind, what it belongs to, and its own name."""
        self.execute(
            "insert into documents values (?, ?, ?, ?)"
            " on conflict (kind, owner, name) do update set document = excluded.document",
            (kind, owner, name, written(document)),
        )

    def remove(self, kind: str, owner: str, name: str | None = None) -> None:
        """Forget one document, or all of an owner."""
        which, values = ("", (kind, owner)) if name is None else (" and name = ?", (kind, owner, name))
        self.execute(f"delete from documents where kind = ? and owner = ?{which}", values)  # noqa: S608 two constants

    def documents(self, kind: str, owner: str | None = None) -> list[tuple[str, str, Any]]:
        """Owner, name and content of all documents of a kind, in the order in which they came."""
        which, values = ("", (kind,)) if owner is None else (" and owner = ?", (kind, owner))
        query = f"select owner, name, document from documents where kind = ?{which} order by rowid"  # noqa: S608
        return [(owner, name, read(document)) for owner, name, document in self.rows(query, values)]

    def close(self) -> None:
        """Fold the log into the database and let go of both."""
        with self.alone:
            self._connection.close()


def written(document: Any) -> str:
    """A document as the database has it: JSON, in which bytes are `{"base64": text}`."""
    return json.dumps(document, separators=(",", ":"), default=_as_json)


def read(text: str) -> Any:
    """What `written` was given."""
    return json.loads(text, object_hook=_as_python)


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be kept")


def _as_python(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[_BYTES]) if value.keys() == {_BYTES} else value


_opened: list[Database] = []


def use(database: Database | None) -> None:
    """Keep everything in `database` from now on; in nothing with None."""
    _opened[:] = [database] if database else []


def current() -> Database | None:
    """The instance's database; None in a process that keeps nothing."""
    return _opened[0] if _opened else None


def opened() -> Database:
    """The instance's database, where there must be one."""
    return _opened[0]
