"""What becomes of the ledger when an execution is ended from outside, and when it is redriven."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from genomics.contracts.ledger import LOAD, REDRIVEN, RUN, LedgerEntry, sample_item
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger
from lambdas.monitoring.record_execution import record_execution

TABLE = "ledger"
RUNS = "arn:aws:states:us-east-1:123456789012:stateMachine:Runs"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:Runs:R1"
STARTED = "2026-01-01T00:00:00.000+00:00"


@cache
def client() -> Any:
    """One for all tests: every account is the same mock."""
    return boto3.client("dynamodb", region_name="us-east-1")


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A run with a sample that is done, one at work, and a load."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client().create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "run_id", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("run_id", "item")],
            BillingMode="PAY_PER_REQUEST",
        )
        ledger = Ledger(client(), TABLE)
        for item, state in (
            (RUN, State.RUNNING),
            (sample_item("done"), State.SUCCEEDED),
            ("step#done#align#", State.SUCCEEDED),
            (sample_item("busy"), State.RUNNING),
            ("step#busy#align#", State.RUNNING),
            ("step#busy#gather_variants#", State.PLANNED),
            (LOAD, State.RUNNING),
        ):
            execution = EXECUTION if item == RUN else None
            ledger.update(LedgerEntry("R1", item, state, started_at=STARTED, execution_arn=execution))
        yield ledger


class StepFunctions:
    """Says of each execution that its status is this."""

    def __init__(self, status: str) -> None:
        self.status = status

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:  # noqa: N803
        return {"executionArn": executionArn, "status": self.status}


def record(
    ledger: Ledger, status: str = "ABORTED", *, machine: str = RUNS, now: str | None = None, **detail: Any
) -> dict[str, Any]:
    """Tell of a change of the execution to a status, which is `now` another.

    Step Functions Developer Guide, "Automating Step Functions event delivery": the event, as far as it is read.
    """
    given = {
        "executionArn": EXECUTION,
        "stateMachineArn": machine,
        "name": "R1",
        "status": status,
        "input": json.dumps({"run_id": "R1", "study": "first"}),
        "error": None,
        "cause": None,
    }
    played: Any = StepFunctions(now or status)
    loads = RUNS.replace("Runs", "Loads")
    return record_execution(given | detail, load_state_machine=loads, step_functions=played, ledger=ledger)


def states(ledger: Ledger) -> dict[str, tuple[State, str | None]]:
    prefixes = (RUN, "sample#", "step#", LOAD)
    return {entry.item: (entry.state, entry.reason) for prefix in prefixes for entry in ledger.find("R1", prefix)}


def test_a_stopped_run_ends_with_all_that_was_open(ledger: Ledger) -> None:
    assert record(ledger, cause="stopped by hand\nat noon") == {"run_id": "R1", "changed": 4}
    reason = "the execution was stopped: stopped by hand"
    assert states(ledger) == {
        RUN: (State.FAILED, reason),
        sample_item("done"): (State.SUCCEEDED, None),
        "step#done#align#": (State.SUCCEEDED, None),
        sample_item("busy"): (State.FAILED, reason),
        "step#busy#align#": (State.FAILED, reason),
        "step#busy#gather_variants#": (State.SKIPPED, f"not reached: {reason}"),
        LOAD: (State.RUNNING, None),
    }
    run = ledger.get("R1", RUN)
    assert run is not None
    assert run.finished_at is not None
    assert run.seconds is not None
    assert run.seconds > 0


@pytest.mark.parametrize(
    ("status", "detail", "reason"),
    [
        ("TIMED_OUT", {}, "the execution timed out"),
        ("FAILED", {"error": "States.Runtime", "cause": None}, "the execution failed: States.Runtime"),
        ("FAILED", {"error": "States.Runtime", "cause": "no path"}, "the execution failed: no path"),
    ],
)
def test_the_reason_says_how_it_ended(ledger: Ledger, status: str, detail: dict[str, Any], reason: str) -> None:
    record(ledger, status, **detail)
    assert states(ledger)[RUN] == (State.FAILED, reason)


def test_what_the_execution_has_recorded_itself_stays(ledger: Ledger) -> None:
    ledger.end(LedgerEntry("R1", RUN, State.FAILED, reason="S1: align failed"))
    before = states(ledger)
    record(ledger, "FAILED")
    after = states(ledger)
    assert {item: after[item] for item, (state, _) in before.items() if state.is_final} == {
        item: found for item, found in before.items() if found[0].is_final
    }
    assert after[RUN] == (State.FAILED, "S1: align failed")


def test_a_redriven_run_is_at_work_again_with_all_that_was_ended_with_it(ledger: Ledger) -> None:
    before = {item: state for item, (state, _) in states(ledger).items()}
    record(ledger)
    assert record(ledger, "RUNNING") == {"run_id": "R1", "changed": 4}
    after = states(ledger)
    # What was being done begins anew, when its tool says so.
    assert {item: state for item, (state, _) in after.items()} == before | {"step#busy#align#": State.PLANNED}
    assert after[RUN] == (State.RUNNING, REDRIVEN)
    run = ledger.get("R1", RUN)
    assert run is not None
    assert (run.started_at, run.finished_at, run.seconds) == (STARTED, None, None)


def test_what_had_ended_by_itself_stays_when_the_run_is_redriven(ledger: Ledger) -> None:
    ledger.end(LedgerEntry("R1", sample_item("busy"), State.FAILED, reason="busy: align failed"))
    ledger.end(LedgerEntry("R1", RUN, State.FAILED, reason="busy: align failed"))
    assert record(ledger, "RUNNING")["changed"] == 1
    assert states(ledger)[RUN] == (State.RUNNING, REDRIVEN)
    assert states(ledger)[sample_item("busy")] == (State.FAILED, "busy: align failed")


@pytest.mark.parametrize(("status", "now"), [("RUNNING", "ABORTED"), ("ABORTED", "RUNNING")])
def test_news_that_are_no_longer_true_change_nothing(ledger: Ledger, status: str, now: str) -> None:
    if status == "RUNNING":
        record(ledger)
    before = states(ledger)
    assert record(ledger, status, now=now)["changed"] == 0
    assert states(ledger) == before


def test_a_redriven_run_that_has_ended_again_is_not_reopened(ledger: Ledger) -> None:
    record(ledger)
    read = ledger.get("R1", RUN)
    assert read is not None
    ledger.end(LedgerEntry("R1", RUN, State.FAILED, reason="S1: failed", finished_at="2100-01-01T00:00:00.000+00:00"))
    assert not ledger.reopen(read, State.RUNNING, REDRIVEN)
    assert states(ledger)[RUN] == (State.FAILED, "S1: failed")


def test_a_redriven_run_that_has_ended_well_by_now_is_not_reopened(ledger: Ledger) -> None:
    ledger.end(LedgerEntry("R1", RUN, State.SUCCEEDED))
    assert record(ledger, "RUNNING")["changed"] == 0
    assert states(ledger)[RUN][0] is State.SUCCEEDED


def test_what_a_redriven_run_has_begun_ends_when_it_is_stopped_again(ledger: Ledger) -> None:
    record(ledger)
    ledger.update(LedgerEntry("R1", "step#S1#align#", State.RUNNING))
    assert record(ledger) == {"run_id": "R1", "changed": 1}
    assert states(ledger)["step#S1#align#"][0] is State.FAILED


def test_an_event_that_comes_twice_changes_nothing_more(ledger: Ledger) -> None:
    record(ledger)
    before = states(ledger)
    assert record(ledger, "TIMED_OUT")["changed"] == 0
    assert states(ledger) == before


def test_another_execution_of_the_run_does_not_end_it(ledger: Ledger) -> None:
    assert record(ledger, executionArn=f"{EXECUTION}-other")["changed"] == 0
    assert states(ledger)[RUN] == (State.RUNNING, None)


def test_a_stopped_load_ends_and_its_run_does_not(ledger: Ledger) -> None:
    assert record(ledger, "TIMED_OUT", machine=RUNS.replace("Runs", "Loads")) == {"run_id": "R1", "changed": 1}
    assert states(ledger)[LOAD] == (State.FAILED, "the execution timed out")
    assert states(ledger)[RUN] == (State.RUNNING, None)


@pytest.mark.parametrize("given", [None, "", "no JSON", "[]", "{}", '{"run_id": "unknown"}'])
@pytest.mark.parametrize(
    ("status", "machine"), [("ABORTED", RUNS), ("ABORTED", RUNS.replace("Runs", "Loads")), ("RUNNING", RUNS)]
)
def test_an_execution_of_no_known_run_is_passed_over(
    ledger: Ledger, given: str | None, status: str, machine: str
) -> None:
    before = states(ledger)
    assert record(ledger, status, machine=machine, input=given)["changed"] == 0
    assert states(ledger) == before
