"""Distributed Maps, their child executions, and redrives: the Step Functions Developer Guide ("guide" below)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.step_functions.conftest import Machines, create_function, invoke
from tests.waiting import until


def distributed(states: Mapping[str, Any], **state: Any) -> dict[str, Any]:
    return {
        "Type": "Map",
        "Label": "Items",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": next(iter(states)),
            "States": dict(states),
        },
        "End": True,
        **state,
    }


def children(machines: Machines, execution: str, **parameters: Any) -> list[dict[str, Any]]:
    runs = machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    assert len(runs) <= 1
    paginate = machines.client.get_paginator("list_executions").paginate
    pages = [page for run in runs for page in paginate(mapRunArn=run["mapRunArn"], **parameters)]
    return [child for page in pages for child in page["executions"]]


PASS = {"P": {"Type": "Pass", "End": True}}


def test_each_item_of_a_list_in_s3_is_an_execution_of_its_own(machines: Machines) -> None:
    s3 = machines.services.client("s3")
    s3.create_bucket(Bucket="map-lists")
    s3.put_object(Bucket="map-lists", Key="list.json", Body=json.dumps([{"n": n} for n in range(60)]).encode())
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "map-lists", "Key.$": "$.list"},
    }
    selector = {"n.$": "$$.Map.Item.Value.n", "list.$": "$.list", "place.$": "$$.Map.Item.Index"}
    machine = machines.create(
        {"StartAt": "M", "States": {"M": distributed(PASS, ItemReader=reader, ItemSelector=selector)}}
    )
    execution = machines.start(machine, {"list": "list.json"})
    detail = machines.ended(execution)
    assert detail["status"] == "SUCCEEDED", detail
    assert [item["n"] for item in json.loads(detail["output"])] == list(range(60))
    # Guide, "Using Map state in Distributed mode": a child has a history of its own, the parent's has the Map Run.
    assert [event["type"] for event in machines.history(execution)] == [
        "ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded",
        "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    found = children(machines, execution, PaginationConfig={"PageSize": 25})
    assert len(found) == len({child["executionArn"] for child in found}) == 60
    name = machine.rpartition(":")[2]
    assert all(f":execution:{name}/Items:" in child["executionArn"] for child in found)
    one = machines.client.describe_execution(executionArn=found[7]["executionArn"])
    assert json.loads(one["input"]) == {"n": 7, "list": "list.json", "place": 7}
    assert one["stateMachineArn"] == f"{machine}/Items"
    assert [event["type"] for event in machines.history(found[7]["executionArn"])] == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    described = machines.client.describe_map_run(mapRunArn=one["mapRunArn"])
    assert described["status"] == "SUCCEEDED"
    assert described["itemCounts"]["succeeded"] == described["executionCounts"]["total"] == 60
    listed = machines.client.list_executions(stateMachineArn=machine)["executions"]
    assert [each["executionArn"] for each in listed] == [execution]


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailurePercentage": 49}, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
    ],
)
def test_as_many_items_may_fail_as_are_tolerated(machines: Machines, tolerance: dict[str, int], status: str) -> None:
    states = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericLessThan": 2, "Next": "F"}],
            "Default": "P",
        },
        "F": {"Type": "Fail", "Error": "Bad", "Cause": "a bad item"},
        **PASS,
    }
    detail = machines.run({"M": distributed(states, **tolerance)}, [0, 1, 2, 3])
    assert detail["status"] == status
    if status == "SUCCEEDED":
        assert json.loads(detail["output"]) == [2, 3]
    else:
        # Amazon States Language, "Error names".
        assert detail["error"] == "States.ExceedToleratedFailureThreshold"


def test_a_list_that_was_not_there_is_read_by_a_redrive(machines: Machines) -> None:
    s3 = machines.services.client("s3")
    s3.create_bucket(Bucket="late-lists")
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "late-lists", "Key": "k"},
    }
    execution = machines.start(machines.create({"StartAt": "M", "States": {"M": distributed(PASS, ItemReader=reader)}}))
    assert machines.ended(execution)["error"] == "States.ItemReaderFailed"
    s3.put_object(Bucket="late-lists", Key="k", Body=b"[1, 2]")
    machines.client.redrive_execution(executionArn=execution)
    assert json.loads(machines.ended(execution)["output"]) == [1, 2]


def test_a_machine_that_may_not_start_itself_has_no_children(machines: Machines) -> None:
    # Guide, "IAM policies for using Distributed Map states".
    role = machines.services.role("no-children", "states:DescribeExecution", "states:StopExecution")
    machine = machines.create({"StartAt": "M", "States": {"M": distributed(PASS)}}, role)
    detail = machines.ended(machines.start(machine, [1]))
    assert detail["status"] == "FAILED"
    assert "states:StartExecution" in detail["cause"]


def test_no_more_items_are_worked_on_at_once_than_may_be(machines: Machines) -> None:
    states = {"W": {"Type": "Wait", "Seconds": 1, "Next": "P"}, **PASS}
    machine = machines.create({"StartAt": "M", "States": {"M": distributed(states, MaxConcurrency=2)}})
    execution = machines.start(machine, [1, 2, 3])
    until(lambda: len(children(machines, execution)) == 2)
    assert machines.ended(execution)["status"] == "SUCCEEDED"
    starts = sorted(child["startDate"] for child in children(machines, execution))
    assert (starts[2] - starts[0]).total_seconds() > 0.9


def test_a_stopped_execution_stops_its_items_and_a_redrive_repeats_none_that_was_done(machines: Machines) -> None:
    states = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.wait", "BooleanEquals": True, "Next": "W"}],
            "Default": "P",
        },
        "W": {"Type": "Wait", "Seconds": 2, "Next": "P"},
        **PASS,
    }
    before = {"B": {"Type": "Pass", "Result": [{"wait": False}, {"wait": True}, {"wait": False}], "Next": "M"}}
    machine = machines.create({"StartAt": "B", "States": {**before, "M": distributed(states)}})
    execution = machines.start(machine)
    until(lambda: sorted(c["status"] for c in children(machines, execution)) == ["RUNNING", "SUCCEEDED", "SUCCEEDED"])
    machines.client.stop_execution(executionArn=execution, cause="a power cut is announced")
    stopped = {child["executionArn"]: child for child in children(machines, execution)}
    assert sorted(child["status"] for child in stopped.values()) == ["ABORTED", "SUCCEEDED", "SUCCEEDED"]
    detail = machines.client.describe_execution(executionArn=execution)
    assert (detail["status"], detail["redriveStatus"], detail["redriveCount"]) == ("ABORTED", "REDRIVABLE", 0)

    machines.client.redrive_execution(executionArn=execution)
    detail = machines.ended(execution)
    assert (detail["status"], detail["redriveCount"]) == ("SUCCEEDED", 1)
    assert len(json.loads(detail["output"])) == 3
    # Guide, "Redriving Map Runs": the Map Run and the children keep their ARNs, and those that succeeded are left.
    after = {child["executionArn"]: child for child in children(machines, execution)}
    assert set(after) == set(stopped)
    for arn, child in after.items():
        assert child["status"] == "SUCCEEDED"
        assert child["redriveCount"] == int(stopped[arn]["status"] == "ABORTED")
    types = [event["type"] for event in machines.history(execution)]
    assert types.count("PassStateEntered") == 1, "a finished state was repeated"
    assert types.index("ExecutionAborted") < types.index("ExecutionRedriven") < types.index("MapRunRedriven")
    assert types[-1] == "ExecutionSucceeded"
    assert [event["id"] for event in machines.history(execution)] == list(range(1, len(types) + 1))


def test_a_failed_task_is_redriven_with_the_input_it_had(machines: Machines) -> None:
    states = {
        "P": {"Type": "Pass", "Parameters": {"FunctionName.$": "$.function"}, "Next": "T"},
        "T": {**invoke({}), "Parameters": {"FunctionName.$": "$.FunctionName"}},
    }
    execution = machines.start(machines.create({"StartAt": "P", "States": states}), {"function": "redriven"})
    assert machines.ended(execution)["status"] == "FAILED"
    create_function(machines.services, "redriven", machines.role)
    machines.client.redrive_execution(executionArn=execution)
    assert machines.ended(execution)["status"] == "SUCCEEDED"


def test_what_has_succeeded_or_still_runs_is_not_redriven(machines: Machines) -> None:
    machine = machines.create({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}})
    execution = machines.start(machine)
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            machines.client.redrive_execution(executionArn=execution)
        # RedriveExecution, "Errors".
        assert refused.value.response["Error"]["Code"] == "ExecutionNotRedrivable"
        machines.ended(execution)


@pytest.mark.slow
def test_a_thousand_items_go_through_a_map_run(machines: Machines) -> None:
    machine = machines.create({"StartAt": "M", "States": {"M": distributed(PASS, MaxConcurrency=100)}})
    execution = machines.start(machine, list(range(1000)))
    assert json.loads(machines.ended(execution)["output"]) == list(range(1000))
    assert len(machines.history(execution)) == 8
    assert {child["status"] for child in children(machines, execution)} == {"SUCCEEDED"}
