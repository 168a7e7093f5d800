"""Wherever the tracker is killed, the next one comes to the same end, and DataSync runs once.

The tracker is forked, and ends itself (os._exit: nothing is flushed, closed or rolled back) before a chosen line or
at a chosen side effect. Then it is run again, as after a reboot.
"""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
import botocore.httpsession
import pytest
from run_tracker.state import State

import run_tracker
from tests.run_tracker.conftest import Lab
from tests.run_tracker.run_folders import BASE_CALLS, SEQUENCERS, make_run_folder

NEXTSEQ = SEQUENCERS[1]
PACKAGE = str(Path(run_tracker.__file__).parent)
KILLED = 137
# Every statement of these is a point of its own; the others only read.
COMMITTING = ("sending.py", "data_sync.py", "manifest.py", "state.py", "lock.py", "watch.py")


class _Killer:
    """Ends the process at the nth point; with none, counts them."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self.points = 0

    def point(self) -> None:
        self.points += 1
        self._left -= 1
        if self._left == 0:
            os._exit(KILLED)

    def trace_lines(self, files: tuple[str, ...] | None) -> None:
        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            file = frame.f_code.co_filename
            if not file.startswith(PACKAGE) or (files and not file.endswith(files)):
                return None
            if event == "line":
                self.point()
            return trace

        sys.settrace(trace)

    def guard_effects(self) -> None:
        """A point before and after everything that the outside can see."""
        for owner, name in (
            (botocore.httpsession.URLLib3Session, "send"),
            (os, "fsync"),
            (Path, "replace"),
            (Path, "unlink"),
            *((State, method) for method in ("save_run", "intend", "note_try", "note_start", "note_end", "note_space")),
        ):
            setattr(owner, name, self._around(getattr(owner, name)))

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            self.point()
            result = call(*arguments, **named)
            self.point()
            return result

        return guarded


def _forked(lab: Lab, prepare: Callable[[_Killer], None], nth: int) -> int | None:
    """Run one pass in a process that is killed at its nth point; the number of points if it was not."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        killer = _Killer(nth)
        try:
            prepare(killer)
            lab.watch()
            sys.settrace(None)
            os.write(writer, str(killer.points).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as stream:
        answer = stream.read()
    assert os.waitstatus_to_exitcode(status) in (0, KILLED), f"the tracker failed at point {nth}"
    return int(answer) if answer else None


def _lands(lab: Lab) -> None:
    make_run_folder(lab.landing, NEXTSEQ, reads=(1,), lanes=1)
    (lab.landing / NEXTSEQ.run_id / BASE_CALLS / "L002").mkdir()


def _again(lab: Lab) -> None:
    """As before any tracker ran."""
    shutil.rmtree(lab.configuration.state_folder, ignore_errors=True)
    lab.service.executions.clear()
    lab.service.objects.clear()


def _comes_to_the_same_end(lab: Lab, where: str) -> None:
    lab.watch()
    assert len(lab.service.executions) == 1, where
    assert lab.only().state == "TRANSFERRING", where
    assert list(lab.service.objects) == [f"/sequencing/manifests/{NEXTSEQ.run_id}/1.tsv.gz"], where
    lab.service.end()
    lab.watch()
    assert (lab.only().state, len(lab.service.executions)) == ("SENT", 1), where
    with sqlite3.connect(lab.configuration.state_folder / "state.sqlite") as database:
        states = database.execute("SELECT generation, attempt, state FROM transfer").fetchall()
    assert states == [(1, 1, "SUCCEEDED")], where


def _kill_everywhere(lab: Lab, prepare: Callable[[_Killer], None], step: int = 1) -> int:
    boto3.client("datasync", "eu-west-1")  # its model is read once, before the forks
    _lands(lab)
    points = _forked(lab, prepare, 0)
    assert points is not None
    for nth in range(1, points + 1, step):
        _again(lab)
        _forked(lab, prepare, nth)
        _comes_to_the_same_end(lab, f"killed at point {nth} of {points}")
    return points


def test_killed_before_and_after_every_side_effect(lab: Lab) -> None:
    points = _kill_everywhere(lab, _Killer.guard_effects)
    # At least: manifest written and put, intent, try, list, start, execution noted.
    assert points >= 20


def test_killed_again_and_again_between_side_effects(lab: Lab) -> None:
    boto3.client("datasync", "eu-west-1")
    _lands(lab)
    for nth in range(1, 12):
        _forked(lab, _Killer.guard_effects, nth)
    _comes_to_the_same_end(lab, "killed eleven times")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_before_every_line_that_commits(lab: Lab) -> None:
    assert _kill_everywhere(lab, lambda killer: killer.trace_lines(COMMITTING)) > 150


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_before_every_fortieth_line_of_all(lab: Lab) -> None:
    assert _kill_everywhere(lab, lambda killer: killer.trace_lines(None), step=40) > 500


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_before_every_line_that_commits_while_following(lab: Lab) -> None:
    """The pass that finds the execution ended, killed at each line."""
    boto3.client("datasync", "eu-west-1")
    _lands(lab)
    lab.watch()
    lab.service.end()
    before = lab.root / "before"
    shutil.copytree(lab.configuration.state_folder, before)
    lines = _forked(lab, lambda killer: killer.trace_lines(COMMITTING), 0)
    assert lines
    for nth in range(1, lines + 1):
        shutil.rmtree(lab.configuration.state_folder)
        shutil.copytree(before, lab.configuration.state_folder)
        _forked(lab, lambda killer: killer.trace_lines(COMMITTING), nth)
        lab.watch()
        assert (lab.only().state, len(lab.service.executions)) == ("SENT", 1), nth
