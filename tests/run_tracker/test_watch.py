"""A pass over the landing folder sends what is ready, once, and follows it to its end."""

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from run_tracker.errors import TrackerError
from run_tracker.lock import AlreadyAtWork, exclusive

from genomics.contracts.transfers import ATTEMPT_TAG, GENERATION_TAG, RUN_TAG, read_files, read_header
from run_tracker import scan, watch
from tests.run_tracker.conftest import Lab
from tests.run_tracker.run_folders import SEQUENCERS, make_run_folder

MISEQ = SEQUENCERS[0]


def _manifest(lab: Lab, generation: int = 1) -> list[str]:
    body = lab.service.objects[f"/sequencing/manifests/{MISEQ.run_id}/{generation}.tsv.gz"]
    header, *lines = gzip.decompress(body).decode().removesuffix("\n").split("\n")
    assert read_header(header).generation == generation
    return [file.path for file in read_files(lines)]


def test_a_ready_run_is_sent_once_with_its_filters_tags_and_manifest(lab: Lab) -> None:
    folder = make_run_folder(lab.landing, MISEQ)
    lab.watch()
    lab.watch()
    (execution,) = lab.service.executions
    # DataSync User Guide, "Specifying what DataSync transfers by using filters": /dir matches a folder and its content.
    assert execution["Includes"] == [{"FilterType": "SIMPLE_PATTERN", "Value": f"/{MISEQ.run_id}"}]
    assert "*/Thumbnail_Images" in execution["Excludes"][0]["Value"].split("|")
    tags = {tag["Key"]: tag["Value"] for tag in execution["Tags"]}
    assert tags == {RUN_TAG: MISEQ.run_id, GENERATION_TAG: "1", ATTEMPT_TAG: "1"}
    files = {str(path.relative_to(lab.landing)) for path in folder.rglob("*") if path.is_file()}
    unwanted = {path for path in files if "/Thumbnail_Images/" in path or "/Logs/" in path}
    assert len(unwanted) == 2
    assert sorted(_manifest(lab)) == sorted(files - unwanted)
    assert lab.only().state == "TRANSFERRING"
    lab.service.end()
    lab.watch()
    lab.watch()
    assert lab.only().state == "SENT"
    assert len(lab.service.executions) == 1


def test_a_run_without_the_flag_waits_for_it(lab: Lab) -> None:
    folder = make_run_folder(lab.landing, MISEQ, flag=None)
    lab.watch()
    assert (lab.only().state, lab.service.executions) == ("AWAITING_QC", [])
    (folder / "QC").touch()
    lab.watch()
    assert len(lab.service.executions) == 1


def test_two_processes_at_once_start_one_execution(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ)
    command = [sys.executable, "-m", "run_tracker.cli", "watch", "--config", str(lab.config), "--once"]
    command[1:3] = ["-c", "from run_tracker.cli import cli; cli()"]
    trackers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [tracker.communicate(timeout=60)[0] for tracker in trackers]
    assert [tracker.returncode for tracker in trackers] == [0, 0], outputs
    assert len(lab.service.executions) == 1


def test_a_second_tracker_leaves_at_once_while_one_is_at_work(lab: Lab) -> None:
    with exclusive(lab.configuration.state_folder / "lock"), pytest.raises(AlreadyAtWork):
        lab.watch()


def test_a_lost_answer_does_not_start_a_second_execution(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ)
    lab.service.misfortune = "lose_answer"
    lab.watch()
    assert lab.only().state == "STARTING"
    lab.service.misfortune = ""
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "TRANSFERRING")


def test_not_being_allowed_to_look_does_not_start_a_second_execution(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ)
    lab.service.misfortune = "lose_answer"
    lab.watch()
    lab.service.misfortune = "deny"
    lab.watch()
    assert (lab.only().state, "ExpiredTokenException" in lab.only().reason) == ("STARTING", True)
    lab.service.misfortune = ""
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "TRANSFERRING")


