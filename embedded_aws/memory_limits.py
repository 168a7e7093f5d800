"""Memory limits of running commands, as a container's: one thread looks at all of them, ten times a second.

What counts is what the processes of a command's session hold in memory, pages that they share counted once (PSS). Files
that the kernel has cached for them do not count. A command that takes memory and ends between two looks is not seen.
"""

import contextlib
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.processes import Process

PERIOD_SECONDS = 0.1
# A process that is just being started shares its parent's memory, and looks as if it had as much itself.
_DOUBT_SECONDS = 0.005
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SESSION_FIELD = 3  # of /proc/<pid>/stat, counted behind the command's name


@dataclass
class Limit:
    """Of one command; `exceeded` is set when it has been killed for it."""

    process: Process
    limit_bytes: int
    exceeded: bool = False


class _Watch:
    def __init__(self) -> None:
        self._limits: dict[int, Limit] = {}
        self._sessions: dict[int, int] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, limit: Limit) -> None:
        with self._changed:
            self._limits[limit.process.pid] = limit
            # Seen before it led one, it would never be found.
            self._sessions.pop(limit.process.pid, None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="memory-limits", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, limit: Limit) -> None:
        with self._changed:
            self._limits.pop(limit.process.pid, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._limits:
                    self._changed.wait()
                limits = dict(self._limits)
                members = self._members()
            for session, limit in limits.items():
                if self._is_over(limit, members[session]):
                    limit.exceeded = True
                    limit.process.signal(signal.SIGKILL)
                    self.remove(limit)
            time.sleep(PERIOD_SECONDS)

    def _members(self) -> dict[int, list[int]]:
        """Processes by session. A process's session is read once: it does not change, but by a way out of its limit."""
        processes = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 (ten times faster)
        known = self._sessions
        self._sessions = {pid: known[pid] if pid in known else _session(pid) for pid in processes}
        members: dict[int, list[int]] = defaultdict(list)
        for pid, session in self._sessions.items():
            members[session].append(pid)
        return members

    def _is_over(self, limit: Limit, members: list[int]) -> bool:
        # What is resident is read faster than what is shared, and never less.
        if sum(map(_resident, members)) <= limit.limit_bytes or sum(map(_proportional, members)) <= limit.limit_bytes:
            return False
        time.sleep(_DOUBT_SECONDS)
        return sum(map(_proportional, members)) > limit.limit_bytes


_watch = _Watch()


def watch(process: Process, limit_bytes: int) -> Limit:
    """From now on, the session that `process` leads is killed when it has more than `limit_bytes` in memory."""
    limit = Limit(process, limit_bytes)
    _watch.add(limit)
    return limit


def release(limit: Limit) -> None:
    """Look no longer: the process has ended."""
    _watch.remove(limit)


@contextlib.contextmanager
def limited(process: Process, limit_bytes: int) -> Iterator[Limit]:
    """Inside, the session that `process` leads is watched."""
    limit = watch(process, limit_bytes)
    try:
        yield limit
    finally:
        release(limit)


def _session(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_SESSION_FIELD])
    except (OSError, IndexError, ValueError):
        return 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
