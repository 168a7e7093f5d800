"""Runs a command to its end and says what it took, with all of its processes."""

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SAMPLED_SECONDS = 0.1
_MANY_LINES = 400


@dataclass(frozen=True)
class Measured:
    """Wall and CPU seconds; `memory_mb` is the most that all processes had together, pages they share counted in each.

    `said` is the last line of standard output.
    """

    wall: float
    cpu: float
    memory_mb: float
    said: str


class CommandFailedError(RuntimeError):
    """A command ended with an error; one line says which."""


def measure(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, timeout: float, *, discard: bool = False
) -> Measured:
    """Run a command in `directory`, its output into nothing with `discard`. CommandFailedError if it fails.

    Its memory is looked at every tenth of a second.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL if discard else output,
            stderr=errors,
            cwd=directory,
            env=dict(environment),
            start_new_session=True,
        )
        watch = _Watch(process.pid, timeout)
        watch.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            _end(process.pid)
            raise
        wall = time.perf_counter() - started
        watch.ended.set()
        watch.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        said = output.read().decode("utf-8", "replace").strip().splitlines()[-_MANY_LINES:]
        if process.returncode:
            reason = errors.read().decode("utf-8", "replace").strip().splitlines() or said or ["it said nothing"]
            late = f"took more than {timeout:.0f} s" if watch.timed_out else reason[-1]
            raise CommandFailedError(f"{' '.join(command[:4])}: {late}")
    # Either misses some: the kernel what nobody waited for, as a JVM, the watch the end of each process.
    cpu = max(watch.cpu, used.ru_utime + used.ru_stime)
    return Measured(wall, cpu, max(watch.most, used.ru_maxrss * 1024) / 1e6, said[-1] if said else "")


class _Watch(threading.Thread):
    """Adds up memory and CPU seconds of a process and all below it, and ends them when their time is up."""

    def __init__(self, pid: int, timeout: float) -> None:
        super().__init__(daemon=True)
        self._pid, self._deadline = pid, time.monotonic() + timeout
        self._cpu: dict[int, float] = {}
        self.ended = threading.Event()
        self.most, self.timed_out = 0, False

    @property
    def cpu(self) -> float:
        """Seconds of user and system together, as last seen of each process."""
        return sum(self._cpu.values())

    def run(self) -> None:
        """Look every tenth of a second."""
        while not self.ended.wait(_SAMPLED_SECONDS):
            processes = _family(self._pid)
            self.most = max(self.most, sum(map(self._look, processes)))
            if time.monotonic() > self._deadline:
                self.timed_out = True
                _end(self._pid)

    def _look(self, process: psutil.Process) -> int:
        """Bytes that it has in memory."""
        try:
            with process.oneshot():
                times = process.cpu_times()
                self._cpu[process.pid] = times.user + times.system
                return int(process.memory_info().rss)
        except psutil.Error:
            return 0


def _end(pid: int) -> None:
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
