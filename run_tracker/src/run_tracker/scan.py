"""Lists a run folder: level by level, each directory's files by GNU find, which is several times faster than Python.

Directories that are unchanged since the last scan are not read again, unless a scan is `whole`. Nothing is done per
file but what find does and what a few passes over the bytes of a directory do.
"""

import fcntl
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from genomics.contracts.transfers import escape_path
from run_tracker.errors import TrackerError
from run_tracker.filters import PathFilter
from run_tracker.listing import Directory, Known, Listing, Totals

_CHUNK_BYTES = 1 << 20  # also the pipe's size, so that find goes on while a chunk is dealt with
# Starting points of one find together: far below what a command line may hold.
_BATCH_BYTES = 100_000
# A directory is taken as unchanged by its time stamp only if that had been older than this when it was read: clients
# of a file server may see it that late.
_QUIET_SECONDS = 60.0
# Enough to say what is wrong.
_MOST_PROBLEMS = 20
_MOST_RECHECKED_FILES = 1000
_OTHER_KINDS = {"l": "symbolic link", "p": "named pipe", "s": "socket", "b": "device", "c": "device"}
_COMPLAINT = re.compile(r"find: '(?P<path>.*)': (?P<reason>[^:]+)$")
_TIME_BYTES = 21  # %C@ has ten digits before the point until the year 2286, and ten after it


@dataclass(frozen=True)
class Change:
    """A file's last change: when, in seconds since the epoch, and which."""

    at: float
    path: str


@dataclass(frozen=True)
class Scan:
    """What a run folder holds.

    `newest` is the latest change, if there is one within the time that was asked about. `unreadable` keeps a run from
    being sent, `moving` says that it is still being written, `not_sent` is told only. `directories_read` counts those
    that were not taken from the last scan.
    """

    totals: Totals
    newest: Change | None
    unreadable: tuple[str, ...]
    moving: tuple[str, ...]
    not_sent: tuple[str, ...]
    directories_read: int


@dataclass
class _Reading:
    """What find tells of one directory: its files' lines (NUL between them), subdirectories, and all else."""

    path: bytes
    modified_ns: int
    lines: bytes = b""
    children: list[bytes] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)


def scan_run(
    folder: Path,
    listing: Listing,
    filters: PathFilter,
    *,
    whole: bool,
    changed_within_seconds: float,
    ignored_changes: frozenset[str] = frozenset(),
) -> Scan:
    """List a run folder into `listing`. Changes of the files at its top named `ignored_changes` do not count."""
    started = time.time()
    if whole:
        listing.clear()
    known = listing.known()
    gone = set(known)
    scanner = _Scanner(folder.parent, filters, started, changed_within_seconds)
    level = [os.fsencode(folder.name)]
    while level:
        unchanged = [path for path in level if path in known and _unchanged(folder.parent, path, known[path])]
        below = [child for path in unchanged for child in known[path].children]
        gone.difference_update(unchanged)
        for directory in scanner.read(sorted(set(level).difference(unchanged))):
            listing.store(directory)
            below += directory.children
            gone.discard(directory.path)
        level = below
    listing.forget(gone)
    listing.disturb(scanner.busy)
    if whole:
        listing.note_whole(started)
    listing.commit()
    ignored = {f"{folder.name}/{name}".casefold() for name in ignored_changes}
    return scanner.scan(listing.totals(), ignored)


