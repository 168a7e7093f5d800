"""Files that only grow, such as logs: from a certain size on they are put aside, and the oldest are forgotten."""

import os
import threading
from pathlib import Path

LARGEST_BYTES = 64 * 1024 * 1024
_KEPT = 3


def rotate(path: Path) -> None:
    """Put the file aside as `path.1`, that as `path.2`, and so on; what was the last is gone. Absent ones are none."""
    for number in range(_KEPT - 1, 0, -1):
        _move(path.with_name(f"{path.name}.{number}"), path.with_name(f"{path.name}.{number + 1}"))
    _move(path, path.with_name(f"{path.name}.1"))


def rotate_when_large(path: Path, *, largest_bytes: int = LARGEST_BYTES) -> None:
    """Put the file aside if it has reached its size."""
    if path.exists() and path.stat().st_size >= largest_bytes:
        rotate(path)


class RotatedFile:
    """A file that lines are appended to. One call of `append` writes one whole line, also from several threads."""

    def __init__(self, path: Path, *, largest_bytes: int = LARGEST_BYTES) -> None:
        self._path, self._largest = path, largest_bytes
        self._lock = threading.Lock()
        self._open()

    def append(self, line: bytes) -> None:
        """Write a line. On a full disk it is lost: those whose line it is are not to fail for it."""
        with self._lock:
            if self._size >= self._largest:
                os.close(self._descriptor)
                rotate(self._path)
                self._open()
            try:
                self._size += os.write(self._descriptor, line)
            except OSError:
                return

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._size = os.fstat(self._descriptor).st_size


def _move(path: Path, target: Path) -> None:
    if path.exists():
        path.replace(target)
