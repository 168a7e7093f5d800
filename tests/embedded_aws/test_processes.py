import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from embedded_aws import processes
from embedded_aws.processes import Ending, Process, kill_all


def is_gone(pid: int) -> bool:
    """Whether the process has ended; a killed one may take a moment."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def run(directory: Path, script: str, *, timeout: float | None = None, grace: float = 30.0) -> tuple[Ending, list[str]]:
    lines: list[str] = []
    process = Process(["/bin/sh", "-c", script], environment={"PATH": os.defpath}, directory=directory)
    return process.wait(output=lines.extend, timeout=timeout, grace=grace), lines


def test_output_and_errors_arrive_as_lines_of_one_stream(tmp_path: Path) -> None:
    ending, lines = run(tmp_path, "echo one; echo two >&2; printf three")
    assert ending == Ending(exit_code=0)
    assert lines == ["one", "two", "three"]


def test_lines_arrive_while_the_command_runs(tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    process = Process(["/bin/sh", "-c", "echo first; sleep 0.3; echo second"], environment={}, directory=tmp_path)
    process.wait(output=lambda lines: seen.extend((line, time.monotonic()) for line in lines))
    assert [line for line, _ in seen] == ["first", "second"]
    assert seen[1][1] - seen[0][1] > 0.2


@pytest.mark.parametrize(
    ("script", "exit_code"),
    [
        ("exit 3", 3),
        ("kill -KILL $$", 137),  # docker: 128 + 9
        ("kill -SEGV $$", 139),  # docker: 128 + 11
    ],
)
def test_exit_codes_are_reported_as_docker_reports_them(tmp_path: Path, script: str, exit_code: int) -> None:
    ending, _ = run(tmp_path, script)
    assert ending.exit_code == exit_code


def test_a_timeout_ends_the_whole_process_group(tmp_path: Path) -> None:
    ending, lines = run(tmp_path, "sleep 60 & echo $!; wait", timeout=0.2)
    assert ending == Ending(exit_code=128 + signal.SIGTERM, timed_out=True)
    assert is_gone(int(lines[0]))


def test_a_command_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    ending, _ = run(tmp_path, "trap '' TERM; while :; do sleep 0.05; done", timeout=0.2, grace=0.2)
    assert ending == Ending(exit_code=137, timed_out=True)


def test_what_the_leader_leaves_behind_is_killed_and_does_not_hold_up_its_end(tmp_path: Path) -> None:
    began = time.monotonic()
    ending, lines = run(tmp_path, "sleep 60 & echo $!")
    assert ending.exit_code == 0
    assert time.monotonic() - began < 5
    assert is_gone(int(lines[0]))


def test_only_the_given_environment_reaches_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-operator")
    lines: list[str] = []
    Process(["/usr/bin/env"], environment={"ONLY": "this"}, directory=tmp_path).wait(output=lines.extend)
    assert lines == ["ONLY=this"]


def test_a_line_longer_than_a_log_event_is_cut(tmp_path: Path) -> None:
    _, lines = run(tmp_path, "head -c 300000 /dev/zero | tr '\\0' x")
    assert [len(line) for line in lines] == [262118, 300000 - 262118]  # CloudWatch Logs: 256 KiB less 26 bytes


def test_a_command_whose_output_cannot_be_taken_is_ended(tmp_path: Path) -> None:
    def refuse(lines: list[str]) -> None:
        raise RuntimeError("the log is gone")

    process = Process(["/bin/sh", "-c", "echo one; sleep 60"], environment={"PATH": os.defpath}, directory=tmp_path)
    with pytest.raises(RuntimeError, match="the log is gone"):
        process.wait(output=refuse)
    assert is_gone(process.pid)


def test_stopping_a_process_from_another_thread(tmp_path: Path) -> None:
    process = Process(["sleep", "60"], environment={"PATH": os.defpath}, directory=tmp_path)
    threading.Timer(0.1, process.stop).start()
    assert process.wait(output=lambda _: None).exit_code == 128 + signal.SIGTERM
    process.signal(signal.SIGKILL)  # of no effect once it has ended


def test_kill_all_ends_every_process_that_still_runs_and_lets_none_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_LIVING", set())
    monkeypatch.setattr(processes, "_ending", threading.Event())
    process = Process(["sleep", "60"], environment={"PATH": os.defpath}, directory=tmp_path)
    kill_all()
    with pytest.raises(OSError, match="being stopped"):
        Process(["true"], environment={"PATH": os.defpath}, directory=tmp_path)
    assert process.wait(output=lambda _: None).exit_code == 137


def test_standard_error_can_be_kept_apart(tmp_path: Path) -> None:
    lines: list[str] = []
    with (tmp_path / "errors").open("wb") as errors:
        process = Process(
            ["/bin/sh", "-c", "echo out; echo err >&2"], environment={}, directory=tmp_path, errors=errors.fileno()
        )
        process.wait(output=lines.extend)
    assert lines == ["out"]
    assert (tmp_path / "errors").read_text() == "err\n"


def test_a_command_that_is_not_there_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Process(["no-such-program"], environment={}, directory=tmp_path)