class _Scanner:
    def __init__(self, parent: Path, filters: PathFilter, started: float, changed_within_seconds: float) -> None:
        self._parent = parent
        self._filters = filters
        self._patterns = filters.file_patterns()
        self._quiet_since = started - _QUIET_SECONDS
        self._since = min(started - changed_within_seconds, self._quiet_since)
        self._complaints: list[str] = []
        self._recent: list[bytes] = []
        self._newest: list[bytes] = []
        self._read = 0
        self.busy: set[bytes] = set()

    def read(self, paths: Sequence[bytes]) -> Iterator[Directory]:
        """The directories at `paths`."""
        for batch in _batches(paths):
            with tempfile.NamedTemporaryFile(prefix="run-tracker-") as recent, tempfile.TemporaryFile() as errors:
                for reading in _find(self._parent, batch, self._since, recent.name, errors.fileno()):
                    self._read += 1
                    yield self._directory(reading)
                errors.seek(0)
                complaints = errors.read().decode("utf-8", "backslashreplace").split("\n")
                self._complaints += filter(None, complaints)
                self.busy.update(self._note_recent(recent.name), batch if any(complaints) else ())

    def scan(self, totals: Totals, ignored: set[str]) -> Scan:
        """What was found, once everything is read."""
        counted = [record for record in self._newest if _name(record[_TIME_BYTES:]).casefold() not in ignored]
        last = max(counted, default=None)
        newest = Change(float(last[:_TIME_BYTES]), _name(last[_TIME_BYTES:])) if last else None
        unreadable = [problem[1:] for problem in totals.problems if problem.startswith("!")]
        moving = list(self._moved())
        for complaint in self._complaints:
            match = _COMPLAINT.match(complaint)
            path, reason = (match["path"], match["reason"]) if match else ("find", complaint)
            if reason == "No such file or directory":
                moving.append(f"{path}: vanished while the folder was listed")
            else:
                unreadable.append(f"{path}: cannot be read ({reason}); correct its permissions or exclude it")
        told = tuple(problem for problem in totals.problems if not problem.startswith("!"))
        return Scan(totals, newest, tuple(unreadable), tuple(moving), told, self._read)

    def _note_recent(self, name: str) -> set[bytes]:
        """Read what changed lately; gives the directories it lies in."""
        busy: set[bytes] = set()
        with Path(name).open("rb") as stream:
            for parts in _split(stream.fileno(), b"\0"):
                records = [part for part in parts if part]
                allowed = [record for record in records if self._counts(record)]
                busy.update(record[_TIME_BYTES : record.rindex(b"/")].split(b"\t", 1)[1] for record in records)
                # A directory at the top may hold a file whose change does not count: keep several.
                self._newest = sorted([*self._newest, *allowed])[-_MOST_PROBLEMS:]
                self._recent += allowed[: _MOST_RECHECKED_FILES - len(self._recent)]
        return busy

    def _counts(self, record: bytes) -> bool:
        line = record[_TIME_BYTES:]
        if self._filters.includes and not self._filters.included(_inside(line)):
            return False
        return not any(literal in line and pattern.fullmatch(_slash(line)) for literal, pattern in self._patterns)

    def _moved(self) -> Iterator[str]:
        for record in self._recent:
            size, name = record[_TIME_BYTES:].split(b"\t", 1)
            path = os.fsdecode(name)
            try:
                if (self._parent / path).lstat().st_size != int(size):
                    yield f"{path}: grew while the folder was listed"
            except OSError:
                yield f"{path}: vanished while the folder was listed"

    def _directory(self, reading: _Reading) -> Directory:
        lines, sizes, problems = _manifest_lines(reading.lines)
        listed = len(sizes)
        sent = self._sent(lines)
        if sent is not None:
            lines = b"".join(sent)
            sizes = [line.split(b"\t", 1)[0] for line in sent]
        problems += [_other(record) for record in reading.others if not self._excludes_other(record)]
        return Directory(
            path=reading.path,
            modified_ns=reading.modified_ns,
            quiet=not problems and reading.modified_ns < self._quiet_since * 1e9,
            files=len(sizes),
            size=sum(map(int, sizes)),
            excluded=listed - len(sizes),
            children=tuple(sorted(path for path in reading.children if self._enters(path))),
            lines=lines,
            problems=tuple(sorted(problems)[:_MOST_PROBLEMS]),
        )

    def _sent(self, lines: bytes) -> list[bytes] | None:
        """Those lines whose files the filters leave in; None for all."""
        suspects = [pattern for literal, pattern in self._patterns if literal in lines]
        if not suspects and not self._filters.includes:
            return None
        kept = [line for line in lines.splitlines(keepends=True) if not _any_matches(suspects, line)]
        return [line for line in kept if self._filters.included(_inside(line.rstrip(b"\n")))]

    def _enters(self, path: bytes) -> bool:
        inside = _inside(path)
        return not self._filters.excluded(inside) and self._filters.may_include_below(inside)

    def _excludes_other(self, record: bytes) -> bool:
        inside = _inside(record.split(b"\t", 1)[1])
        return self._filters.excluded(inside) or not self._filters.included(inside)


