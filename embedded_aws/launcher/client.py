"""The launcher as the embedded AWS's own process uses it."""

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedded_aws.launcher import messages
from embedded_aws.launcher.messages import Command

_ROOT = Path(__file__).parents[2]
# The program overwrites these, in the processes that it becomes, with their own command line and environment.
_ROOM = " " * 16384
_ROOMY_ENVIRONMENT = {f"ROOM_{number}": _ROOM for number in range(4)}


class Launcher:
    """Starts processes and collects their ends. It ends with the process that made it.

    `imports` names installed modules that its programs find imported, beside boto3.
    """

    def __init__(self, imports: Sequence[str] = ()) -> None:
        self._imports = imports
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def start(self, command: Command, output: int, errors: int, descriptors: Sequence[int] = ()) -> int:
        """Start a process that leads a session of its own, and writes to `output` and `errors`; its id.

        It inherits `descriptors`, under the numbers that the command has for them. OSError if it cannot be started.
        """
        with self._lock:
            channel = self._started()
            try:
                messages.send(channel, dataclasses.asdict(command), (output, errors, *descriptors))
                answer = self._answer(channel)
            except (OSError, EOFError) as error:
                self._give_up()
                raise OSError("the process that starts others has ended") from error
        if refused := answer.get("refused"):
            raise OSError(*refused)
        return int(answer["pid"])

    def reap(self, pid: int) -> int:
        """Wait for the end of a process that was started here: its exit code, negative when a signal ended it.

        Until then its id is not given to another process.
        """
        with self._lock, contextlib.suppress(OSError, EOFError):
            if self._channel is not None:
                messages.send(self._channel, {"reap": pid})
                return os.waitstatus_to_exitcode(self._answer(self._channel)["status"])
        return -9  # the launcher was killed, and nobody can say how its processes end

    def _started(self) -> socket.socket:
        if self._program is not None and self._program.poll() is not None:
            self._give_up()
        if self._channel is None:
            here, there = socket.socketpair()
            with there:
                environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
                self._program = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "embedded_aws.launcher.program"),
                        *(str(there.fileno()), ",".join(self._imports), _ROOM),
                    ],
                    cwd=_ROOT,
                    env={"LANG": "C.UTF-8", **environment, **_ROOMY_ENVIRONMENT},
                    pass_fds=[there.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self._channel = here
        return self._channel

    def _give_up(self) -> None:
        if self._channel is not None and self._program is not None:
            self._channel.close()
            self._program.kill()
            self._program.wait()
        self._channel = self._program = None

    @staticmethod
    def _answer(channel: socket.socket) -> dict[str, Any]:
        answer, _ = messages.receive(channel)
        return answer
