"""Step Functions: the Amazon States Language specification and the Step Functions Developer Guide ("guide" below)."""

import itertools
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import Shape

from embedded_aws.step_functions import tasks as step_functions_tasks
from tests.embedded_aws.step_functions.conftest import Machines, invoke


def test_an_unnamed_execution_gets_a_name_of_its_own(machines: Machines) -> None:
    machine = machines.create({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    first, second = machines.start(machine), machines.start(machine)
    assert first != second
    assert machines.ended(first)["name"] == first.rpartition(":")[2]


def test_starting_twice_with_a_name_and_an_input_starts_once(machines: Machines) -> None:
    # StartExecution: "If StartExecution is called with the same input as a running execution, the call succeeds and
    # return the same response as the original request. If the execution is closed or if the input is different, it
    # returns a 400 ExecutionAlreadyExists error."
    machine = machines.create({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}})
    execution = machines.start(machine, {"a": 1}, name="once")
    assert machines.start(machine, {"a": 1}, name="once") == execution
    with pytest.raises(ClientError) as refusal:
        machines.start(machine, {"a": 2}, name="once")
    assert refusal.value.response["Error"]["Code"] == "ExecutionAlreadyExists"
    machines.ended(execution)
    with pytest.raises(ClientError) as refusal:
        machines.start(machine, {"a": 1}, name="once")
    assert refusal.value.response["Error"]["Code"] == "ExecutionAlreadyExists"


@pytest.mark.parametrize("name", ["has space", "a:b", "x" * 81, "wild*card"])
def test_a_name_with_characters_that_are_not_allowed_is_refused(machines: Machines, name: str) -> None:
    machine = machines.create({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    with pytest.raises(ClientError) as refusal:
        machines.start(machine, name=name)
    assert refusal.value.response["Error"]["Code"] in {"InvalidName", "ValidationException"}


def test_intrinsic_functions_and_the_context_object_can_be_used(machines: Machines) -> None:
    # guide, "Intrinsic functions": the examples of States.Format, States.ArrayPartition, States.JsonToString ...
    output = machines.output(
        {
            "P": {
                "Type": "Pass",
                "Parameters": {
                    "format.$": "States.Format('{}-{}', $.step, $.n)",
                    "length.$": "States.ArrayLength($.items)",
                    "partition.$": "States.ArrayPartition($.items, 2)",
                    "text.$": "States.JsonToString($.object)",
                    "object.$": "States.StringToJson('{\"x\": 1}')",
                    "merged.$": "States.JsonMerge($.object, $.other, false)",
                    "split.$": "States.StringSplit('a,b', ',')",
                    "sum.$": "States.MathAdd($.n, -1)",
                    "name.$": "$$.Execution.Name",
                    "start.$": "$$.Execution.StartTime",
                    "state.$": "$$.State.Name",
                },
                "End": True,
            }
        },
        {"step": "align", "n": 2, "items": [1, 2, 3], "object": {"a": 1}, "other": {"a": 2, "b": 3}},
    )
    assert output.pop("name")
    assert time.strptime(output.pop("start"), "%Y-%m-%dT%H:%M:%S.%fZ")  # guide, "Context object": ISO 8601
    assert output == {
        "format": "align-2",
        "length": 3,
        "partition": [[1, 2], [3]],
        "text": '{"a":1}',
        "object": {"x": 1},
        "merged": {"a": 2, "b": 3},
        "split": ["a", "b"],
        "sum": 1,
        "state": "P",
    }


def test_a_function_s_answer_can_be_selected_and_placed(machines: Machines) -> None:
    states = {"L": invoke({"Payload.$": "$.in"}, ResultSelector={"got.$": "$.Payload.x"}, ResultPath="$.out")}
    assert machines.output(states, {"in": {"x": [1]}}) == {"in": {"x": [1]}, "out": {"got": [1]}}


def test_a_function_can_be_the_resource_itself(machines: Machines) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:states"
    assert machines.output({"L": {"Type": "Task", "Resource": arn, "End": True}}, {"x": 1}) == {"x": 1}


def test_a_function_s_error_is_caught_by_its_type(machines: Machines) -> None:
    # guide, "Error names" and "Fallback states": the error's name is the exception's, its cause the error payload
    states = {
        "L": invoke(
            {"Payload": {"error": "SampleError"}},
            Catch=[
                {"ErrorEquals": ["OtherError"], "Next": "Wrong"},
                {"ErrorEquals": ["SampleError"], "ResultPath": "$.failure", "Next": "Caught"},
            ],
        ),
        "Wrong": {"Type": "Fail"},
        "Caught": {"Type": "Pass", "End": True},
    }
    output = machines.output(states, {"sample": "NA12878"})
    assert (output["sample"], output["failure"]["Error"]) == ("NA12878", "SampleError")
    assert json.loads(output["failure"]["Cause"])["errorMessage"] == "because"


def test_a_failed_task_is_tried_again_after_growing_intervals(machines: Machines) -> None:
    # ASL specification, "Errors": MaxAttempts retries, IntervalSeconds * BackoffRate ** (attempt - 1)
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1.5}]
    machine = machines.create({"StartAt": "L", "States": {"L": invoke({"Payload": {"error": "E"}}, Retry=retry)}})
    detail = machines.ended(execution := machines.start(machine))
    assert (detail["status"], detail["error"]) == ("FAILED", "E")
    tries = [e["timestamp"] for e in machines.history(execution) if e["type"] == "TaskScheduled"]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(tries)]
    # What the machine does meanwhile comes on top.
    assert len(gaps) == 2
    assert gaps[0] >= 0.99
    assert gaps[1] >= 1.49


