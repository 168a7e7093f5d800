"""Runs a command as a container engine would: its own process group, its output line by line, a definite exit code."""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.launcher.client import Launcher
from embedded_aws.launcher.messages import Command

SIGKILL_EXIT_CODE = 128 + signal.SIGKILL
_CHUNK_BYTES = 65536
_MAXIMUM_LINE_BYTES = 256 * 1024 - 26  # CloudWatch Logs: an event has at most 256 KiB, of which 26 bytes are its own

_LAUNCHER = Launcher()
_LIVING: "set[Process]" = set()
_LIVING_LOCK = threading.Lock()
_ending = threading.Event()

Output = Callable[[list[str]], None]


@dataclass(frozen=True)
class Ending:
    """How a process ended. `exit_code` as docker reports it: 128 + n when signal n ended it (SIGKILL: 137)."""

    exit_code: int
    timed_out: bool = False


class Process:
    """A started command, leader of its own process group. Standard output and error are one stream."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        errors: int | None = None,
        descriptors: Sequence[int] = (),
        cores: Iterable[int] = (),
        read_only: Iterable[Path] = (),
        launcher: Launcher = _LAUNCHER,
    ) -> None:
        """Start `command` in `directory` with `environment` and nothing else; OSError if it cannot be started.

        `errors` may be a file descriptor that takes its standard error instead. It inherits `descriptors` too. It runs
        on `cores`, by default on all that there are, and cannot write to the directories `read_only`, where this
        machine lets an ordinary user have that. Another `launcher` may have imported more than the usual one.
        """
        self._launcher = launcher
        self._deadline: float | None = None
        self._lock = threading.Lock()
        self._exit_code: int | None = None
        to_start = Command(
            argv=[str(word) for word in command],
            environment=dict(environment),
            directory=str(directory),
            cores=sorted(cores or os.sched_getaffinity(0)),
            descriptors=descriptors,
            read_only=[str(place) for place in read_only],
        )
        with _LIVING_LOCK:
            if _ending.is_set():
                raise OSError("the embedded AWS is being stopped")
            self._output, writing = os.pipe()
            try:
                self._pid = launcher.start(to_start, writing, writing if errors is None else errors, descriptors)
            except OSError:
                os.close(self._output)
                raise
            finally:
                os.close(writing)
            _LIVING.add(self)

    @property
    def output(self) -> int:
        """Descriptor of its output stream."""
        return self._output

    @property
    def pid(self) -> int:
        """Of the group's leader, and so the group's id."""
        return self._pid

    def wait(self, *, output: Output, timeout: float | None = None, grace: float = 30.0) -> Ending:
        """Hand over output lines until the leader ends, then end what it left behind; also when `output` raises.

        After `timeout` seconds the whole group gets SIGTERM, and `grace` seconds later SIGKILL.
        """
        self._deadline = None if timeout is None else time.monotonic() + timeout
        lines = Lines(output)
        timed_out = False
        leader = os.pidfd_open(self.pid)
        poll = select.poll()
        poll.register(leader, select.POLLIN)
        poll.register(self.output, select.POLLIN)
        try:
            while True:
                ready = {descriptor for descriptor, _ in poll.poll(self._milliseconds_left())}
                if leader in ready:
                    break
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    self.signal(signal.SIGKILL if timed_out else signal.SIGTERM)
                    self._deadline = None if timed_out else time.monotonic() + grace
                    timed_out = True
                if self.output in ready:
                    chunk = os.read(self.output, _CHUNK_BYTES)
                    lines.add(chunk)
                    if not chunk:
                        poll.unregister(self.output)
            exit_code = self.end()
            lines.add(drain(self.output))
            lines.end()
        finally:
            os.close(leader)
            self.end()
            self.close()
        return Ending(exit_code=exit_code, timed_out=timed_out)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing happens once it has ended."""
        with self._lock:
            if self._exit_code is None:
                _signal_group(self.pid, number)

    def stop(self, grace: float = 30.0) -> None:
        """Ask the group to end (SIGTERM); after `grace` seconds it is killed."""
        self.signal(signal.SIGTERM)
        killer = threading.Timer(grace, self.signal, [signal.SIGKILL])
        killer.daemon = True
        killer.start()

    def end(self) -> int:
        """Kill what is left of the group; the leader's exit code."""
        # Until the leader is reaped its id cannot be anybody else's, so that the right group is killed.
        with self._lock:
            if self._exit_code is None:
                _signal_group(self.pid, signal.SIGKILL)
                code = self._launcher.reap(self.pid)
                self._exit_code = code if code >= 0 else 128 - code
        with _LIVING_LOCK:
            _LIVING.discard(self)
        return self._exit_code

    def close(self) -> None:
        """Stop listening to its output."""
        if self._output >= 0:
            os.close(self._output)
            self._output = -1

    def _milliseconds_left(self) -> float | None:
        return None if self._deadline is None else max(0.0, (self._deadline - time.monotonic()) * 1000 + 1)


def kill_all() -> None:
    """Kill every group that still runs, and start no more: the instance ends, and its processes with it."""
    _ending.set()
    with _LIVING_LOCK:
        living = list(_LIVING)
    for process in living:
        process.signal(signal.SIGKILL)


class Lines:
    """Cuts a byte stream into lines, without their ends; a line too long for a log event is cut."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._rest = b""

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        *complete, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > _MAXIMUM_LINE_BYTES:
            complete.append(self._rest[:_MAXIMUM_LINE_BYTES])
            self._rest = self._rest[_MAXIMUM_LINE_BYTES:]
        self._hand_over(complete)

    def end(self) -> None:
        """Hand over what has no line end."""
        if self._rest:
            self._hand_over([self._rest])
            self._rest = b""

    def _hand_over(self, lines: list[bytes]) -> None:
        if lines:
            self._output([line.decode(errors="replace").rstrip("\r") for line in lines])


def drain(descriptor: int) -> bytes:
    """What is still in the pipe, without waiting for whoever may hold its other end."""
    os.set_blocking(descriptor, False)
    chunks = []
    try:
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            chunks.append(chunk)
    except BlockingIOError:
        pass
    finally:
        os.set_blocking(descriptor, True)
    return b"".join(chunks)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
