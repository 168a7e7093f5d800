"""What a run folder was last found to hold, by directory: kept on disk, so that a scan repeats only what changed.

An index (SQLite) says where each directory's manifest lines are in a file beside it. Both can always be made anew.
"""

import hashlib
import os
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_SCHEMA = """
CREATE TABLE IF NOT EXISTS directory (
    path BLOB PRIMARY KEY, modified_ns INTEGER NOT NULL, quiet INTEGER NOT NULL, files INTEGER NOT NULL,
    bytes INTEGER NOT NULL, excluded INTEGER NOT NULL, start INTEGER NOT NULL,
    length INTEGER NOT NULL, children BLOB NOT NULL, problems TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS made_with (filters TEXT NOT NULL, lines TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS whole_scan (started_at REAL NOT NULL);
"""


@dataclass(frozen=True)
class Directory:
    """One directory's files as manifest lines, and its subdirectories.

    `quiet` says that it had been left alone for a while when it was read.
    """

    path: bytes
    modified_ns: int
    quiet: bool
    files: int
    size: int
    excluded: int
    children: tuple[bytes, ...]
    lines: bytes
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What is needed of a directory to see whether it must be read again."""

    modified_ns: int
    quiet: bool
    children: tuple[bytes, ...]


@dataclass(frozen=True)
class Totals:
    """A whole run. `digest` is the same while no directory's time stamp, files or bytes change."""

    files: int
    bytes: int
    excluded: int
    digest: str
    problems: tuple[str, ...]


class Listing:
    """The directories of one run. It can always be made anew: a damaged one is dropped."""

    def __init__(self, path: Path | None, filters: str) -> None:
        """Open the listing at `path`, or one that lasts as long as this object. It serves these filters only."""
        self._temporary = None if path else tempfile.TemporaryDirectory(prefix="run-tracker-")
        self._path = path or Path(self._temporary.name if self._temporary else "") / "listing.sqlite"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._filters = filters
        try:
            self._index = self._open()
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)
            self._index = self._open()
        self._lines = self._open_lines()

    def close(self) -> None:
        """Let go of the files."""
        self._index.close()
        self._lines.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def remove(self) -> None:
        """Close, and leave nothing behind."""
        name = self._lines.name
        self.close()
        Path(name).unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        old = self._lines.name
        self._lines.close()
        self._index.executescript("DELETE FROM directory; DELETE FROM made_with;")
        Path(old).unlink(missing_ok=True)
        self._lines = self._open_lines()

    def known(self) -> dict[bytes, Known]:
        """The directories of the last scan."""
        rows = self._index.execute("SELECT path, modified_ns, quiet, children FROM directory")
        return {
            path: Known(modified_ns, bool(quiet), tuple(children.split(b"\0")) if children else ())
            for path, modified_ns, quiet, children in rows
        }

    def store(self, directory: Directory) -> None:
        """Put a directory in place of what was known of it."""
        start = self._lines.tell()
        self._lines.write(directory.lines)
        self._index.execute(
            "INSERT OR REPLACE INTO directory VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                directory.path,
                directory.modified_ns,
                directory.quiet,
                directory.files,
                directory.size,
                directory.excluded,
                start,
                len(directory.lines),
                b"\0".join(directory.children),
                "\n".join(directory.problems),
            ),
        )

    def forget(self, paths: set[bytes]) -> None:
        """Directories that are no longer there."""
        self._index.executemany("DELETE FROM directory WHERE path = ?", [(path,) for path in paths])

    def disturb(self, paths: set[bytes]) -> None:
        """Directories that were not left alone after all."""
        self._index.executemany("UPDATE directory SET quiet = 0 WHERE path = ?", [(path,) for path in paths])

    def whole_at(self) -> float:
        """When the last scan began that read every directory, in seconds since the epoch; 0 for none."""
        started: float = self._index.execute("SELECT coalesce(max(started_at), 0) FROM whole_scan").fetchone()[0]
        return started

    def note_whole(self, started_at: float) -> None:
        """Every directory was read."""
        self._index.execute("DELETE FROM whole_scan")
        self._index.execute("INSERT INTO whole_scan VALUES (?)", (started_at,))

    def commit(self) -> None:
        """The scan is over."""
        self._lines.flush()
        self._index.commit()

    def totals(self) -> Totals:
        """All directories together."""
        files = size = excluded = 0
        problems, digest = list[str](), hashlib.blake2b(digest_size=16)
        for path, modified_ns, count, volume, left_out, text in self._index.execute(
            "SELECT path, modified_ns, files, bytes, excluded, problems FROM directory ORDER BY path"
        ):
            files, size, excluded = files + count, size + volume, excluded + left_out
            problems += text.split("\n") if text else []
            digest.update(path + f"\0{modified_ns}:{count}:{volume}\0".encode())
        return Totals(files, size, excluded, digest.hexdigest(), tuple(problems))

    def lines(self) -> Iterator[bytes]:
        """The manifest's lines, a directory at a time. They may be taken in another thread."""
        parts = self._index.execute("SELECT start, length FROM directory WHERE files > 0 ORDER BY path").fetchall()
        return (os.pread(self._lines.fileno(), length, start) for start, length in parts)

    def sizes(self, path: str) -> dict[str, int]:
        """Size of each file that is sent from one directory, by name."""
        row = self._index.execute("SELECT start, length FROM directory WHERE path = ?", (path.encode(),)).fetchone()
        # At line feeds alone: names may hold what else Python takes for the end of a line.
        lines = os.pread(self._lines.fileno(), row[1], row[0]).split(b"\n") if row else []
        return {line.rsplit(b"/", 1)[-1].decode(): int(line.split(b"\t", 1)[0]) for line in lines if line}

    def _open(self) -> sqlite3.Connection:
        index = sqlite3.connect(self._path)
        # What a crash may damage is made again.
        index.executescript(f"PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; {_SCHEMA}")
        return index

    def _open_lines(self) -> BinaryIO:
        row = self._index.execute("SELECT lines FROM made_with WHERE filters = ?", (self._filters,)).fetchone()
        held = self._index.execute("SELECT coalesce(max(start + length), 0) FROM directory").fetchone()[0]
        if row is not None:
            lines = self._path.with_name(row[0])
            if lines.is_file() and lines.stat().st_size >= held:
                return lines.open("ab+")
        for stale in self._path.parent.glob(f"{self._path.stem}.*.lines"):
            stale.unlink()
        self._index.executescript("DELETE FROM directory; DELETE FROM made_with;")
        name = f"{self._path.stem}.{uuid.uuid4().hex}.lines"
        self._index.execute("INSERT INTO made_with VALUES (?, ?)", (self._filters, name))
        self._index.commit()
        return self._path.with_name(name).open("ab+")
