"""From a copy of the launcher to the command: everything about it that must be so before its first instruction."""

import dataclasses
import fcntl
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from embedded_aws.launcher import interpreter, process_title, read_only
from embedded_aws.launcher.messages import Command

_STANDARD = (1, 2)


@dataclass
class Start:
    """A copy that has been made. In the copy, `pid` is 0.

    `report` is a pipe that the copy closes when it has become the command, and else writes to why it cannot.
    """

    pid: int
    command: Command
    descriptors: list[int]
    report: int

    def refusal(self) -> tuple[int, str, str] | None:
        """Wait until the copy has become the command; else OSError's arguments."""
        with os.fdopen(self.report, "rb") as stream:
            said = stream.read()
        return tuple(json.loads(said)) if said else None

    def become(self) -> None:
        """In the copy: be the command. Returns if the command is a Python program, and at its end."""
        command = self.command
        try:
            os.setsid()
            os.sched_setaffinity(0, command.cores)
            self._arrange_descriptors()
            os.chdir(command.directory)
            read_only.protect(command.read_only)
        except OSError as error:
            self._refuse(error, command.directory)
        program = interpreter.parse(command.argv, command.environment)
        if program is None:
            self._replace()
        os.close(self.report)
        os.environ.clear()
        os.environ.update(command.environment)
        # Nothing reads any more what the launcher was started with.
        process_title.take(command.argv, command.environment)
        program.run()

    def _replace(self) -> NoReturn:
        # Python ignores these; a program expects to be ended by them.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execvpe(self.command.argv[0], list(self.command.argv), self.command.environment)  # noqa: S606  (a program of its own, by its path)
        except OSError as error:
            self._refuse(error, self.command.argv[0])

    def _refuse(self, error: OSError, about: str) -> NoReturn:
        os.write(self.report, json.dumps([error.errno, error.strerror, about]).encode())
        os._exit(127)

    def _arrange_descriptors(self) -> None:
        targets = (*_STANDARD, *self.command.descriptors)
        # First out of each other's way: one may have the number that another is to get.
        lowest = max(targets) + 1
        moved = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, lowest) for number in (*self.descriptors, self.report)]
        close((*self.descriptors, self.report))
        *sources, self.report = moved
        for source, target in zip(sources, targets, strict=True):
            os.dup2(source, target)
        close(sources)


def fork(command: Command, descriptors: list[int]) -> Start:
    """Make a copy of this process; both have a Start."""
    if command.read_only and not read_only.is_possible():
        command = dataclasses.replace(command, read_only=())
    reading, writing = os.pipe()
    pid = os.fork()
    mine, others = (writing, reading) if pid == 0 else (reading, writing)
    os.close(others)
    return Start(pid, command, descriptors, mine)


def close(descriptors: Sequence[int]) -> None:
    """Close all."""
    for descriptor in descriptors:
        os.close(descriptor)
