"""Ends what an instance has left running, also when it was killed and could end nothing itself.

Every process of an instance carries the instance's data directory in its environment, and so does whatever it starts.
Nothing has to be written down for that, no process id can have changed its owner, and a process that has left its
group or its session is found all the same.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "EMBEDDED_AWS_DATA"
_POLL_SECONDS = 0.01


def mark(data: Path) -> dict[str, str]:
    """The variable that makes a process one of the instance on `data`."""
    return {VARIABLE: str(data.absolute())}


def end(data: Path, *, timeout_seconds: float = 10) -> bool:
    """Kill every process of the instance on `data` but this one, and wait until all are gone; whether they are."""
    entry = os.fsencode(f"{VARIABLE}={data.absolute()}")
    deadline = time.monotonic() + timeout_seconds
    # Again and again: a process may start another while it is being looked for.
    while found := list(_processes(entry)):
        for pid in found:
            _kill(pid, entry)
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _processes(entry: bytes) -> Iterator[int]:
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and int(directory.name) != os.getpid() and _has(int(directory.name), entry):
            yield int(directory.name)


def _has(pid: int, entry: bytes) -> bool:
    # Of a process that has ended, or is somebody else's, there is nothing to read.
    try:
        return entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _kill(pid: int, entry: bytes) -> None:
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            # The descriptor stands for one process, which may not be the one that had this number before.
            if _has(pid, entry):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
