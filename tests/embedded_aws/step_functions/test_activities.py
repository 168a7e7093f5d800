"""Activities: Step Functions Developer Guide, "Activities", and the API Reference of GetActivityTask and SendTask*."""

import json
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clients
from embedded_aws.step_functions import activities
from tests.embedded_aws.step_functions.conftest import Machines


@pytest.fixture
def activity(machines: Machines, request: pytest.FixtureRequest) -> str:
    return str(machines.client.create_activity(name=request.node.name[:80])["activityArn"])


def _waiting(machines: Machines, activity: str, content: Any = None, **state: Any) -> str:
    """An execution that waits for a worker."""
    task = {"Type": "Task", "Resource": activity, "TimeoutSeconds": 20, "End": True, **state}
    return machines.start(machines.create({"StartAt": "Ask", "States": {"Ask": task}}), content)


def _ask(machines: Machines, activity: str) -> dict[str, Any]:
    return dict(machines.client.get_activity_task(activityArn=activity, workerName="a person"))


def _code(refusal: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refusal.value.response["Error"]["Code"])


def test_a_worker_gets_the_input_and_its_answer_is_the_output(machines: Machines, activity: str) -> None:
    execution = _waiting(machines, activity, {"run": "run-1"})
    task = _ask(machines, activity)
    assert json.loads(task["input"]) == {"run": "run-1"}
    machines.client.send_task_success(taskToken=task["taskToken"], output='{"by": "Ada"}')
    assert json.loads(machines.ended(execution)["output"]) == {"by": "Ada"}
    told = [event["type"] for event in machines.history(execution)]
    assert told[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert machines.history(execution)[3]["activityStartedEventDetails"] == {"workerName": "a person"}


def test_a_failure_keeps_its_error_and_its_cause(machines: Machines, activity: str) -> None:
    execution = _waiting(machines, activity)
    token = _ask(machines, activity)["taskToken"]
    machines.client.send_task_failure(taskToken=token, error="Rejected", cause="too few reads")
    ended = machines.ended(execution)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Rejected", "too few reads")


def test_each_task_is_given_to_one_worker_the_first_first(machines: Machines, activity: str) -> None:
    executions = []
    for number in (1, 2):
        executions.append(_waiting(machines, activity, {"number": number}))
        time.sleep(0.3)  # threads of their own offer them
    tasks = [_ask(machines, activity) for _ in executions]
    assert [json.loads(task["input"])["number"] for task in tasks] == [1, 2]
    for task in reversed(tasks):
        machines.client.send_task_success(taskToken=task["taskToken"], output=task["input"])
    assert [json.loads(machines.ended(each)["output"])["number"] for each in executions] == [1, 2]


def test_a_worker_waits_for_a_task_and_gets_none_in_the_end(
    machines: Machines, activity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # API Reference, "GetActivityTask": "If no task is available within 60 seconds, the poll returns a taskToken with a
    # null string."
    found: list[dict[str, Any]] = []
    worker = threading.Thread(target=lambda: found.append(_ask(machines, activity)))
    worker.start()
    execution = _waiting(machines, activity)
    worker.join(timeout=60)
    machines.client.send_task_success(taskToken=found[0]["taskToken"], output="{}")
    assert machines.ended(execution)["status"] == "SUCCEEDED"
    monkeypatch.setattr(activities, "_LONGEST_POLL_SECONDS", 0.1)
    assert "taskToken" not in _ask(machines, activity)


def test_a_state_s_time_counts_from_when_a_worker_has_its_task(machines: Machines, activity: str) -> None:
    # guide, "Troubleshooting activities": "to time out any stuck state machine executions in which the Activity state
    # doesn't transition to the ActivityStarted state, define a timeout at state machine-level."
    execution = _waiting(machines, activity, TimeoutSeconds=1)
    time.sleep(1.5)
    assert machines.client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    _ask(machines, activity)
    ended = machines.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert [event["type"] for event in machines.history(execution)][3:5] == ["ActivityStarted", "ActivityTimedOut"]


def test_an_answer_that_comes_too_late_or_twice_is_refused(machines: Machines, activity: str) -> None:
    # API Reference, "SendTaskSuccess": TaskTimedOut, "The task token has either expired or the task associated with the
    # token has already been closed."
    client = machines.client
    wait = {"Type": "Wait", "Seconds": 600, "End": True}
    ask = {"Type": "Task", "Resource": activity, "TimeoutSeconds": 4, "Next": "Wait"}
    caught = {**ask, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Wait"}]}
    machine = machines.create({"StartAt": "Ask", "States": {"Ask": caught, "Wait": wait}})
    executions = [machines.start(machine), machines.start(machine)]
    tokens = {task["taskToken"] for task in (_ask(machines, activity), _ask(machines, activity))}
    answered = tokens.pop()
    client.send_task_success(taskToken=answered, output="{}")
    deadline = time.monotonic() + 60
    while not all("WaitStateEntered" in {e["type"] for e in machines.history(each)} for each in executions):
        assert time.monotonic() < deadline, "the other task does not time out"
        time.sleep(0.1)
    for token in (answered, *tokens):
        with pytest.raises(ClientError) as refusal:
            client.send_task_success(taskToken=token, output="{}")
        assert _code(refusal) == "TaskTimedOut"
    with pytest.raises(ClientError) as refusal:
        client.send_task_success(taskToken="of nobody", output="{}")
    assert _code(refusal) == "InvalidToken"
    for each in executions:
        client.stop_execution(executionArn=each)
        assert machines.ended(each)["status"] == "ABORTED"


def test_a_silent_worker_s_task_is_given_up(machines: Machines, activity: str) -> None:
    execution = _waiting(machines, activity, HeartbeatSeconds=1)
    token = _ask(machines, activity)["taskToken"]
    machines.client.send_task_heartbeat(taskToken=token)
    ended = machines.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


def test_a_task_of_a_stopped_execution_is_given_to_nobody(
    machines: Machines, activity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activities, "_LONGEST_POLL_SECONDS", 0.2)
    execution = _waiting(machines, activity)
    time.sleep(0.3)
    machines.client.stop_execution(executionArn=execution)
    assert "taskToken" not in _ask(machines, activity)


def test_an_activity_that_is_not_there_is_named(machines: Machines, activity: str) -> None:
    with pytest.raises(ClientError) as refusal:
        machines.client.get_activity_task(activityArn=f"{activity}-2")
    assert _code(refusal) == "ActivityDoesNotExist"
    assert machines.ended(_waiting(machines, f"{activity}-2"))["error"] == "States.Runtime"


def test_a_worker_needs_to_be_allowed(machines: Machines, activity: str, services: Any) -> None:
    role = services.role("worker", "states:SendTaskSuccess")
    with pytest.raises(ClientError) as refusal:
        clients.client("stepfunctions", role_arn=role).get_activity_task(activityArn=activity)
    assert _code(refusal) == "AccessDeniedException"


def test_a_redriven_execution_knows_that_it_is_and_offers_its_task_again(machines: Machines, activity: str) -> None:
    # Guide, "Context object": RedriveCount is there once an execution has been redriven.
    execution = _waiting(machines, activity, TimeoutSeconds=1, Parameters={"execution.$": "$$.Execution"})
    _ask(machines, activity)
    assert machines.ended(execution)["status"] == "FAILED"
    machines.client.redrive_execution(executionArn=execution)
    task = _ask(machines, activity)
    told = json.loads(task["input"])["execution"]
    assert (told["Id"], told["RedriveCount"]) == (execution, 1)
    machines.client.send_task_success(taskToken=task["taskToken"], output="{}")
    assert machines.ended(execution)["status"] == "SUCCEEDED"
