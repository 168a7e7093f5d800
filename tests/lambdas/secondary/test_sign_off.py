"""What is recorded of a sign-off, and what holds a run that nobody has signed off."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from genomics.contracts.codec import dumps
from genomics.contracts.ledger import RUN, SIGN_OFF, LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.sign_off import HELD, REJECTED, Decision, SignOffTask
from lambdas.secondary import ask_sign_off, collect_results, hold_run, record_hold, record_sign_off
from lambdas.secondary.hold_run import RunHeldError
from lambdas.secondary.keep_token import NoTokenError, keep_token

if TYPE_CHECKING:
    from conftest import Platform

EXECUTION = {"Id": "arn:aws:states:eu-west-1:123456789012:execution:Runs:run-1"}
DECISION = Decision("Ada", "fine coverage", "arn:aws:iam::123456789012:user/ada", "2026-01-02T03:04:05.000+00:00")


@pytest.fixture
def state(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What follows CollectResults in a run that asks for a sign-off, and has asked."""
    monkeypatch.setenv("SIGN_OFF_SECONDS", "3600")
    platform.start("run-1")
    results = "s3://sequencing/runs/run-1/results.json"
    collected = {"run_id": "run-1", "study": "study", "results": results, "line": "", "has_failed": False}
    return ask_sign_off.handler({"state": collected, "execution": EXECUTION}, None)


def entry(platform: Platform, item: str) -> LedgerEntry:
    found = platform.ledger.get("run-1", item)
    assert found is not None
    return found


def held(state: dict[str, Any], error: str, cause: str = "", redrives: int = 0) -> dict[str, Any]:
    execution = EXECUTION | ({"RedriveCount": redrives} if redrives else {})
    failed = {**state, "error": {"Error": error, "Cause": cause}}
    return record_hold.handler({"state": failed, "execution": execution, "waited_for": "sign-off"}, None)


def test_a_run_that_is_to_be_signed_off_has_results_and_has_not_ended(platform: Platform) -> None:
    platform.start("run-1")
    platform.plan(platform.request("run-1", {"S1": {"L1": "a"}}, sign_off=True))
    given = {"run_id": "run-1", "study": "study", "request": "s3://sequencing/runs/run-1/request.json"}
    collected = collect_results.handler(given, None)
    assert (collected["sign_off"], collected["succeeded"]) == (True, 1)
    assert entry(platform, RUN).state is State.RUNNING


def test_a_run_says_that_it_awaits_its_sign_off_and_until_when(platform: Platform, state: dict[str, Any]) -> None:
    assert state["timeout_seconds"] == 3600
    assert entry(platform, RUN).state is State.RUNNING
    asked = entry(platform, SIGN_OFF)
    assert (asked.state, asked.execution_arn) == (State.RUNNING, EXECUTION["Id"])
    assert asked.document == "s3://sequencing/runs/run-1/results.json"
    assert asked.reason == f"awaits a decision until {state['until']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", state["until"])


def test_a_run_without_a_result_has_nothing_to_sign_off(platform: Platform) -> None:
    platform.start("run-1")
    platform.plan(platform.request("run-1", {"S1": {"L1": "a"}}, sign_off=True), complete=False)
    platform.ledger.update(LedgerEntry("run-1", "sample#S1", State.FAILED, reason="S1: broken"))
    given = {"run_id": "run-1", "study": "study", "request": "s3://sequencing/runs/run-1/request.json"}
    assert collect_results.handler(given, None)["sign_off"] is False
    assert entry(platform, RUN).state is State.FAILED


def test_an_approval_ends_the_run_with_who_when_and_why(platform: Platform, state: dict[str, Any]) -> None:
    decision = json.loads(dumps(DECISION))
    record_sign_off.handler({**state, "signed": {"decision": decision}}, None)
    signed = entry(platform, SIGN_OFF)
    assert (signed.state, signed.signed_by, signed.reason) == (State.SUCCEEDED, "Ada", "fine coverage")
    assert (signed.finished_at, signed.principal) == (DECISION.at, DECISION.principal)
    assert (entry(platform, RUN).state, entry(platform, RUN).reason) == (State.SUCCEEDED, None)


@pytest.mark.parametrize("decision", [{}, {"by": "", "reason": "x", "principal": "p", "at": "t"}])
def test_an_approval_by_nobody_is_none(platform: Platform, state: dict[str, Any], decision: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"the sign-off: (missing field|by is empty)"):
        record_sign_off.handler({**state, "signed": {"decision": decision}}, None)
    assert entry(platform, RUN).state is State.RUNNING