def _find(parent: Path, batch: Sequence[bytes], since: float, recent: str, errors: int) -> Iterator[_Reading]:
    """Let find tell of directories, one after the other. Files changed after `since` also go to the file `recent`.

    A file that somebody may read is its manifest line, ended by NUL. Directories and all else follow a further NUL.
    """
    actions = [
        *("-type", "f", "-perm", "/444", "-printf", r"%s\t%p\0"),
        *("(", "-newerct", f"@{since:.3f}", "-fprintf", recent, r"%C@%s\t%p\0", "-o", "-true", ")"),
        *("-o", "-type", "d", "-printf", r"\0d%T@\t%p\0"),
        *("-o", "-printf", r"\0%y%m\t%p\0"),
    ]
    try:
        process = subprocess.Popen(
            ["find", *batch, "-maxdepth", "1", "(", *actions, ")"],
            cwd=parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise TrackerError("GNU find is not installed; install the package findutils") from error
    wanted = set(batch)
    reading: _Reading | None = None
    with process:
        assert process.stdout is not None  # noqa: S101 a pipe was asked for
        with suppress(OSError):  # an administrator may have set a lower limit
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
        for segments in _split(process.stdout.fileno(), b"\0\0"):
            for segment in filter(None, segments):
                head, _, lines = segment.strip(b"\0").partition(b"\0")
                kind, path = head.split(b"\t", 1)
                if not kind.startswith(b"d"):
                    if reading is not None:
                        reading.others.append(head)
                elif path not in wanted:
                    if reading is not None:
                        reading.children.append(path)
                else:
                    if reading is not None:
                        yield reading
                    reading = _Reading(path, _nanoseconds(kind[1:]))
                if reading is not None and lines:
                    reading.lines = reading.lines + b"\0" + lines if reading.lines else lines
    if reading is not None:
        yield reading


def _split(descriptor: int, mark: bytes) -> Iterator[list[bytes]]:
    """What can be read from a descriptor, cut at `mark`, in lists; without copying a long part again and again."""
    parts: list[bytes] = []
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        parts.append(chunk)
        if mark in chunk:
            *whole, rest = b"".join(parts).split(mark)
            parts = [rest]
            yield whole
    yield b"".join(parts).split(mark)


def _manifest_lines(records: bytes) -> tuple[bytes, list[bytes], list[str]]:
    """Files as find tells of them, as manifest lines; their sizes; and what to say of names that cannot be sent."""
    fields = records.replace(b"\0", b"\t").split(b"\t")
    plain = records.isascii() and not any(byte in records for byte in (b"\\", b"\n", b"\r"))
    if plain and len(fields) == 2 * records.count(b"\t"):
        return records.replace(b"\0", b"\n") + b"\n", fields[::2], []
    lines, sizes, problems = [], [], []
    for record in filter(None, records.split(b"\0")):
        size, path = record.split(b"\t", 1)
        try:
            lines.append(size + b"\t" + escape_path(path.decode()).encode() + b"\n")
            sizes.append(size)
        except UnicodeDecodeError:
            problems.append(f"!{path.decode('utf-8', 'backslashreplace')}: name is not UTF-8; rename or exclude it")
    return b"".join(lines), sizes, problems


def _other(record: bytes) -> str:
    """What to say of a record that is no file to be sent. A leading `!` marks what must be put right."""
    head, name = record.split(b"\t", 1)
    path, kind = name.decode("utf-8", "backslashreplace"), chr(head[0])
    if kind == "f":
        return f"!{path}: nobody may read it (mode {head[1:].decode()}); correct its permissions or exclude it"
    return f"{path}: is a {_OTHER_KINDS.get(kind, 'special file')}, which DataSync does not bring to S3"


def _unchanged(parent: Path, path: bytes, before: Known) -> bool:
    try:
        return before.quiet and (parent / os.fsdecode(path)).lstat().st_mtime_ns == before.modified_ns
    except OSError:
        return False


def _batches(paths: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    length = 0
    for path in paths:
        if batch and length + len(path) > _BATCH_BYTES:
            yield batch
            batch, length = [], 0
        batch.append(path)
        length += len(path) + 1
    if batch:
        yield batch


def _any_matches(patterns: Sequence["re.Pattern[bytes]"], line: bytes) -> bool:
    return any(pattern.fullmatch(_slash(line.rstrip(b"\n"))) for pattern in patterns)


def _slash(line: bytes) -> bytes:
    """A line's path as patterns see it."""
    return b"/" + line.split(b"\t", 1)[1]


def _nanoseconds(text: bytes) -> int:
    seconds, _, fraction = text.partition(b".")
    return int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0"))


def _name(line: bytes) -> str:
    return os.fsdecode(line.split(b"\t", 1)[1])


def _inside(line: bytes) -> str:
    """A path without the run folder's name; of a line, its path."""
    return os.fsdecode(line.split(b"\t", 1)[-1]).partition("/")[2]
