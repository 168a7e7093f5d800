"""`status` says where every run stands, how long the landing folder lasts, and what is overdue; `check` judges one."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from click.testing import CliRunner, Result
from run_tracker.cli import cli
from run_tracker.space import bytes_per_day
from run_tracker.state import opened
from run_tracker.watch import database_path

from tests.run_tracker.conftest import Lab
from tests.run_tracker.run_folders import SEQUENCERS, make_run_folder

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
HOUR, DAY = 3600, 86400


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def _age(folder: Path, hours: float) -> None:
    """Let a run have completed some time ago."""
    for path in folder.iterdir():
        if "complete" in path.name.casefold():
            os.utime(path, (time.time() - hours * HOUR,) * 2)


def test_every_run_is_shown_with_its_reason(lab: Lab) -> None:
    make_run_folder(lab.landing, SEQUENCERS[0])
    make_run_folder(lab.landing, SEQUENCERS[1], flag=None)
    make_run_folder(lab.landing, SEQUENCERS[2], state="running")
    lab.watch()
    shown = run("status", "--config", lab.config)
    assert shown.exit_code == 0, shown.output
    lines = {line.split()[0]: line for line in shown.output.splitlines() if line}
    assert "TRANSFERRING" in lines[SEQUENCERS[0].run_id]
    assert "AWAITING_QC" in lines[SEQUENCERS[1].run_id]
    assert "put an empty file 'qc' into it" in lines[SEQUENCERS[1].run_id]
    assert "CopyComplete.txt is not there yet" in lines[SEQUENCERS[2].run_id]
    assert "too early to say" in lines[f"{lab.landing}:"]


def test_json_holds_the_same(lab: Lab) -> None:
    make_run_folder(lab.landing, SEQUENCERS[0])
    lab.watch()
    report = json.loads(run("status", "--config", lab.config, "--json").output)
    (shown,) = report["runs"]
    assert (shown["run_id"], shown["state"], shown["attempts"]) == (SEQUENCERS[0].run_id, "TRANSFERRING", 1)
    assert report["space"]["free"] > 0
    assert (report["oldest_unsent"]["run_id"], report["alarms"]) == (SEQUENCERS[0].run_id, [])


def test_the_oldest_unsent_run_past_the_rpo_raises_an_alarm_that_is_told_once(lab: Lab) -> None:
    lab.configure(f'[alarms]\nrpo_hours = 24\nsns_topic_arn = "{TOPIC}"')
    for sequencer, hours in ((SEQUENCERS[0], 30), (SEQUENCERS[3], 10)):
        _age(make_run_folder(lab.landing, sequencer, flag=None), hours)
    lab.watch()
    lab.watch()
    shown = run("status", "--config", lab.config)
    assert shown.exit_code == 3
    assert f"oldest unsent run: {SEQUENCERS[0].run_id}, complete for 30 h (RPO 24 h)" in shown.output
    assert f"ALARM: {SEQUENCERS[0].run_id} is complete for 30 hours and not sent (RPO 24 hours)" in shown.output
    (message,) = lab.service.published
    assert SEQUENCERS[0].run_id in parse_qs(message)["Subject"][0]
    (lab.landing / SEQUENCERS[0].run_id / "qc").touch()
    lab.watch()
    lab.service.end()
    lab.watch()
    assert run("status", "--config", lab.config).exit_code == 0


def test_a_run_that_cannot_be_read_is_overdue_from_when_it_was_first_seen(lab: Lab) -> None:
    lab.configure(f'[alarms]\nrpo_hours = 24\nsns_topic_arn = "{TOPIC}"')
    folder = make_run_folder(lab.landing, SEQUENCERS[0])
    (folder / "RunInfo.xml").write_text("<RunInfo><Run")
    lab.watch()
    assert (lab.only().state, lab.service.published) == ("UNREADABLE", [])
    with opened(database_path(lab.configuration)) as state:
        (seen,) = state.runs()
        state.save_run(replace(seen, first_seen=seen.first_seen - 30 * HOUR))
    lab.watch()
    (message,) = lab.service.published
    assert f"{folder.name} is unreadable for 30 hours and not sent (RPO 24 hours)" in parse_qs(message)["Message"][0]
    assert f"oldest unsent run: {folder.name}, unreadable for 30 h" in run("status", "--config", lab.config).output


def test_alarms_are_told_though_the_landing_folder_is_gone(lab: Lab) -> None:
    lab.configure(f'[alarms]\nsns_topic_arn = "{TOPIC}"')
    lab.landing.rmdir()
    assert run("watch", "--once", "--config", lab.config).exit_code == 1
    (message,) = lab.service.published
    assert "cannot be reached (No such file or directory); mount it" in parse_qs(message)["Message"][0]


def test_failed_and_aborted_runs_are_not_overdue(lab: Lab) -> None:
    lab.configure("[alarms]\nrpo_hours = 1")
    for sequencer, state in ((SEQUENCERS[1], "failed"), (SEQUENCERS[0], "aborted")):
        _age(make_run_folder(lab.landing, sequencer, state=state), 5)
    lab.watch()
    assert run("status", "--config", lab.config).exit_code == 0


def test_a_landing_folder_that_fills_up_raises_an_alarm(lab: Lab) -> None:
    lab.configure("[alarms]\ndays_until_full = 365")
    lab.watch()
    with opened(database_path(lab.configuration)) as state:
        now = time.time()
        (_, used), *_ = state.space(0)
        state.note_space(now - 2 * DAY, used - 10**14)
    shown = run("status", "--config", lab.config)
    assert shown.exit_code == 3
    assert "days if nothing is deleted" in shown.output


@pytest.mark.parametrize(
    ("observations", "rate"),
    [
        ([(0, 0), (DAY, 100)], 100),
        # What is deleted does not count.
        ([(0, 0), (DAY, 100), (2 * DAY, 20), (4 * DAY, 120)], 50),
        ([(0, 100), (DAY, 50)], None),
        ([(0, 0), (60, 100)], None),
        ([(0, 5)], None),
        ([], None),
    ],
)
def test_the_rate_is_what_comes_in(observations: list[tuple[float, int]], rate: float | None) -> None:
    assert bytes_per_day(observations) == rate


def test_check_tells_the_verdict_by_its_exit_code(lab: Lab) -> None:
    folder = make_run_folder(lab.landing, SEQUENCERS[0])
    (folder / "sheet").symlink_to("qc")
    ready = run("check", folder, "--config", lab.config)
    assert (ready.exit_code, "READY" in ready.output, "sheet: is a symbolic link" in ready.output) == (0, True, True)
    waiting = run("check", folder, "--json")
    assert (waiting.exit_code, json.loads(waiting.output)["verdict"]) == (3, "SETTLING")
    assert lab.service.executions == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "/no/such/run"], "error: /no/such/run: is no folder; name a run folder\n"),
        (["status", "--config", "/no.toml"], "error: /no.toml: there is no such file; name one with --config\n"),
        (
            ["watch", "--once", "--config", "/no.toml"],
            "error: /no.toml: there is no such file; name one with --config\n",
        ),
    ],
)
def test_errors_are_one_line(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (1, message)


def test_watch_without_a_landing_folder_is_one_line(lab: Lab) -> None:
    lab.landing.rmdir()
    result = run("watch", "--once", "--config", lab.config)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: {lab.landing}: landing folder cannot be reached (No such file or directory); mount it or correct it\n"
    )