def test_a_batch_job_is_awaited_and_its_description_is_the_output(machines: Machines) -> None:
    # guide, "Run AWS Batch workloads with Step Functions"
    output = machines.output({"B": machines.batch("echo done")})
    assert (output["Status"], output["StatusReason"]) == ("SUCCEEDED", "Essential container in task exited")
    assert output["Container"]["ExitCode"] == 0
    assert output["Parameters"] == {"script": "echo done"}
    assert isinstance(output["StoppedAt"], int)
    # guide, same page: jobs that it starts carry MANAGED_BY_AWS=STARTED_BY_STEP_FUNCTIONS
    assert {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in output["Container"]["Environment"]


def test_a_failed_batch_job_fails_its_state_with_the_job_as_cause(machines: Machines) -> None:
    # guide, "Error names": States.TaskFailed; the cause is the job as DescribeJobs tells of it, in upper camel case
    detail = machines.run({"B": machines.batch("exit 7")})
    assert (detail["status"], detail["error"]) == ("FAILED", "States.TaskFailed")
    job = json.loads(detail["cause"])
    assert job["Container"]["ExitCode"] == 7
    assert job["Attempts"][0]["Container"]["LogStreamName"] == job["Container"]["LogStreamName"]
    assert (job["JobName"], job["Status"]) == ("job", "FAILED")
    assert job["JobId"]


def test_a_job_that_cannot_be_submitted_fails_with_the_service_s_error(machines: Machines) -> None:
    state = machines.batch("true")
    state["Parameters"]["JobQueue"] = "none"
    detail = machines.run({"B": state})
    assert detail["error"] == "Batch.ClientException"
    assert "Job queue none does not exist" in detail["cause"]


def test_a_state_that_takes_too_long_times_out_and_its_job_is_ended(machines: Machines) -> None:
    # ASL specification, "Timeouts": States.Timeout; guide: a job whose state is stopped is cancelled, best effort
    machine = machines.create({"StartAt": "B", "States": {"B": machines.batch("sleep 60", TimeoutSeconds=1)}})
    detail = machines.ended(execution := machines.start(machine))
    assert (detail["status"], detail["error"]) == ("FAILED", "States.Timeout")
    assert [e["type"] for e in machines.history(execution)][-2:] == ["TaskTimedOut", "ExecutionFailed"]
    assert_job_is_terminated(machines, execution)


def test_stopping_an_execution_ends_it_at_once_and_its_job_too(machines: Machines) -> None:
    machine = machines.create({"StartAt": "B", "States": {"B": machines.batch("sleep 60")}})
    execution = machines.start(machine)
    until_submitted(machines, execution)
    machines.client.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    detail = machines.client.describe_execution(executionArn=execution)
    assert (detail["status"], detail["error"], detail["cause"]) == ("ABORTED", "Stopped", "by hand")
    assert_job_is_terminated(machines, execution)
    last = machines.history(execution)[-1]
    assert last["type"] == "ExecutionAborted"
    assert last["executionAbortedEventDetails"] == {"error": "Stopped", "cause": "by hand"}
    assert machines.client.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_an_execution_that_takes_too_long_times_out(machines: Machines) -> None:
    # ASL specification: TimeoutSeconds of the whole machine
    states = {"W": {"Type": "Wait", "Seconds": 60, "End": True}}
    machine = machines.create({"StartAt": "W", "States": states, "TimeoutSeconds": 1})
    detail = machines.ended(execution := machines.start(machine))
    assert detail["status"] == "TIMED_OUT"
    assert detail["stopDate"]
    assert machines.history(execution)[-1]["type"] == "ExecutionTimedOut"


def until_submitted(machines: Machines, execution: str) -> str:
    """The id of the job that the execution has started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for event in machines.history(execution):
            if event["type"] == "TaskSubmitted":
                return str(json.loads(event["taskSubmittedEventDetails"]["output"])["JobId"])
        time.sleep(0.01)
    raise AssertionError("no job was submitted")


def assert_job_is_terminated(machines: Machines, execution: str) -> None:
    job = until_submitted(machines, execution)
    deadline = time.monotonic() + 60
    while (detail := machines.services.client("batch").describe_jobs(jobs=[job])["jobs"][0])["status"] != "FAILED":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert detail["isTerminated"]


def test_a_map_selects_items_keeps_their_order_and_bounds_concurrency(machines: Machines) -> None:
    states = {
        "M": {
            "Type": "Map",
            "ItemsPath": "$.samples",
            "MaxConcurrency": 2,
            "ItemSelector": {"sample.$": "$$.Map.Item.Value.name", "index.$": "$$.Map.Item.Index", "run.$": "$.run"},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "P",
                "States": {"P": {"Type": "Pass", "End": True}},
            },
            "ResultPath": "$.done",
            "End": True,
        }
    }  # fmt: skip
    samples = [{"name": f"s{number}"} for number in range(7)]
    output = machines.output(states, {"run": "r1", "samples": samples})
    assert output["done"] == [{"sample": f"s{n}", "index": n, "run": "r1"} for n in range(7)]
    assert machines.output(states, {"run": "r1", "samples": []})["done"] == []


def test_a_map_of_many_items_needs_no_stack(machines: Machines) -> None:
    states = {
        "M": {
            "Type": "Map",
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
            "End": True,
        }
    }
    assert len(machines.output(states, list(range(400)))) == 400


def test_an_iteration_that_catches_its_error_leaves_the_others_alone(machines: Machines) -> None:
    job = machines.batch("", Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Failed"}])
    job["Parameters"]["Parameters"] = {"script.$": "States.Format('exit {}', $.code)"}
    job["ResultSelector"] = {"status.$": "$.Status"}
    failed = {"Type": "Pass", "Parameters": {"status": "caught", "error.$": "$.failure.Error"}, "End": True}
    processor = {"StartAt": "B", "States": {"B": job, "Failed": failed}}
    states = {"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}
    assert machines.output(states, [{"code": "0"}, {"code": "1"}, {"code": "0"}]) == [
        {"status": "SUCCEEDED"},
        {"status": "caught", "error": "States.TaskFailed"},
        {"status": "SUCCEEDED"},
    ]


def test_an_iteration_that_fails_fails_the_map_and_ends_the_others(machines: Machines) -> None:
    # ASL specification, "Map State": if any iteration fails, the whole state is considered to have failed and all
    # the iterations are terminated
    job = machines.batch("")
    job["Parameters"]["Parameters"] = {"script.$": "$.script"}
    states = {"M": {"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {"B": job}}, "End": True}}
    machine = machines.create({"StartAt": "M", "States": states})
    execution = machines.start(machine, [{"script": "sleep 60"}, {"script": "sleep 0.3; exit 1"}])
    detail = machines.ended(execution)
    assert (detail["status"], detail["error"]) == ("FAILED", "States.TaskFailed")
    submitted = [
        json.loads(event["taskSubmittedEventDetails"]["output"])["JobId"]
        for event in machines.history(execution)
        if event["type"] == "TaskSubmitted"
    ]
    deadline = time.monotonic() + 60
    while {job["status"] for job in machines.services.client("batch").describe_jobs(jobs=submitted)["jobs"]} != {
        "FAILED"
    }:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_map_s_failure_is_caught_and_tried_again_by_the_error_of_the_iteration(machines: Machines) -> None:
    # ASL specification, "Map State": Retry and Catch of a Map handle the errors of its iterations
    states = {
        "M": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "B", "States": {"B": machines.batch("exit 1")}},
            "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 3}],
            "Catch": [
                {"ErrorEquals": ["States.Timeout"], "Next": "Wrong"},
                {"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$[0]", "Next": "Caught"},
            ],
            "End": True,
        },
        "Wrong": {"Type": "Fail"},
        "Caught": {"Type": "Pass", "End": True},
    }
    [failure] = machines.output(states, [{}])
    assert failure["Error"] == "States.TaskFailed"


def test_choices_parallel_branches_and_failures_end_as_defined(machines: Machines) -> None:
    choice = {
        "C": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "NumericGreaterThan": 1}],
                    "Next": "F",
                }
            ],
            "Default": "X",
        },
        "F": {"Type": "Fail", "Error": "SampleFailed", "CausePath": "$.why"},
        "X": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1, "End": True}}},
                {"StartAt": "B", "States": {"B": {"Type": "Pass", "Result": 2, "End": True}}},
            ],
            "End": True,
        },
    }  # fmt: skip
    assert machines.output(choice, {}) == [1, 2]
    detail = machines.run(choice, {"n": 2, "why": "NA12878: align failed"})
    assert (detail["status"], detail["error"], detail["cause"]) == ("FAILED", "SampleFailed", "NA12878: align failed")


def test_tasks_reach_dynamodb_sns_sqs_and_eventbridge(machines: Machines) -> None:
    client = machines.services.client
    client("dynamodb").create_table(
        TableName="states", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )  # fmt: skip
    queue = client("sqs").create_queue(QueueName="states")["QueueUrl"]
    topic = client("sns").create_topic(Name="states")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:states")
    client("events").put_rule(
        Name="states", EventPattern=json.dumps({"source": ["genomics"], "detail-type": ["Tried"]})
    )
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:states", "InputPath": "$.detail"}
    client("events").put_targets(Rule="states", Targets=[target])

    def task(resource: str, parameters: Any, following: str | None) -> dict[str, Any]:
        ending: dict[str, Any] = {"Next": following} if following else {"End": True}
        return {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Parameters": parameters,
            "ResultPath": None,
            **ending,
        }

    entry = {"Source": "genomics", "DetailType": "Tried", "Detail": {"run.$": "$.run"}}
    states = {
        "D": task("dynamodb:putItem", {"TableName": "states", "Item": {"k": {"S.$": "$.run"}, "n": {"N": "1"}}}, "S"),
        "S": task("sns:publish", {"TopicArn": topic, "Message": {"told.$": "$.run"}}, "Q"),
        "Q": task("sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"sent.$": "$.run"}}, "E"),
        "E": task("events:putEvents", {"Entries": [entry]}, None),
    }
    assert machines.output(states, {"run": "r1"}) == {"run": "r1"}
    assert client("dynamodb").get_item(TableName="states", Key={"k": {"S": "r1"}})["Item"]["n"] == {"N": "1"}
    bodies: list[Any] = []
    while len(bodies) < 3:
        received = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5, MaxNumberOfMessages=10)
        bodies += [json.loads(message["Body"]) for message in received["Messages"]]
    told = [json.loads(body["Message"]) if "Message" in body else body for body in bodies]
    assert sorted(told, key=str) == [{"run": "r1"}, {"sent": "r1"}, {"told": "r1"}]
    client("events").remove_targets(Rule="states", Ids=["queue"])


def test_an_sdk_integration_spells_times_in_iso_8601(machines: Machines) -> None:
    machines.services.client("s3").create_bucket(Bucket="states")
    machines.services.client("s3").put_object(Bucket="states", Key="k", Body=b"x")
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:headObject", "End": True}
    output = machines.output({"S": {**task, "Parameters": {"Bucket": "states", "Key": "k"}}})
    assert output["ContentLength"] == 1
    assert output["LastModified"].endswith("Z")


def test_tasks_call_services_as_the_machine_s_role(machines: Machines, services: Any) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sts:getCallerIdentity",
        "Parameters": {},
        "End": True,
    }
    machine = machines.create({"StartAt": "S", "States": {"S": state}}, role=services.role("another-machine"))
    detail = machines.ended(machines.start(machine))
    assert json.loads(detail["output"])["Arn"].startswith("arn:aws:sts::123456789012:assumed-role/another-machine/")


def test_the_history_tells_every_step_and_is_read_in_pages_or_backwards(machines: Machines) -> None:
    machine = machines.create({"StartAt": "B", "States": {"B": machines.batch("true")}})
    execution = machines.start(machine)
    machines.ended(execution)
    events = machines.history(execution, PaginationConfig={"PageSize": 3})
    assert [event["type"] for event in events] == [
        "ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded",
        "TaskStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert [event["id"] for event in events] == list(range(1, 9))
    scheduled = events[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("batch", "submitJob.sync")
    assert json.loads(scheduled["parameters"])["JobDefinition"] == machines.job_definition
    backwards = machines.client.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)
    assert backwards["events"][0]["type"] == "ExecutionSucceeded"


def test_status_changes_are_events(machines: Machines) -> None:
    # guide, "Automating event delivery with EventBridge": aws.states, "Step Functions Execution Status Change"
    client = machines.services.client
    queue = client("sqs").create_queue(QueueName="status-changes")["QueueUrl"]
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"]}}
    client("events").put_rule(Name="status-changes", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:status-changes"}
    client("events").put_targets(Rule="status-changes", Targets=[target])
    detail = machines.run({"F": {"Type": "Fail", "Error": "E", "Cause": "C"}})
    [message] = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert (event["detail"]["executionArn"], event["detail"]["error"]) == (detail["executionArn"], "E")
    assert (event["detail"]["redriveCount"], event["detail"]["redriveDate"]) == (0, None)
    client("events").remove_targets(Rule="status-changes", Ids=["queue"])


def test_a_redrive_is_an_event_that_a_start_is_not(machines: Machines) -> None:
    client = machines.services.client
    queue = client("sqs").create_queue(QueueName="redrives")["QueueUrl"]
    detail = {"status": ["RUNNING"], "redriveCount": [{"numeric": [">", 0]}]}
    client("events").put_rule(Name="redrives", EventPattern=json.dumps({"source": ["aws.states"], "detail": detail}))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:redrives"}
    client("events").put_targets(Rule="redrives", Targets=[target])
    ended = machines.run({"F": {"Type": "Fail"}})
    machines.client.redrive_execution(executionArn=ended["executionArn"])
    [message] = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5, MaxNumberOfMessages=10)["Messages"]
    told = json.loads(message["Body"])["detail"]
    assert (told["executionArn"], told["redriveCount"]) == (ended["executionArn"], 1)
    assert told["redriveDate"] > told["startDate"]
    client("events").remove_targets(Rule="redrives", Ids=["queue"])


def test_a_definition_that_is_none_is_refused(machines: Machines) -> None:
    with pytest.raises(ClientError) as refusal:
        machines.create({"StartAt": "X", "States": {"X": {"Type": "Nonsense"}}})
    assert refusal.value.response["Error"]["Code"] == "InvalidDefinition"


def test_parameters_and_answers_are_spelled_for_either_side() -> None:
    operation = step_functions_tasks._operation("batch", "submit_job")
    spelled = step_functions_tasks.to_request(
        {
            "JobName": "j",
            "ContainerOverrides": {"Environment": [{"Name": "A", "Value": "1"}]},
            "Parameters": {"Keep": "k"},
        },
        operation.input_shape,
    )  # fmt: skip
    assert spelled == {
        "jobName": "j",
        "containerOverrides": {"environment": [{"name": "A", "value": "1"}]},
        "parameters": {"Keep": "k"},
    }
    answer: Shape = operation.output_shape
    assert step_functions_tasks.to_answer({"jobId": "1"}, answer, step_functions_tasks.iso_8601) == {"JobId": "1"}


def test_more_jobs_than_a_map_has_at_once_all_come_back(machines: Machines) -> None:
    job = machines.batch("true", ResultSelector={"s.$": "$.Status"})
    states = {"M": {"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {"B": job}}, "End": True}}
    assert machines.output(states, list(range(60))) == [{"s": "SUCCEEDED"}] * 60


@pytest.mark.parametrize(
    ("resource", "rule"),
    [
        ("batch:submitJob.sync", "StepFunctionsGetEventsForBatchJobsRule"),
        ("states:startExecution.sync:2", "StepFunctionsGetEventsForStepFunctionsExecutionRule"),
    ],
)
def test_a_sync_task_takes_a_role_that_may_make_its_managed_rule(machines: Machines, resource: str, rule: str) -> None:
    # guide, "Run AWS Batch workloads with Step Functions" and "Start a new AWS Step Functions state machine from a
    # running execution": events:PutTargets, events:PutRule and events:DescribeRule on the rule
    name = resource.partition(":")[0]
    role = machines.services.role(f"no-rule-{name}", "batch:*", "states:*", "events:PutRule", "events:PutTargets")
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": {}, "End": True}
    definition = {"StartAt": "Task", "States": {"Task": task}}
    waiting = {"StartAt": "Task", "States": {"Task": {**task, "Resource": task["Resource"].partition(".sync")[0]}}}
    machine = machines.create(waiting, role)
    refused = rf"AccessDeniedException.*'{role}' is not authorized to create managed-rule"
    with pytest.raises(ClientError, match=refused):
        machines.create(definition, role)
    with pytest.raises(ClientError, match=refused):
        machines.client.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))
    statement = {"Effect": "Allow", "Action": "events:DescribeRule", "Resource": f"arn:aws:events:*:*:rule/{rule}"}
    machines.services.client("iam").put_role_policy(
        RoleName=f"no-rule-{name}",
        PolicyName="rule",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    machines.client.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))
