"""What the embedded AWS keeps of executions that have ended, and of log streams, so that its memory stays flat."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.durable.database import Database
from embedded_aws.logs.streams import LogStream
from embedded_aws.step_functions import service as step_functions


def run(client: Any, machine: str, content: Any) -> str:
    execution = client.start_execution(stateMachineArn=machine, input=json.dumps(content))["executionArn"]
    while client.describe_execution(executionArn=execution)["status"] == "RUNNING":
        time.sleep(0.005)
    return str(execution)


def test_the_last_executions_are_kept_with_their_histories(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = services.client("stepfunctions")
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    machine = client.create_state_machine(
        name="kept", roleArn=services.role("kept"), definition=json.dumps(definition)
    )["stateMachineArn"]
    first = run(client, machine, {"n": 0})
    monkeypatch.setattr("embedded_aws.step_functions.ended_executions.EXECUTIONS_KEPT", 3)
    executions = [run(client, machine, {"n": n}) for n in range(1, 9)]
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.describe_execution(executionArn=first)
    listed = {item["executionArn"] for item in client.list_executions(stateMachineArn=machine)["executions"]}
    # Two more have ended so lately that their histories may still be added to.
    assert set(executions[-4:]) <= listed
    assert len(listed) < len(executions)
    for n, execution in list(enumerate(executions, start=1))[-4:]:
        detail = client.describe_execution(executionArn=execution)
        assert (detail["status"], json.loads(detail["output"])) == ("SUCCEEDED", {"n": n})
        types = [event["type"] for event in client.get_execution_history(executionArn=execution)["events"]]
        assert types == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]


def test_those_of_an_earlier_life_are_forgotten_like_any_others(
    services: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = services.client("stepfunctions")
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    machine = client.create_state_machine(
        name="earlier", roleArn=services.role("earlier"), definition=json.dumps(definition)
    )["stateMachineArn"]
    kept_in = Database.open(tmp_path, account=services.context.account, region=services.context.region)
    arns = [f"{machine.replace('stateMachine', 'execution')}:{n}" for n in range(9)]
    ended: dict[str, Any] = {"status": "SUCCEEDED", "input": "{}", "output": {}, "error": None, "cause": None}
    for n, arn in enumerate(arns):
        times = {"started": "2026-01-01T00:00:00+00:00", "stopped": f"2026-01-01T00:00:0{9 - n}+00:00"}
        kept_in.put("execution", machine, arn, {"name": str(n), **ended, **times})
    monkeypatch.setattr("embedded_aws.step_functions.ended_executions.EXECUTIONS_KEPT", 3)
    step_functions.restore(services.context, kept_in)
    kept_in.close()
    left = {item["executionArn"] for item in client.list_executions(stateMachineArn=machine)["executions"]}
    assert set(arns[:3]) <= left  # those that ended last
    assert len(left) < len(arns)


def test_the_log_streams_that_were_written_to_last_are_kept(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded_aws.logs.streams.STREAMS_KEPT", 3)
    streams = [LogStream(services.context, "/kept", f"stream-{n}") for n in range(3)]
    streams[0].write(["still at work"])
    for name in ("stream-3", "stream-4"):
        LogStream(services.context, "/kept", name)
    found = services.client("logs").describe_log_streams(logGroupName="/kept")["logStreams"]
    assert [stream["logStreamName"] for stream in found] == ["stream-0", "stream-3", "stream-4"]
    streams[1].write(["late"])  # one that was forgotten is there again when it is written to
    assert services.log_lines("/kept", "stream-1") == ["late"]
