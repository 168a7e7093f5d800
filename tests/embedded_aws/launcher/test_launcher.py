"""What the launcher gives a process beside its program, and what happens when it is not there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from embedded_aws.launcher import read_only
from embedded_aws.launcher.client import Launcher
from embedded_aws.launcher.messages import Command
from tests.embedded_aws.test_processes import is_gone


@pytest.fixture
def launcher() -> Launcher:
    return Launcher()


def start(launcher: Launcher, directory: Path, *argv: str, **more: object) -> tuple[int, int]:
    """A process, and the end of a pipe that it writes to."""
    reading, writing = os.pipe()
    command = Command(argv, {"PATH": os.defpath}, str(directory), sorted(os.sched_getaffinity(0)), **more)  # type: ignore[arg-type]
    try:
        return launcher.start(command, writing, writing), reading
    finally:
        os.close(writing)


def read(descriptor: int) -> str:
    with os.fdopen(descriptor) as stream:
        return stream.read()


def test_a_program_that_is_not_there_is_refused_by_its_name(launcher: Launcher, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        start(launcher, tmp_path, "no-such-program")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        start(launcher, tmp_path / "nowhere", "true")
    (tmp_path / "not-executable").touch()
    with pytest.raises(PermissionError):
        start(launcher, tmp_path, str(tmp_path / "not-executable"))
    pid, output = start(launcher, tmp_path, "echo", "still there")
    assert (launcher.reap(pid), read(output)) == (0, "still there\n")


def test_descriptors_keep_their_numbers_whatever_is_in_their_place(launcher: Launcher, tmp_path: Path) -> None:
    pipes = [os.pipe() for _ in range(5)]
    given = [writing for _, writing in pipes]
    script = " ".join(f"echo {number} >&{number};" for number in given)
    reading, writing = os.pipe()
    command = Command(["bash", "-c", script], {"PATH": os.defpath}, str(tmp_path), [0], given)
    # Crosswise: each has at first a number that another one is to get.
    pid = launcher.start(command, writing, writing, given[::-1])
    for descriptor in (*given, writing):
        os.close(descriptor)
    assert launcher.reap(pid) == 0
    assert [read(end) for end, _ in pipes] == [f"{number}\n" for number in given[::-1]]
    assert read(reading) == ""


def test_nothing_else_is_open(launcher: Launcher, tmp_path: Path) -> None:
    pid, output = start(launcher, tmp_path, "ls", "/proc/self/fd")
    # The last is the directory that is listed.
    assert (read(output).split(), launcher.reap(pid)) == (["0", "1", "2", "3"], 0)


@pytest.mark.skipif(not read_only.is_possible(), reason="this machine gives no mount namespaces to ordinary users")
@pytest.mark.parametrize("program", [["touch"], [sys.executable, "-c", "import sys; open(sys.argv[1], 'w')"]])
def test_a_protected_directory_is_so_to_programs_of_both_kinds(
    launcher: Launcher, tmp_path: Path, program: list[str]
) -> None:
    closed, opened = tmp_path / "closed", tmp_path / "open"
    for place in (closed, opened):
        place.mkdir()
    for place, is_written in ((closed, False), (opened, True)):
        pid, output = start(launcher, tmp_path, *program, str(place / "x"), read_only=[str(closed)])
        assert (launcher.reap(pid) == 0) is is_written
        assert ("Read-only file system" in read(output)) is not is_written
    assert [path.name for path in tmp_path.rglob("x")] == ["x"]


def test_it_ends_with_the_process_that_made_it(tmp_path: Path) -> None:
    script = """
import os, sys
from embedded_aws.launcher.client import Launcher
from embedded_aws.launcher.messages import Command
launcher = Launcher()
launcher.start(Command(["sleep", "0"], dict(os.environ), "/", [0]), 1, 2)
print(launcher._program.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert is_gone(int(ended.stdout))


def test_one_that_was_killed_is_replaced(launcher: Launcher, tmp_path: Path) -> None:
    pid, output = start(launcher, tmp_path, "sleep", "60")
    program = psutil.Process(pid).parent()
    assert program is not None
    program.kill()
    program.wait()
    os.kill(pid, signal.SIGKILL)
    # How that one ended nobody can say: as killed ones do.
    assert launcher.reap(pid) == -signal.SIGKILL
    assert read(output) == ""
    pid, output = start(launcher, tmp_path, "echo", "again")
    assert (launcher.reap(pid), read(output)) == (0, "again\n")
