"""Drives GNU find, which lists directories several times faster than Python does."""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from run_tracker.errors import TrackerError

_CHUNK_BYTES = 1 << 20  # also the pipe's size, so that a find goes on while others are dealt with
# Starting points of one find together: what it tells of directories of some hundred files then fits in its pipe.
_BATCH_BYTES = 15_000
TIME_BYTES = 21  # %C@ has ten digits before the point until the year 2286, and ten after it


@dataclass
class Reading:
    """What find tells of one directory: its files' sizes and names, subdirectories, and all else.

    Between a file's size and name is a tab, between files NUL.
    """

    path: bytes
    modified_ns: int
    files: bytes = b""
    children: list[bytes] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)


class Find:
    """A find over some directories, their subdirectories not entered. It is under way from the start on."""

    def __init__(self, parent: Path, directories: Sequence[bytes], since: float) -> None:
        """Start it in `parent`. Files changed after `since` (seconds since the epoch) are told apart, too.

        A file that somebody may read is its size, a tab and its name, ended by NUL. Directories and all else follow a
        further NUL, and have their paths. Raises TrackerError where there is no find.
        """
        self.directories = directories
        self._recent = tempfile.NamedTemporaryFile(prefix="run-tracker-")  # noqa: SIM115 closed by close
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 closed by close
        actions = [
            *("-type", "f", "-perm", "/444", "-printf", r"%s\t%P\0"),
            *("(", "-newerct", f"@{since:.3f}", "-fprintf", self._recent.name, r"%C@%s\t%p\0", "-o", "-true", ")"),
            *("-o", "-type", "d", "-printf", r"\0d%T@\t%p\0"),
            *("-o", "-printf", r"\0%y%m\t%p\0"),
        ]
        try:
            self._process = subprocess.Popen(
                ["find", *directories, "-maxdepth", "1", "(", *actions, ")"],
                cwd=parent,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, "LC_ALL": "C"},
            )
        except FileNotFoundError as error:
            raise TrackerError("GNU find is not installed; install the package findutils") from error
        assert self._process.stdout is not None  # noqa: S101 a pipe was asked for
        self._told = self._process.stdout.fileno()
        with suppress(OSError, AttributeError):  # an administrator may have set a lower limit; macOS has no such call
            fcntl.fcntl(self._told, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)

    def readings(self) -> Iterator[Reading]:
        """The directories, one after the other."""
        wanted = set(self.directories)
        reading: Reading | None = None
        for segments in _split(self._told, b"\0\0"):
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
                    reading = Reading(path, _nanoseconds(kind[1:]))
                if reading is not None and files:
                    reading.files = reading.files + b"\0" + files if reading.files else files
        if reading is not None:
            yield reading

    def recent(self) -> Iterator[list[bytes]]:
        """Files that changed lately, once all is read: their time (TIME_BYTES), size, a tab, and path."""
        for records in _split(self._recent.fileno(), b"\0"):
            yield [record for record in records if record]

    def complaints(self) -> list[str]:
        """What find says on its standard error, once all is read."""
        self._process.wait()
        self._errors.seek(0)
        return [line for line in self._errors.read().decode("utf-8", "backslashreplace").split("\n") if line]

    def close(self) -> None:
        """Let go of it. It ends, if it has not."""
        with self._recent, self._errors, self._process:
            pass


def batches(paths: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Paths for one find each, far below what a command line may hold."""
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


def _nanoseconds(text: bytes) -> int:
    seconds, _, fraction = text.partition(b".")
    return int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0"))
