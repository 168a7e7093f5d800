"""Lists a run folder: level by level, each directory's files by GNU find.

Directories that are unchanged since the last scan are not read again, unless a scan is `whole`. Nothing is done per
file but what find does and what a few passes over the bytes of a directory do.
"""

import os
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from genomics.contracts.transfers import escape_path
from run_tracker.errors import TrackerError
from run_tracker.filters import PathFilter
from run_tracker.find import TIME_BYTES, Find, Reading, batches
from run_tracker.listing import Directory, Known, Listing, Totals

_FINDS_AT_ONCE = 3
# A directory is taken as unchanged by its time stamp only if that had been older than this when it was read: clients
# of a file server may see it that late.
_QUIET_SECONDS = 60.0
# Enough to say what is wrong.
_MOST_PROBLEMS = 20
_MOST_RECHECKED_FILES = 1000
_OTHER_KINDS = {"l": "symbolic link", "p": "named pipe", "s": "socket", "b": "device", "c": "device"}
_COMPLAINT = re.compile(r"find: '(?P<path>.*)': (?P<reason>[^:]+)$")


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
        """The directories at `paths`. While those of one find are dealt with, the next finds are under way."""
        waiting = (Find(self._parent, batch, self._since) for batch in batches(paths))
        running = deque[Find]()
        try:
            running += islice(waiting, _FINDS_AT_ONCE)
            while running:
                yield from self._directories(running[0])
                running.popleft().close()
                running += islice(waiting, 1)
        finally:
            for find in running:
                find.close()

    def scan(self, totals: Totals, ignored: set[str]) -> Scan:
        """What was found, once everything is read."""
        counted = [record for record in self._newest if _name(record[TIME_BYTES:]).casefold() not in ignored]
        last = max(counted, default=None)
        newest = Change(float(last[:TIME_BYTES]), _name(last[TIME_BYTES:])) if last else None
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

    def _directories(self, find: Find) -> Iterator[Directory]:
        missing = set(find.directories)
        for reading in find.readings():
            self._read += 1
            missing.discard(reading.path)
            yield self._directory(reading)
        complaints = find.complaints()
        if len(missing) == len(find.directories) and not all(map(_COMPLAINT.match, complaints)):
            raise TrackerError(f"find is not GNU find ({complaints[0]}); install the package findutils")
        self._missing |= missing
        self._complaints += complaints
        self.busy.update(self._note_recent(find), find.directories if complaints else ())

    def _note_recent(self, find: Find) -> set[bytes]:
        """Take what changed lately; gives the directories it lies in."""
        busy: set[bytes] = set()
        for records in find.recent():
            allowed = [record for record in records if self._counts(record)]
            busy.update(record[TIME_BYTES : record.rindex(b"/")].split(b"\t", 1)[1] for record in records)
            # A directory at the top may hold a file whose change does not count: keep several.
            self._newest = sorted([*self._newest, *allowed])[-_MOST_PROBLEMS:]
            self._recent += allowed[: _MOST_RECHECKED_FILES - len(self._recent)]
        return busy

    def _counts(self, record: bytes) -> bool:
        line = record[TIME_BYTES:]
        if self._filters.includes and not self._filters.included(_inside(line)):
            return False
        return not any(literal in line and pattern.fullmatch(_slash(line)) for literal, pattern in self._patterns)

    def _moved(self) -> Iterator[str]:
        for record in self._recent:
            size, name = record[TIME_BYTES:].split(b"\t", 1)
            path = os.fsdecode(name)
            try:
                if (self._parent / path).lstat().st_size != int(size):
                    yield f"{path}: grew while the folder was listed"
            except OSError:
                yield _vanished(path)

    def _directory(self, reading: Reading) -> Directory:
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


def _any_matches(patterns: Sequence["re.Pattern[bytes]"], line: bytes) -> bool:
    return any(pattern.fullmatch(_slash(line.rstrip(b"\n"))) for pattern in patterns)


def _slash(line: bytes) -> bytes:
    """A line's path as patterns see it."""
    return b"/" + line.split(b"\t", 1)[1]


def _name(line: bytes) -> str:
    return os.fsdecode(line.split(b"\t", 1)[1])


def _inside(line: bytes) -> str:
    """A path without the run folder's name; of a line, its path."""
    return os.fsdecode(line.split(b"\t", 1)[-1]).partition("/")[2]
