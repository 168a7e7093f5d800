"""What becomes of the ledger when an execution is ended from outside."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from genomics.contracts.ledger import LOAD, RUN, LedgerEntry, sample_item
from genomics.contracts.runs import State
from lambdas.ledger_table import Ledger, open_ledger
from lambdas.monitoring.record_stopped import handler

TABLE = "ledger"
RUNS = "arn:aws:states:us-east-1:123456789012:stateMachine:Runs"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:Runs:R1"
STARTED = "2026-01-01T00:00:00.000+00:00"


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A run with a sample that is done, one at work, and a load."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("LEDGER_TABLE", TABLE)
    monkeypatch.setenv("LOAD_STATE_MACHINE_ARN", RUNS.replace("Runs", "Loads"))
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "run_id", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("run_id", "item")],
            BillingMode="PAY_PER_REQUEST",
        )
        ledger = open_ledger(TABLE)
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


def event(status: str = "ABORTED", *, machine: str = RUNS, **detail: Any) -> dict[str, Any]:
    """Step Functions Developer Guide, "Automating Step Functions event delivery": the event, as far as it is read."""
    given = {
        "executionArn": EXECUTION,
        "stateMachineArn": machine,
        "name": "R1",
        "status": status,
        "input": json.dumps({"run_id": "R1", "study": "first"}),
        "error": None,
        "cause": None,
    }
    return {"detail-type": "Step Functions Execution Status Change", "detail": given | detail}


def states(ledger: Ledger) -> dict[str, tuple[State, str | None]]:
    prefixes = (RUN, "sample#", "step#", LOAD)
    return {entry.item: (entry.state, entry.reason) for prefix in prefixes for entry in ledger.find("R1", prefix)}


def test_a_stopped_run_ends_with_all_that_was_open(ledger: Ledger) -> None:
    assert handler(event(cause="stopped by hand\nat noon"), None) == {"run_id": "R1", "ended": 4}
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
    handler(event(status, **detail), None)
    assert states(ledger)[RUN] == (State.FAILED, reason)


def test_what_the_execution_has_recorded_itself_stays(ledger: Ledger) -> None:
    ledger.end(LedgerEntry("R1", RUN, State.FAILED, reason="S1: align failed"))
    before = states(ledger)
    handler(event("FAILED"), None)
    after = states(ledger)
    assert {item: after[item] for item, (state, _) in before.items() if state.is_final} == {
        item: found for item, found in before.items() if found[0].is_final
    }
    assert after[RUN] == (State.FAILED, "S1: align failed")


def test_what_a_redriven_run_has_begun_ends_when_it_is_stopped_again(ledger: Ledger) -> None:
    handler(event(), None)
    ledger.update(LedgerEntry("R1", "step#S1#align#", State.RUNNING))
    assert handler(event(), None) == {"run_id": "R1", "ended": 1}
    assert states(ledger)["step#S1#align#"][0] is State.FAILED


def test_an_event_that_comes_twice_changes_nothing_more(ledger: Ledger) -> None:
    handler(event(), None)
    before = states(ledger)
    assert handler(event("TIMED_OUT"), None)["ended"] == 0
    assert states(ledger) == before


def test_another_execution_of_the_run_does_not_end_it(ledger: Ledger) -> None:
    assert handler(event(executionArn=f"{EXECUTION}-other"), None)["ended"] == 0
    assert states(ledger)[RUN] == (State.RUNNING, None)


def test_a_stopped_load_ends_and_its_run_does_not(ledger: Ledger) -> None:
    assert handler(event("TIMED_OUT", machine=RUNS.replace("Runs", "Loads")), None) == {"run_id": "R1", "ended": 1}
    assert states(ledger)[LOAD] == (State.FAILED, "the execution timed out")
    assert states(ledger)[RUN] == (State.RUNNING, None)


@pytest.mark.parametrize("given", [None, "", "no JSON", "[]", "{}", '{"run_id": "unknown"}'])
@pytest.mark.parametrize("machine", [RUNS, RUNS.replace("Runs", "Loads")])
def test_an_execution_of_no_known_run_is_passed_over(ledger: Ledger, given: str | None, machine: str) -> None:
    before = states(ledger)
    assert handler(event(machine=machine, input=given), None)["ended"] == 0
    assert states(ledger) == before
