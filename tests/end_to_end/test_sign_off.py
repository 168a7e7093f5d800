"""A run that a person has to approve of: approved, rejected, and not decided about in time."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genomics_cli.demo.sequencing_run import SequencingRun, make_sequencing_run


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> SequencingRun:
    """One small sample; every run but the first finds all of its steps done."""
    made = make_sequencing_run(tmp_path_factory.mktemp("reads"), seed=23, contigs={"chrA": 12_000})
    header, *rows = made.sheet.read_text().splitlines(keepends=True)
    made.sheet.write_text(header + "".join(row for row in rows if "DEMO-2" in row))
    return made


def _awaited(genomics: Any) -> str:
    """The one run that awaits a decision."""
    ledger, deadline = genomics.client("dynamodb"), time.monotonic() + 90
    asked = {
        "TableName": genomics.deployment.ledger_table,
        "FilterExpression": "#item = :item AND #state = :state",
        "ExpressionAttributeNames": {"#item": "item", "#state": "state"},
        "ExpressionAttributeValues": {":item": {"S": "sign_off"}, ":state": {"S": "RUNNING"}},
    }
    while not ledger.scan(**asked)["Count"]:
        assert time.monotonic() < deadline, "no run awaits a sign-off"
        time.sleep(0.2)
    (run,) = json.loads(genomics("sign-off", "--json").output)["awaited"]
    assert run["results"].endswith(f"/runs/{run['run_id']}/results.json")
    return str(run["run_id"])


def _execution(genomics: Any, run_id: str) -> dict[str, Any]:
    machine = genomics.deployment.run_state_machine_arn.replace(":stateMachine:", ":execution:")
    return dict(genomics.client("stepfunctions").describe_execution(executionArn=f"{machine}:{run_id}"))


def _status(genomics: Any, run_id: str) -> dict[str, Any]:
    """What is known of a run; `load` only once its VariantsCalled has been heard."""
    return dict(json.loads(genomics("status", run_id, "--json").output))


def _sign(genomics: Any, run_id: str, decision: str, reason: str) -> None:
    outcome = genomics("sign-off", run_id, decision, "--by", "Ada Lovelace", "--reason", reason)
    assert outcome.status == 0, outcome.errors


@pytest.fixture
def wait_for(genomics: Any) -> Iterator[Callable[[str], None]]:
    """Says how many seconds the deployment waits for a sign-off."""
    functions = genomics.client("lambda")
    pages = functions.get_paginator("list_functions").paginate()
    (ask,) = [f for page in pages for f in page["Functions"] if f["Handler"].endswith("ask_sign_off.handler")]
    variables = ask["Environment"]["Variables"]

    def wait_for(seconds: str) -> None:
        functions.update_function_configuration(
            FunctionName=ask["FunctionName"], Environment={"Variables": variables | {"SIGN_OFF_SECONDS": seconds}}
        )

    yield wait_for
    wait_for(variables["SIGN_OFF_SECONDS"])


@pytest.mark.slow  # the redriven run below is approved of as well
def test_what_is_approved_of_goes_into_the_lake(genomics: Any, reads: SequencingRun, output: Path) -> None:
    run = genomics.begin(reads.sheet, reads.reference, output, "--study", "signed", "--sign-off")
    run_id = _awaited(genomics)
    shown = _status(genomics, run_id)
    assert (shown["run"]["state"], shown["load"]) == ("RUNNING", None)
    _sign(genomics, run_id, "--approve", "coverage as it should be")
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


def test_nobody_decides_in_time_and_a_redrive_asks_again_and_runs_nothing_twice(
    genomics: Any, reads: SequencingRun, output: Path, wait_for: Callable[[str], None]
) -> None:
    wait_for("1")
    outcome = genomics.analyse(reads.sheet, reads.reference, output, "--study", "signed", "--sign-off")

    run_id = outcome.summary["run_id"]
    line = f"nobody has signed the results off in time; `genomics redrive {run_id}` asks again"
    assert outcome.status != 0
    assert outcome.last_line == f"error: {line}"
    ended = _execution(genomics, run_id)
    assert (ended["status"], ended["error"]) == ("FAILED", "RunHeldError")
    shown = _status(genomics, run_id)
    assert (shown["run"]["state"], shown["run"]["reason"]) == ("FAILED", line)
    assert {sample["state"] for sample in shown["samples"]} == {"SUCCEEDED"}
    assert shown["load"] is None

    wait_for("3600")
    assert genomics("redrive", run_id).status == 0
    _sign(genomics, _awaited(genomics), "--approve", "seen now")
    deadline = time.monotonic() + 60
    while (ended := _execution(genomics, run_id))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1)
    assert genomics.batch_jobs(run_id) == {}, "what was done before was run again"
    while (shown := _status(genomics, run_id))["load"] is None:
        assert time.monotonic() < deadline, "VariantsCalled was not raised"
        time.sleep(0.5)
    assert (shown["run"]["state"], shown["sign_off"]["signed_by"]) == ("SUCCEEDED", "Ada Lovelace")


@pytest.mark.slow
def test_what_is_rejected_ends_the_run_with_the_reason(genomics: Any, reads: SequencingRun, output: Path) -> None:
    run = genomics.begin(reads.sheet, reads.reference, output, "--study", "signed", "--sign-off")
    run_id = _awaited(genomics)
    _sign(genomics, run_id, "--reject", "the sample was swapped")
    outcome = genomics.finish(run, output)

    assert outcome.status != 0
    assert outcome.last_line == "error: the results were rejected by Ada Lovelace: the sample was swapped"
    assert _execution(genomics, run_id)["error"] == "SignOffRejected"
    assert outcome.summary["sign_off"]["state"] == "FAILED"
    assert "has failed" in genomics("redrive", run_id).last_line
    assert _status(genomics, run_id)["load"] is None