def test_a_rejection_is_final(platform: Platform, state: dict[str, Any]) -> None:
    hold = held(state, REJECTED, dumps(DECISION))["hold"]
    line = "the results were rejected by Ada: fine coverage"
    assert hold == {"line": line, "redrives": 0, "is_final": True}
    assert (entry(platform, RUN).state, entry(platform, RUN).reason) == (State.FAILED, line)
    assert (entry(platform, SIGN_OFF).state, entry(platform, SIGN_OFF).signed_by) == (State.FAILED, "Ada")


def test_a_rejection_that_says_nothing_readable_is_one_all_the_same(platform: Platform, state: dict[str, Any]) -> None:
    hold = held(state, REJECTED, "no")["hold"]
    assert hold["is_final"] is True
    assert hold["line"].startswith("rejected, by whom and why cannot be read: ")
    assert entry(platform, SIGN_OFF).state is State.FAILED


def test_a_run_that_nobody_signs_is_held_until_it_is_redriven(platform: Platform, state: dict[str, Any]) -> None:
    recorded = held(state, "States.Timeout")
    line = "nobody has signed the results off in time; `genomics redrive run-1` asks again"
    assert recorded["hold"] == {"line": line, "redrives": 0, "is_final": False}
    assert entry(platform, RUN).reason == line
    with pytest.raises(RunHeldError, match="nobody has signed"):
        hold_run.handler({"state": recorded, "execution": EXECUTION}, None)
    assert RunHeldError.__name__ == HELD

    released = hold_run.handler({"state": recorded, "execution": EXECUTION | {"RedriveCount": 1}}, None)
    assert released == state
    ask_sign_off.handler({"state": released, "execution": EXECUTION}, None)
    assert (entry(platform, RUN).state, entry(platform, SIGN_OFF).state) == (State.RUNNING, State.RUNNING)
    assert entry(platform, SIGN_OFF).finished_at is None
    second = held(released, "States.Timeout", redrives=1)
    with pytest.raises(RunHeldError):
        hold_run.handler({"state": second, "execution": EXECUTION | {"RedriveCount": 1}}, None)


def test_a_token_of_the_time_before_is_forgotten(platform: Platform, state: dict[str, Any]) -> None:
    platform.ledger.update(LedgerEntry("run-1", SIGN_OFF, State.RUNNING, task_token="old"))
    ask_sign_off.handler({"state": state, "execution": EXECUTION}, None)
    assert entry(platform, SIGN_OFF).task_token is None


class Activity:
    """Plays Step Functions: gives the tasks of these runs, one after the other, then none."""

    def __init__(self, *runs: str) -> None:
        self.runs = list(runs)

    def get_activity_task(self, *, activityArn: str, workerName: str) -> dict[str, str]:  # noqa: N803
        assert (activityArn, workerName) == ("arn:activity", "sign-off")
        if not self.runs:
            return {}
        run = self.runs.pop(0)
        return {"taskToken": f"token of {run}", "input": dumps(SignOffTask(run, "study", "s3://b/results.json"))}


def keep(platform: Platform, *runs: str) -> None:
    played: Any = Activity(*runs)
    keep_token(run_id="run-1", activity="arn:activity", step_functions=played, ledger=platform.ledger)


def test_a_token_is_kept_for_the_run_whose_it_is(platform: Platform, state: dict[str, Any]) -> None:
    platform.ledger.update(LedgerEntry("run-2", SIGN_OFF, State.RUNNING))
    keep(platform, "run-2", "run-1")
    other = platform.ledger.get("run-2", SIGN_OFF)
    assert other is not None
    assert (entry(platform, SIGN_OFF).task_token, other.task_token) == ("token of run-1", "token of run-2")


def test_a_token_that_another_has_kept_will_do_and_none_is_an_error(platform: Platform, state: dict[str, Any]) -> None:
    with pytest.raises(NoTokenError, match="the task of run-1 was given to somebody else"):
        keep(platform)
    platform.ledger.update(LedgerEntry("run-1", SIGN_OFF, State.RUNNING, task_token="kept"))
    keep(platform)
    assert entry(platform, SIGN_OFF).task_token == "kept"


def test_a_token_of_a_run_that_has_been_decided_about_opens_nothing(platform: Platform, state: dict[str, Any]) -> None:
    platform.ledger.update(LedgerEntry("run-2", SIGN_OFF, State.SUCCEEDED))
    keep(platform, "run-2", "run-1")
    decided = platform.ledger.get("run-2", SIGN_OFF)
    assert decided is not None
    assert (decided.state, decided.task_token) == (State.SUCCEEDED, None)
