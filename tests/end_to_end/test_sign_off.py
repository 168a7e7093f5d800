"""A run that a person has to approve of: approved, rejected, and not decided about in time."""

import re
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from genomics_cli.demo.sequencing_run import SequencingRun
from tests.end_to_end.sign_offs import APPROVER, Held, awaited, execution, one_sample, sign, status
from tests.waiting import until


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    return one_sample(tmp_path_factory.mktemp("reads"))


def test_nobody_decides_in_time_and_the_run_says_so(held: Held) -> None:
    ended, shown, _ = held.before
    line = f"nobody has signed the results off in time; `genomics redrive {held.run_id}` asks again"
    assert held.outcome.status != 0
    assert held.outcome.last_line == f"error: {line}"
    assert (ended["status"], ended["error"]) == ("FAILED", "RunHeldError")
    assert (shown["run"]["state"], shown["run"]["reason"]) == ("FAILED", line)
    assert {sample["state"] for sample in shown["samples"]} == {"SUCCEEDED"}
    assert shown["load"] is None


def test_a_redrive_asks_again_and_runs_nothing_twice(held: Held) -> None:
    (_, _, jobs), (ended, shown, jobs_after) = held.before, held.after
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1)
    assert jobs
    assert jobs_after == jobs
    assert (shown["run"]["state"], shown["sign_off"]["signed_by"]) == ("SUCCEEDED", "Ada Lovelace")


def test_who_may_decide_is_mailed_each_time_that_a_decision_is_asked_for(genomics: Any, held: Held) -> None:
    def asked() -> list[str]:
        mails = (
            message_from_bytes(path.read_bytes()) for path in (genomics.instance.data / "mail" / APPROVER).iterdir()
        )
        texts = [" ".join(mail.get_payload(decode=True).decode().split()) for mail in mails]  # type: ignore[union-attr]
        return [text for text in texts if f"Run {held.run_id} of study signed awaits its sign-off until" in text]

    for text in until(asked, lambda found: len(found) == 2):
        assert re.search(r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC\. ", text)
        assert f"`genomics sign-off {held.run_id} --approve --by NAME --reason TEXT`" in text
        assert f"/runs/{held.run_id}/results.json" in text


@pytest.mark.slow  # the redriven run above is approved of as well
def test_what_is_approved_of_goes_into_the_lake(genomics: Any, reads: SequencingRun, output: Path) -> None:
    run = genomics.begin(reads.sheet, reads.reference, output, "--study", "approved", "--sign-off")
    run_id = awaited(genomics)
    shown = status(genomics, run_id)
    assert (shown["run"]["state"], shown["load"]) == ("RUNNING", None)
    sign(genomics, run_id, "--approve", "coverage as it should be")
    outcome = genomics.finish(run, output)

    assert outcome.status == 0, outcome.errors
    assert f"genomics sign-off {run_id}" in outcome.errors
    signed = outcome.summary["sign_off"]
    assert (signed["state"], signed["by"]) == ("SUCCEEDED", "Ada Lovelace")
    assert signed["reason"] == "coverage as it should be"
    assert signed["principal"].startswith("arn:aws:")
    assert signed["asked_at"] < signed["decided_at"]
    assert "Ada Lovelace" in (output / "report.html").read_text()
    assert outcome.summary["load"]["state"] == "SUCCEEDED"
    again = genomics("sign-off", run_id, "--reject", "--by", "Bob", "--reason", "no")
    assert "awaits no sign-off any more (succeeded: Ada Lovelace: coverage as it should be)" in again.last_line


@pytest.mark.slow
def test_what_is_rejected_ends_the_run_with_the_reason(genomics: Any, reads: SequencingRun, output: Path) -> None:
    run = genomics.begin(reads.sheet, reads.reference, output, "--study", "signed", "--sign-off")
    run_id = awaited(genomics)
    sign(genomics, run_id, "--reject", "the sample was swapped")
    outcome = genomics.finish(run, output)

    assert outcome.status != 0
    assert outcome.last_line == "error: the results were rejected by Ada Lovelace: the sample was swapped"
    assert execution(genomics, run_id)["error"] == "SignOffRejected"
    assert outcome.summary["sign_off"]["state"] == "FAILED"
    assert "has failed" in genomics("redrive", run_id).last_line
    assert status(genomics, run_id)["load"] is None
