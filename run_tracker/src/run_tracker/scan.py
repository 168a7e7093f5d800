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
from itertools import islice
from pathlib import Path

from genomics.contracts.transfers import escape_path
from run_tracker.errors import TrackerError
from run_tracker.filters import PathFilter
from run_tracker.listing import Directory, Known, Listing, Totals

_CHUNK_BYTES = 1 << 20  # also the pipe's size, so that find goes on while a chunk is dealt with
# After less than this, what find writes next is let gather in the pipe: to be woken for each of its small writes costs
# more than the wait.
_FEW_BYTES, _GATHERING_SECONDS = 1 << 15, 0.001
# Starting points of one find together: far below what a command line may hold.
_BATCH_BYTES = 50_000
_FINDS_AT_ONCE = 2
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
    """What find tells of one directory: its files' sizes and names, subdirectories, and all else.

    Between a file's size and name is a tab, between files NUL.
    """

    path: bytes
    modified_ns: int
    files: bytes = b""
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
        self._missing: set[bytes] = set()
        self.busy: set[bytes] = set()

    def read(self, paths: Sequence[bytes]) -> Iterator[Directory]:
        """The directories at `paths`."""
        waiting = map(self._read_batch, _batches(paths))
        running = list(islice(waiting, _FINDS_AT_ONCE))
        while running:
            for batch in list(running):
                directory = next(batch, None)
                if directory is not None:
                    yield directory
                else:
                    running.remove(batch)
                    running += islice(waiting, 1)

    def scan(self, totals: Totals, ignored: set[str]) -> Scan:
        """What was found, once everything is read."""
        counted = [record for record in self._newest if _name(record[_TIME_BYTES:]).casefold() not in ignored]
        last = max(counted, default=None)
        newest = Change(float(last[:_TIME_BYTES]), _name(last[_TIME_BYTES:])) if last else None
        unreadable = [problem[1:] for problem in totals.problems if problem.startswith("!")]
        moving = [*self._moved(), *(_vanished(os.fsdecode(path)) for path in sorted(self._missing))]
        for complaint in self._complaints:
            match = _COMPLAINT.match(complaint)
            path, reason = (match["path"], match["reason"]) if match else ("find", complaint)
            if reason != "No such file or directory":
                unreadable.append(f"{path}: cannot be read ({reason}); correct its permissions or exclude it")
            elif _vanished(path) not in moving:
                moving.append(_vanished(path))
        told = tuple(problem for problem in totals.problems if not problem.startswith("!"))
        return Scan(totals, newest, tuple(unreadable), tuple(moving), told, self._read)

    def _read_batch(self, batch: Sequence[bytes]) -> Iterator[Directory]:
        with tempfile.NamedTemporaryFile(prefix="run-tracker-") as recent, tempfile.TemporaryFile() as errors:
            missing = set(batch)
            for reading in _find(self._parent, batch, self._since, recent.name, errors.fileno()):
                self._read += 1
                missing.discard(reading.path)
                yield self._directory(reading)
            errors.seek(0)
            complaints = list(filter(None, errors.read().decode("utf-8", "backslashreplace").split("\n")))
            if len(missing) == len(batch) and not all(map(_COMPLAINT.match, complaints)):
                raise TrackerError(f"find is not GNU find ({complaints[0]}); install the package findutils")
            self._missing |= missing
            self._complaints += complaints
            self.busy.update(self._note_recent(recent.name), batch if complaints else ())

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
                yield _vanished(path)

    def _directory(self, reading: _Reading) -> Directory:
        lines, sizes, problems = _manifest_lines(reading.path, reading.files)
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

    A file that somebody may read is its size, a tab and its name, ended by NUL. Directories and all else follow a
    further NUL, and have their paths.
    """
    actions = [
        *("-type", "f", "-perm", "/444", "-printf", r"%s\t%P\0"),
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
        with suppress(OSError, AttributeError):  # an administrator may have set a lower limit; macOS has no such call
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
        for segments in _split(process.stdout.fileno(), b"\0\0"):
            for segment in filter(None, segments):
                head, _, files = segment.strip(b"\0").partition(b"\0")
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
                if reading is not None and files:
                    reading.files = reading.files + b"\0" + files if reading.files else files
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
        if len(chunk) < _FEW_BYTES:
            time.sleep(_GATHERING_SECONDS)
    yield b"".join(parts).split(mark)


def _manifest_lines(directory: bytes, files: bytes) -> tuple[bytes, list[bytes], list[str]]:
    """A directory's files as manifest lines; their sizes; and what to say of names that cannot be sent."""
    fields = files.replace(b"\0", b"\t").split(b"\t")
    ended = files + b"\0"
    one_tab_each = len(fields) == 2 * files.count(b"\t") and b"\t\0" not in ended
    if one_tab_each and b"\t" not in directory and _is_plain(files) and _is_plain(directory):
        return ended.replace(b"\0", b"\n").replace(b"\t", b"\t" + directory + b"/"), fields[::2], []
    lines, sizes, problems = [], [], []
    for record in filter(None, files.split(b"\0")):
        size, name = record.split(b"\t", 1)
        if not name:  # a directory that was to be read became a file
            continue
        path = directory + b"/" + name
        try:
            lines.append(size + b"\t" + escape_path(path.decode()).encode() + b"\n")
            sizes.append(size)
        except UnicodeDecodeError:
            problems.append(f"!{path.decode('utf-8', 'backslashreplace')}: name is not UTF-8; rename or exclude it")
    return b"".join(lines), sizes, problems


def _is_plain(names: bytes) -> bool:
    """Whether a manifest writes names as they are, but for tabs."""
    return names.isascii() and not any(byte in names for byte in (b"\\", b"\n", b"\r"))


def _vanished(path: str) -> str:
    return f"{path}: vanished while the folder was listed"


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
