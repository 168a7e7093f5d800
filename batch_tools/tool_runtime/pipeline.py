"""Programs joined by pipes, without a shell: each exit status counts, and a failure is explained by its words."""

import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from batch_tools.tool_runtime.errors import ToolError

_TAIL_LINES = 20
# How a line of Java's stack traces begins, which would crowd out what went wrong.
_STACK_FRAME = "at "
# htslib looks for a reference that a CRAM names, and that it is not given, on the network and in the user's cache. It
# is to have it from the references mount, or to fail.
_NO_OTHER_REFERENCES = {"REF_PATH": os.devnull, "REF_CACHE": ""}
_log = logging.getLogger(__name__)


@dataclass
class _Program:
    """One running program of a pipeline, and the last lines that it wrote to stderr."""

    name: str
    process: subprocess.Popen[bytes]
    stderr: IO[bytes]
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))

    def listen(self) -> None:
        """Log stderr line by line, until the program closes it."""
        for line in self.stderr:
            if text := line.decode("utf-8", "replace").strip():
                if not text.startswith(_STACK_FRAME):
                    self.tail.append(text)
                _log.info("%s: %s", self.name, text)


class Pipeline:
    """Commands whose standard outputs feed the next one's standard input. A context manager: on leaving none runs on.

    The first command reads nothing, the last one's output goes to `output`, or to nowhere. `directory` is the working
    directory of all.
    """

    def __init__(self, *commands: Sequence[str | Path], directory: Path, output: Path | None = None) -> None:
        self._commands = [[str(word) for word in command] for command in commands]
        self._directory = directory
        self._output = output
        self._programs: list[_Program] = []
        self._listeners: list[threading.Thread] = []

    def __enter__(self) -> "Pipeline":
        _log.info("%s", " | ".join(" ".join(command) for command in self._commands))
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end()

    def wait(self) -> None:
        """Until all have ended. ToolError if any failed: the first in the pipe whose failure is its own."""
        for program in self._programs:
            program.process.wait()
        for listener in self._listeners:
            listener.join()
        failed = [program for program in self._programs if program.process.returncode]
        if failed:
            # A program whose reader went away dies of SIGPIPE: that is not the cause.
            causes = [program for program in failed if program.process.returncode != -signal.SIGPIPE]
            raise _explain((causes or failed)[0])

    def _start(self) -> None:
        source: IO[bytes] | int = subprocess.DEVNULL
        for position, command in enumerate(self._commands):
            last = position == len(self._commands) - 1
            target = self._target() if last else subprocess.PIPE
            try:
                process = subprocess.Popen(
                    command,
                    stdin=source,
                    stdout=target,
                    stderr=subprocess.PIPE,
                    cwd=self._directory,
                    env=_environment(),
                )
            except FileNotFoundError as error:
                raise ToolError(f"the program {command[0]} is not installed") from error
            finally:
                for stream in (source, target):
                    if not isinstance(stream, int):
                        stream.close()
            assert process.stderr is not None  # noqa: S101 - it was asked for
            program = _Program(_name(command), process, process.stderr)
            self._programs.append(program)
            listener = threading.Thread(target=program.listen, daemon=True)
            self._listeners.append(listener)
            listener.start()
            source = process.stdout or subprocess.DEVNULL

    def _target(self) -> IO[bytes] | int:
        return self._output.open("wb") if self._output else subprocess.DEVNULL

    def _end(self) -> None:
        for program in self._programs:
            if program.process.poll() is None:
                program.process.kill()
        for program in self._programs:
            program.process.wait()
        for listener in self._listeners:
            # What was interrupted as it started it cannot be waited for.
            if listener.is_alive():
                listener.join()
        for program in self._programs:
            program.stderr.close()


def run_pipeline(*commands: Sequence[str | Path], directory: Path, output: Path | None = None) -> None:
    """Run a Pipeline to its end; ToolError if any of its programs fails."""
    with Pipeline(*commands, directory=directory, output=output) as pipeline:
        pipeline.wait()


def capture(command: Sequence[str | Path], *, directory: Path) -> str:
    """What one command writes to standard output; ToolError if it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=directory, capture_output=True, stdin=subprocess.DEVNULL, env=_environment(), check=False
        )
    except FileNotFoundError as error:
        raise ToolError(f"the program {words[0]} is not installed") from error
    if done.returncode:
        raise _failure(_name(words), done.returncode, done.stderr.decode("utf-8", "replace").splitlines())
    return done.stdout.decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    return {**os.environ, **_NO_OTHER_REFERENCES}


def _name(command: Sequence[str]) -> str:
    """`samtools sort`, `bwa mem`, `fastp`: the program and its subcommand, if it has one."""
    program = Path(command[0]).name
    subcommand = command[1] if len(command) > 1 and command[1].isalpha() else ""
    return f"{program} {subcommand}".strip()


def _explain(program: _Program) -> ToolError:
    return _failure(program.name, program.process.returncode, list(program.tail))


def _failure(name: str, status: int, tail: Sequence[str]) -> ToolError:
    if status < 0:
        number = -status
        hint = " (out of memory, or stopped from outside)" if number == signal.SIGKILL else ""
        # Another attempt may well succeed; the exit status says that it was a signal, as a shell would.
        return ToolError(f"{name} was killed by {signal.Signals(number).name}{hint}", exit_code=128 + number)
    lines = [line for line in tail if line.strip()]
    complaints = [line for line in lines if any(word in line.lower() for word in ("error", "fail", "[e::"))]
    exceptions = [line for line in lines if "Exception: " in line]
    reason = (exceptions or complaints or lines or ["it said nothing"])[-1]
    return ToolError(f"{name} failed with exit status {status}: {reason[:300]}")