def test_an_execution_that_is_listed_late_is_waited_for(lab: Lab) -> None:
    lab.configure(datasync="")
    lab.config.write_text(lab.config.read_text().replace("confirm_minutes = 0", "confirm_minutes = 5"))
    make_run_folder(lab.landing, MISEQ)
    lab.service.misfortune = "lose_answer"
    lab.watch()
    lab.service.misfortune = "hide"
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "STARTING")
    lab.service.misfortune = ""
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "TRANSFERRING")


def test_a_lost_state_database_does_not_start_a_second_execution(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ)
    lab.watch()
    (lab.configuration.state_folder / "state.sqlite").unlink()
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "TRANSFERRING")


def test_tags_are_read_once_per_execution(lab: Lab) -> None:
    for sequencer in SEQUENCERS[:3]:
        make_run_folder(lab.landing, sequencer)
    lab.watch()
    lab.watch()
    assert len(lab.service.executions) == 3
    assert lab.service.tag_requests == 2


def test_a_failed_execution_is_tried_again_and_then_reported(lab: Lab) -> None:
    folder = make_run_folder(lab.landing, MISEQ)
    lab.configure(datasync="max_attempts = 3")
    for _ in range(8):
        lab.watch()
        lab.service.end("ERROR", ErrorCode="AgentOffline", ErrorDetail="no agent")
    assert [_tag(e, ATTEMPT_TAG) for e in lab.service.executions] == ["1", "2", "3"]
    assert {_tag(e, GENERATION_TAG) for e in lab.service.executions} == {"1"}
    run = lab.only()
    assert run.state == "TRANSFER_FAILED"
    assert "AgentOffline no agent" in run.reason
    _put_anew(folder)
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (4, "TRANSFERRING")
    lab.service.end("ERROR")
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (5, "TRANSFERRING")


def test_a_failed_execution_is_not_tried_again_before_its_time(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ)
    lab.config.write_text(lab.config.read_text().replace("retry_minutes = 0", "retry_minutes = 10"))
    lab.watch()
    lab.service.end("ERROR")
    lab.watch()
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "RETRYING")


def test_what_datasync_refuses_is_asked_again_and_counts_as_no_attempt(lab: Lab) -> None:
    lab.configure(datasync="max_attempts = 1")
    make_run_folder(lab.landing, MISEQ)
    lab.service.misfortune = "refuse"
    for _ in range(3):
        lab.watch()
    assert lab.only().state == "RETRYING"
    assert "the task is busy" in lab.only().reason
    lab.service.misfortune = ""
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "TRANSFERRING")


def test_a_service_that_is_down_loses_nothing(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ)
    lab.service.misfortune = "break"
    lab.watch()
    assert "try later" in lab.only().reason
    lab.service.misfortune = ""
    lab.watch()
    lab.service.misfortune = "break"
    lab.watch()
    assert lab.only().state == "TRANSFERRING"
    lab.service.misfortune = ""
    lab.service.end()
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "SENT")


def test_files_written_late_are_topped_up_and_removed_ones_are_not(lab: Lab) -> None:
    folder = make_run_folder(lab.landing, MISEQ)
    lab.watch()
    lab.service.end()
    lab.watch()
    (folder / "RunParameters.xml").unlink()
    lab.watch()
    assert len(lab.service.executions) == 1
    (folder / "InterOp/ErrorMetricsOut.bin").write_bytes(b"late")
    lab.watch()
    lab.watch()
    assert [_tag(e, GENERATION_TAG) for e in lab.service.executions] == ["1", "2"]
    assert f"{MISEQ.run_id}/InterOp/ErrorMetricsOut.bin" in _manifest(lab, 2)
    lab.service.end()
    lab.watch()
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (2, "SENT")


def _sent(lab: Lab) -> Path:
    """A run that has arrived."""
    folder = make_run_folder(lab.landing, MISEQ)
    lab.watch()
    lab.service.end()
    lab.watch()
    assert lab.only().state == "SENT"
    return folder


def _put_anew(folder: Path) -> None:
    time.sleep(0.01)
    (folder / "qc").unlink()
    (folder / "qc").touch()


