import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from genomics.contracts import codec, object_keys
from genomics.contracts.runs import Artifact, RunResults, SampleResult, State
from genomics_cli import following
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.following import Ending, Follower
from genomics_cli.run_ledger import RunView

RUN = "arn:aws:states:us-east-1:123456789012:execution:Runs:run-1"
Record = Callable[..., None]


class Executions:
    """Plays Step Functions: each look at an execution takes the next of its statuses, the last one for good."""

    def __init__(self, **statuses: list[str]) -> None:
        self.statuses = {arn: list(found) for arn, found in statuses.items()}
        self.cause = ""

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        left = self.statuses.get(executionArn, [])
        status = left.pop(0) if len(left) > 1 else (left or [""])[0]
        if not status:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "no"}}, "DescribeExecution")
        return {"status": status, "cause": self.cause}


@pytest.fixture
def executions(platform: Platform) -> Executions:
    played = Executions(**{RUN: ["", "RUNNING", "SUCCEEDED"]})
    platform.cloud.__dict__["step_functions"] = played
    return played


def _results(platform: Platform, *, called: bool = True) -> None:
    vcf = Artifact("s3://sequencing/a.vcf.gz", "0" * 64, 1) if called else None
    state = State.SUCCEEDED if called else State.FAILED
    results = RunResults("run-1", "study", "ref", (SampleResult("A", "P", state, vcf=vcf),))
    key = object_keys.run_results("run-1")
    platform.cloud.s3.put_object(Bucket="sequencing", Key=key, Body=codec.dumps(results).encode())


def _follow(platform: Platform, shown: list[RunView] | None = None) -> Ending:
    seen = shown if shown is not None else []
    return Follower(platform, "run-1", seen.append, poll_seconds=0.01).follow()


@pytest.mark.usefixtures("executions")
def test_a_run_has_ended_when_its_load_has(platform: Platform, record: Record) -> None:
    _results(platform)
    record("run", State.SUCCEEDED)
    record("load", State.SUCCEEDED)
    shown: list[RunView] = []
    ending = _follow(platform, shown)
    assert ending.error is None
    assert ending.loaded_after is not None
    assert ending.loaded_after >= ending.analysed_after > 0
    assert len(shown) >= 3


@pytest.mark.usefixtures("executions")
def test_a_failed_load_is_told(platform: Platform, record: Record) -> None:
    _results(platform)
    record("load", State.FAILED, reason="disk full")
    assert _follow(platform).error == "the lake load failed: disk full"


@pytest.mark.usefixtures("executions")
def test_a_load_that_never_starts_is_told(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    _results(platform)
    monkeypatch.setattr(following, "_LOAD_STARTS_SECONDS", 0.05)
    error = _follow(platform).error
    assert error is not None
    assert error.startswith("the lake load did not start within")


def test_a_load_that_died_is_told(platform: Platform, record: Record, executions: Executions) -> None:
    _results(platform)
    executions.statuses["arn:load"] = ["ABORTED"]
    record("load", State.RUNNING, execution_arn="arn:load")
    assert _follow(platform).error == "the lake load ended without a word: arn:load"


def test_a_failed_run_says_why_and_still_waits_for_what_was_called(
    platform: Platform, record: Record, executions: Executions
) -> None:
    _results(platform)
    executions.statuses[RUN] = ["FAILED"]
    record("run", State.FAILED, reason="B: align failed with exit code 1: no (log g:s)", finished_at="now")
    record("load", State.SUCCEEDED)
    ending = _follow(platform)
    assert ending.error == "B: align failed with exit code 1: no (log g:s)"
    assert ending.loaded_after is not None


def test_a_run_of_which_nothing_was_called_waits_for_no_load(platform: Platform, executions: Executions) -> None:
    _results(platform, called=False)
    executions.statuses[RUN] = ["FAILED"]
    executions.cause = json.dumps({"errorMessage": "first\nsecond"})
    ending = _follow(platform)
    assert ending.loaded_after is None
    assert ending.error == "run run-1 ended FAILED: first second"


def test_a_run_that_nobody_has_signed_off_waits_for_no_load(
    platform: Platform, record: Record, executions: Executions
) -> None:
    _results(platform)
    executions.statuses[RUN] = ["FAILED"]
    record("run", State.FAILED, reason="nobody has signed the results off in time")
    record("sign_off", State.FAILED, reason="nobody")
    ending = _follow(platform)
    assert (ending.error, ending.loaded_after) == ("nobody has signed the results off in time", None)


def test_a_refused_request_is_told_with_its_reason(
    platform: Platform, record: Record, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions.statuses[RUN] = [""]
    monkeypatch.setattr(following, "_REFUSAL_SECONDS", 0.05)
    record("run", State.FAILED, reason="request: missing field 'samples'")
    with pytest.raises(UserError, match=r"run run-1 was refused: request: missing field 'samples'"):
        _follow(platform)


def test_a_request_among_the_dead_letters_is_told(
    platform: Platform, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions.statuses[RUN] = [""]
    monkeypatch.setattr(following, "_LOOK_AT_DEAD_LETTERS_SECONDS", 0.02)
    queue = platform.deployment.inbox_dead_letter_queue_url
    for run in ("run-0", "run-1"):
        platform.cloud.sqs.send_message(QueueUrl=queue, MessageBody=f'{{"key": "inbox/{run}/run.json"}}')
    with pytest.raises(UserError, match="run run-1 was refused and lies in the dead-letter queue"):
        _follow(platform)
    # Looked at, not taken.
    assert len(platform.cloud.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]) == 2


def test_a_run_that_is_never_started_is_told(
    platform: Platform, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions.statuses[RUN] = [""]
    monkeypatch.setattr(following, "_START_SECONDS", 0.05)
    with pytest.raises(UserError, match="run run-1 was not started within"):
        _follow(platform)
