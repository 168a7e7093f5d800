"""Deciding about a run's results: whose token is used, and what is said of runs that await nobody."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from genomics.contracts import ledger
from genomics.contracts.codec import dumps, loads
from genomics.contracts.ledger import SIGN_OFF, LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.sign_off import REJECTED, Decision, SignOffTask
from genomics_cli import sign_offs
from genomics_cli.cloud import Platform
from genomics_cli.commands.sign_off import sign_off
from genomics_cli.errors import UserError
from genomics_cli.run_ledger import read_run
from genomics_cli.sign_offs import awaited, decide

ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:SignOff"
RUN = "arn:aws:states:us-east-1:123456789012:execution:Runs:run-1"


class Waiting:
    """Plays Step Functions: an activity with tasks by run, and executions that run unless they have `ended`."""

    def __init__(self, *runs: str) -> None:
        self.tasks = [(f"token of {run}", run) for run in runs]
        self.ended: set[str] = set()
        self.success: dict[str, str] = {}
        self.failure: dict[str, str] = {}
        self.refusal = ""

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        return {"status": "FAILED" if executionArn in self.ended else "RUNNING"}

    def get_activity_task(self, *, activityArn: str, workerName: str) -> dict[str, str]:  # noqa: N803
        assert (activityArn, workerName) == (ACTIVITY, "genomics sign-off")
        if not self.tasks:
            return {}
        token, run = self.tasks.pop(0)
        return {"taskToken": token, "input": dumps(SignOffTask(run, "study", f"s3://b/runs/{run}/results.json"))}

    def send_task_success(self, **answer: str) -> None:
        self._refuse(answer["taskToken"])
        self.success = answer

    def send_task_failure(self, **answer: str) -> None:
        self._refuse(answer["taskToken"])
        self.failure = answer

    def _refuse(self, token: str) -> None:
        if self.refusal or token == "stale":
            raise ClientError({"Error": {"Code": self.refusal or "InvalidToken", "Message": ""}}, "SendTask")


@pytest.fixture
def lab(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Two runs that await a decision, and whose tokens nobody has kept."""
    monkeypatch.setattr(sign_offs, "_KEPT_WITHIN_SECONDS", 0)
    found = Platform(platform.cloud, replace(platform.deployment, sign_off_activity_arn=ACTIVITY))
    platform.cloud.__dict__["step_functions"] = Waiting("run-2", "run-1")
    for number, run in enumerate(("run-2", "run-1")):
        entry = LedgerEntry(
            run,
            SIGN_OFF,
            State.RUNNING,
            reason="awaits a decision until tomorrow",
            started_at=f"2026-01-01T00:00:0{number}.000+00:00",
            execution_arn=RUN.replace("run-1", run),
            document=f"s3://b/runs/{run}/results.json",
        )
        platform.cloud.dynamodb.put_item(TableName="ledger", Item=ledger.to_item(entry))
    return found


def _played(platform: Platform) -> Waiting:
    found: Waiting = platform.cloud.__dict__["step_functions"]
    return found


def _decide(platform: Platform, run: str = "run-1", *, approve: bool = True, by: str = " Ada ") -> Decision:
    return decide(platform, run, approve=approve, by=by, reason="fine")


def test_an_approval_is_the_task_s_output_with_who_why_when_and_whose_credentials(lab: Platform) -> None:
    decision = _decide(lab)
    answer = _played(lab).success
    assert answer["taskToken"] == "token of run-1"
    assert loads(Decision, answer["output"]) == decision
    assert (decision.by, decision.reason) == ("Ada", "fine")
    assert decision.principal.startswith("arn:aws:")
    assert decision.at.endswith("+00:00")


def test_a_rejection_is_the_task_s_failure(lab: Platform) -> None:
    decision = _decide(lab, approve=False)
    answer = _played(lab).failure
    assert (answer["error"], loads(Decision, answer["cause"])) == (REJECTED, decision)


def test_another_run_s_token_is_kept_for_who_decides_about_it(lab: Platform) -> None:
    _decide(lab)
    assert _played(lab).tasks == []
    entry = read_run(lab, "run-2").sign_off
    assert entry is not None
    assert (entry.task_token, entry.state) == ("token of run-2", State.RUNNING)
    _decide(lab, "run-2")
    assert _played(lab).success["taskToken"] == "token of run-2"


def test_a_token_that_is_about_to_be_kept_is_waited_for(
    lab: Platform, record: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = read_run(lab, "run-1").sign_off
    assert entry is not None
    monkeypatch.setattr(sign_offs, "_KEPT_WITHIN_SECONDS", 60)
    keep = partial(record, SIGN_OFF, State.RUNNING, execution_arn=entry.execution_arn, task_token="kept")
    monkeypatch.setattr(sign_offs.time, "sleep", lambda _: keep())
    _decide(lab)
    assert _played(lab).success["taskToken"] == "kept"
    assert len(_played(lab).tasks) == 2


def test_a_token_of_before_a_stop_and_a_redrive_is_replaced(lab: Platform, record: Callable[..., None]) -> None:
    entry = read_run(lab, "run-1").sign_off
    assert entry is not None
    record(SIGN_OFF, State.RUNNING, execution_arn=entry.execution_arn, task_token="stale")
    _decide(lab)
    assert _played(lab).success["taskToken"] == "token of run-1"


def test_a_task_that_somebody_else_was_given_is_said_to_be(lab: Platform) -> None:
    _played(lab).tasks.clear()
    with pytest.raises(UserError, match=r"run run-1 was given to somebody else .*`genomics redrive run-1` asks again"):
        _decide(lab)


def test_the_oldest_that_still_waits_is_listed_first(lab: Platform) -> None:
    assert [entry.run_id for entry in awaited(lab)] == ["run-2", "run-1"]
    _played(lab).ended.add(RUN)
    assert [entry.run_id for entry in awaited(lab)] == ["run-2"]


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_who_comes_too_late_is_told(lab: Platform, code: str) -> None:
    _played(lab).refusal = code
    with pytest.raises(UserError, match="run run-1 no longer awaits a decision"):
        _decide(lab)


@pytest.mark.parametrize("by", ["", "  ", "Ada\nLovelace", "x" * 201])
def test_nobody_cannot_decide(lab: Platform, by: str) -> None:
    with pytest.raises(UserError, match=r"^--by (is empty|must be one line of at most 200 characters)$"):
        _decide(lab, by=by)
    assert len(_played(lab).tasks) == 2


def test_a_run_that_awaits_nobody_is_told_so(lab: Platform, record: Callable[..., None]) -> None:
    with pytest.raises(UserError, match="there is no run run-9"):
        _decide(lab, "run-9")
    record(SIGN_OFF, State.SUCCEEDED, signed_by="Ada", reason="fine")
    with pytest.raises(UserError, match=r"awaits no sign-off any more \(succeeded: Ada: fine\)"):
        _decide(lab)
    lab.cloud.dynamodb.delete_item(TableName="ledger", Key={"run_id": {"S": "run-1"}, "item": {"S": SIGN_OFF}})
    record("run", State.RUNNING)
    with pytest.raises(UserError, match="awaits no sign-off: it was not asked for"):
        _decide(lab)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run-1"], "a decision takes --approve or --reject, --by NAME and --reason TEXT"),
        (["run-1", "--approve", "--by", "Ada"], "a decision takes"),
        (["--approve", "--by", "Ada", "--reason", "x"], "name the RUN that the decision is about"),
    ],
)
def test_half_a_decision_is_none(arguments: list[str], line: str) -> None:
    result = CliRunner().invoke(sign_off, arguments)
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith(line)