def test_a_file_that_grew_in_place_is_topped_up_within_the_hour(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every directory counts as left alone, so that only a scan of all of them sees what its time stamp does not tell.
    monkeypatch.setattr(scan, "_QUIET_SECONDS", -5.0)
    folder = _sent(lab)
    with (folder / "RunInfo.xml").open("a") as document:
        document.write("<!-- late -->")
    lab.watch()
    assert len(lab.service.executions) == 1
    monkeypatch.setattr(watch, "_WHOLE_EVERY_SECONDS", 0)
    lab.watch()
    assert [_tag(e, GENERATION_TAG) for e in lab.service.executions] == ["1", "2"]
    body = gzip.decompress(lab.service.objects[f"/sequencing/manifests/{MISEQ.run_id}/2.tsv.gz"]).decode()
    assert f"{(folder / 'RunInfo.xml').stat().st_size}\t{MISEQ.run_id}/RunInfo.xml\n" in body
    lab.service.end()
    lab.watch()
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (2, "SENT")


def test_a_flag_that_is_put_anew_has_a_run_sent_again_that_was_sent(lab: Lab) -> None:
    folder = _sent(lab)
    lab.watch()
    assert len(lab.service.executions) == 1
    (folder / "qc").unlink()
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (1, "SENT")
    (folder / "qc").touch()
    lab.watch()
    assert [_tag(e, GENERATION_TAG) for e in lab.service.executions] == ["1", "2"]
    assert _manifest(lab, 2) == _manifest(lab, 1)
    lab.service.end()
    lab.watch()
    lab.watch()
    assert (len(lab.service.executions), lab.only().state) == (2, "SENT")


def test_why_a_run_is_not_sent_again_is_told_beside_its_being_sent(lab: Lab) -> None:
    folder = _sent(lab)
    (folder / "RunInfo.xml").write_text("<RunInfo><Run")
    _put_anew(folder)
    lab.watch()
    assert (lab.only().state, "not sent again: UNREADABLE: " in lab.only().reason) == ("SENT", True)
    assert len(lab.service.executions) == 1


def test_a_run_that_may_be_in_the_archive_is_not_sent_again(lab: Lab) -> None:
    folder = _sent(lab)
    with sqlite3.connect(lab.configuration.state_folder / "state.sqlite") as database:
        database.execute("UPDATE transfer SET ended_at = ended_at - 91 * 86400")
    _put_anew(folder)
    (folder / "late.txt").touch()
    lab.watch()
    assert len(lab.service.executions) == 1
    assert "more than datasync.archive_days ago is not sent again" in lab.only().reason


def test_a_lost_database_and_a_forgotten_execution_are_reported_and_nothing_is_sent_twice(lab: Lab) -> None:
    folder = _sent(lab)
    (lab.configuration.state_folder / "state.sqlite").unlink()
    lab.service.forget()
    for _ in range(3):
        lab.watch()
    assert (lab.service.executions, lab.only().state) == ([], "TRANSFER_FAILED")
    assert lab.only().reason == (
        f"s3://sequencing/manifests/{MISEQ.run_id}/1.tsv.gz lists the same files, and no transfer in the tracker's"
        " database put it there: see in the ledger whether the run has arrived; put the flag anew to try again"
    )
    _put_anew(folder)
    lab.watch()
    assert [_tag(e, GENERATION_TAG) for e in lab.service.executions] == ["2"]


def test_an_execution_that_was_forgotten_while_it_ran_is_reported_and_not_started_again(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ)
    lab.watch()
    lab.service.forget()
    for _ in range(3):
        lab.watch()
    assert (lab.service.executions, lab.only().state) == ([], "TRANSFER_FAILED")
    assert lab.only().reason.startswith("DataSync no longer knows the execution: see in the ledger")


def test_a_run_that_was_removed_is_shown_only_until_it_is_sent(lab: Lab) -> None:
    folder = make_run_folder(lab.landing, MISEQ)
    lab.watch()
    (lab.landing / "notes.txt").touch()
    shutil.rmtree(folder)
    lab.watch()
    assert lab.only().reason.endswith("(the folder is gone)")
    lab.service.end()
    lab.watch()
    assert lab.standings() == {}
    assert list((lab.configuration.state_folder / "listings").iterdir()) == []


def test_a_test_run_is_never_sent_without_a_flag(lab: Lab) -> None:
    lab.configure('[qc]\nflag_required = false\ntest_runs = ["*plate*"]')
    make_run_folder(lab.landing, MISEQ, flag=None)
    lab.watch()
    assert (lab.only().state, lab.service.executions) == ("TEST_RUN", [])
    (lab.landing / MISEQ.run_id / "qc").touch()
    lab.watch()
    assert len(lab.service.executions) == 1


def test_where_no_flag_is_required_other_runs_are_sent(lab: Lab) -> None:
    lab.configure("[qc]\nflag_required = false")
    make_run_folder(lab.landing, MISEQ, flag=None)
    lab.watch()
    assert len(lab.service.executions) == 1


def test_a_bad_run_does_not_keep_others_from_being_sent(lab: Lab) -> None:
    bad = make_run_folder(lab.landing, SEQUENCERS[3])
    (bad / "RunInfo.xml").write_text("<RunInfo><Run")
    make_run_folder(lab.landing, MISEQ)
    os.mkdir(os.fsencode(lab.landing) + b"/r\xfcn")  # noqa: PTH102 not UTF-8
    (lab.landing / "link").symlink_to(bad)
    (lab.landing / "notes.txt").touch()
    lab.watch()
    states = {name: run.state for name, run in lab.standings().items()}
    assert states == {
        bad.name: "UNREADABLE",
        MISEQ.run_id: "TRANSFERRING",
        "r\\xfcn": "UNREADABLE",
        "link": "UNREADABLE",
    }


def test_a_run_that_cannot_even_be_judged_does_not_keep_others_from_being_sent(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sequencer in (MISEQ, SEQUENCERS[3]):
        make_run_folder(lab.landing, sequencer)
    bad = min(MISEQ.run_id, SEQUENCERS[3].run_id)
    judging = watch.assess

    def assess(folder: Path, *arguments: Any, **named: Any) -> Any:
        if folder.name == bad:
            raise ValueError("no such\nthing")
        return judging(folder, *arguments, **named)

    monkeypatch.setattr(watch, "assess", assess)
    lab.watch()
    states = {name: (run.state, run.reason) for name, run in lab.standings().items()}
    assert states.pop(bad) == ("UNREADABLE", "unexpected ValueError: no such thing")
    assert [state for state, _ in states.values()] == ["TRANSFERRING"]


def test_names_with_what_python_takes_for_line_breaks_are_sent(lab: Lab) -> None:
    folder = make_run_folder(lab.landing, MISEQ)
    names = [f"InterOp/a{mark}b.bin" for mark in ("\x0b", "\x85", "\u2028")]
    base_calls = next(folder.rglob("*.bcl*")).parent
    for path in (
        *(folder / name for name in names),
        *(base_calls / f"s{mark}t" for mark in ("\x0b", "\x85", "\u2028")),
    ):
        path.write_bytes(b"x")
    lab.watch()
    assert lab.only().state == "TRANSFERRING"
    assert {f"{MISEQ.run_id}/{name}" for name in names} <= set(_manifest(lab))


def test_an_unreachable_landing_folder_is_one_line(lab: Lab) -> None:
    lab.landing.rename(lab.root / "elsewhere")
    with pytest.raises(TrackerError, match=r"landing folder cannot be reached \(No such file or directory\); mount it"):
        lab.watch()


def test_a_landing_folder_that_is_no_longer_mounted_is_told(lab: Lab) -> None:
    make_run_folder(lab.landing, MISEQ, state="running")
    lab.watch()
    lab.landing.rename(lab.root / "elsewhere")
    lab.landing.mkdir()
    with pytest.raises(TrackerError, match="is it mounted"):
        lab.watch()


def _tag(execution: dict[str, list[dict[str, str]]], key: str) -> str:
    return next(tag["Value"] for tag in execution["Tags"] if tag["Key"] == key)
