"""What CloudWatch knows after something has run, and what alarms do about it."""

import io
import json
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from embedded_aws import clock
from embedded_aws.monitoring import alarms, service
from tests.embedded_aws.conftest import Services
from tests.waiting import until

CODE = """
import json, time
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no")
    directive = {"Namespace": "Tests", "Dimensions": [["Kind"]], "Metrics": [{"Name": "Size"}]}
    print(json.dumps({"_aws": {"Timestamp": time.time() * 1000, "CloudWatchMetrics": [directive]},
                      "Kind": "large", "Size": event["sizes"]}))
"""


def statistics(services: Services, namespace: str, name: str, stat: str, **dimensions: str) -> list[float]:
    """The statistic from a day ago to the time that the clock has been advanced to; empty where there is no value."""
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60_000_000, "Stat": stat}}
    answer = services.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query],
        StartTime=datetime.now(UTC) - timedelta(days=1),
        EndTime=datetime.fromtimestamp(clock.now(), UTC) + timedelta(minutes=1),
    )
    values: list[float] = answer["MetricDataResults"][0]["Values"]
    return values


def listed(services: Services, namespace: str, **dimensions: str) -> list[str]:
    """Names of the metrics of a namespace with these dimensions."""
    wanted = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    pages = services.client("cloudwatch").get_paginator("list_metrics")
    found = pages.paginate(Namespace=namespace, Dimensions=wanted)
    return sorted(metric["MetricName"] for page in found for metric in page["Metrics"])


@pytest.fixture(scope="module")
def function(services: Services) -> str:
    """A function that fails when it is asked to, and otherwise prints sizes in the embedded metric format."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("module.py", CODE)
    services.client("lambda").create_function(
        FunctionName="measured",
        Runtime="python3.11",
        Role=services.role("measured"),
        Handler="module.handler",
        Code={"ZipFile": package.getvalue()},
    )
    for event in ({"sizes": [1, 2, 3]}, {"sizes": 10}, {"fail": True}):
        services.client("lambda").invoke(FunctionName="measured", Payload=json.dumps(event))
    return "measured"


# Lambda Developer Guide, "Types of metrics for Lambda functions"
def test_a_function_reports_invocations_errors_and_duration(services: Services, function: str) -> None:
    assert listed(services, "AWS/Lambda", FunctionName=function) == ["Duration", "Errors", "Invocations"]
    assert statistics(services, "AWS/Lambda", "Invocations", "Sum", FunctionName=function) == [3]
    assert statistics(services, "AWS/Lambda", "Errors", "Sum", FunctionName=function) == [1]
    assert statistics(services, "AWS/Lambda", "Errors", "SampleCount", FunctionName=function) == [3]
    assert statistics(services, "AWS/Lambda", "Duration", "Minimum", FunctionName=function)[0] > 0


def test_what_a_function_prints_in_the_format_is_counted(services: Services, function: str) -> None:
    until(lambda: statistics(services, "Tests", "Size", "SampleCount", Kind="large") == [4])
    assert statistics(services, "Tests", "Size", "Sum", Kind="large") == [16]
    assert statistics(services, "Tests", "Size", "p50", Kind="large") == [2.5]
    assert listed(services, "Tests", Kind="large") == ["Size"]


def test_what_a_client_puts_into_a_log_is_counted_too(services: Services) -> None:
    logs = services.client("logs")
    logs.create_log_group(logGroupName="own")
    logs.create_log_stream(logGroupName="own", logStreamName="one")
    directive = {"Namespace": "Own", "Dimensions": [["A", "B"]], "Metrics": [{"Name": "M"}]}
    now = int(time.time() * 1000)
    document = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "A": "1", "B": "2", "M": 5}
    events = [{"timestamp": now, "message": json.dumps(document)} for _ in range(2)]
    logs.put_log_events(logGroupName="own", logStreamName="one", logEvents=events)
    assert listed(services, "Own") == ["M"]
    assert statistics(services, "Own", "M", "Sum", A="1", B="2") == [10]


def run(services: Services, name: str, definition: Mapping[str, Any], *, stop: bool = False) -> str:
    """Execute a new state machine once; its ARN when the execution has ended."""
    machines = services.client("stepfunctions")
    arn: str = machines.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=services.role(f"of-{name}")
    )["stateMachineArn"]
    execution = machines.start_execution(stateMachineArn=arn)["executionArn"]
    if stop:
        machines.stop_execution(executionArn=execution)
    until(lambda: machines.describe_execution(executionArn=execution)["status"] != "RUNNING")
    return arn


COUNTS = ("ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")


# Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch"
@pytest.mark.parametrize(
    ("ending", "state", "more"),
    [
        ("ExecutionsSucceeded", {"Type": "Succeed"}, {}),
        ("ExecutionsFailed", {"Type": "Fail", "Error": "E"}, {}),
        ("ExecutionsTimedOut", {"Type": "Wait", "Seconds": 30, "End": True}, {"TimeoutSeconds": 1}),
        ("ExecutionsAborted", {"Type": "Wait", "Seconds": 5, "End": True}, {}),
    ],
)
def test_an_execution_is_counted_by_how_it_has_ended(
    services: Services, ending: str, state: dict[str, Any], more: dict[str, Any]
) -> None:
    definition = {"StartAt": "Only", "States": {"Only": state}, **more}
    arn = run(services, f"counted-{ending}", definition, stop=ending == "ExecutionsAborted")

    def counted(name: str) -> list[float]:
        return statistics(services, "AWS/States", name, "Sum", StateMachineArn=arn)

    until(lambda: counted("ExecutionTime") != [])
    assert {name: counted(name) for name in COUNTS} == {name: [int(name == ending)] for name in COUNTS}
    assert counted("ExecutionsStarted") == [1]
    # "emits two ExecutionsStarted metrics for every state machine execution": 1 at its start, 0 at its end
    assert statistics(services, "AWS/States", "ExecutionsStarted", "SampleCount", StateMachineArn=arn) == [2]


def test_a_queue_tells_how_deep_it_is(services: Services) -> None:
    sqs = services.client("sqs")
    url = sqs.create_queue(QueueName="deep")["QueueUrl"]
    for body in ("a", "b", "c"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.receive_message(QueueUrl=url)
    for name, depth in {"Visible": 2, "NotVisible": 1, "Delayed": 0}.items():
        full = f"ApproximateNumberOfMessages{name}"
        assert statistics(services, "AWS/SQS", full, "Maximum", QueueName="deep") == [depth]


@pytest.mark.parametrize(
    ("values", "rank", "expected"), [([], 50, None), ([7], 95, 7), ([4, 1, 3, 2], 50, 2.5), ([0, 10], 95, 9.5)]
)
def test_a_percentile_lies_between_values(values: list[float], rank: float, expected: float | None) -> None:
    assert service.percentile(values, rank) == expected


@pytest.fixture
def alarmed(services: Services) -> Any:
    """A queue with an alarm on its depth; `look` gives the alarm's state, and what its topic was told, after a look."""
    sqs, sns, cloudwatch = services.client("sqs"), services.client("sns"), services.client("cloudwatch")
    url = sqs.create_queue(QueueName="watched")["QueueUrl"]
    topic = sns.create_topic(Name="watchers")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="watcher@lab.example")
    cloudwatch.put_metric_alarm(
        AlarmName="not-empty",
        AlarmDescription="Letters lie here",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "watched"}],
        Statistic="Maximum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )

    def look() -> tuple[str, list[str]]:
        alarms.evaluate(services.context)
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=["not-empty"])["MetricAlarms"]
        mails = sorted((services.context.data / "mail" / "watcher@lab.example").glob("*.eml"))
        return alarm["StateValue"], [mail.read_text() for mail in mails]

    yield sqs, url, look
    cloudwatch.delete_alarms(AlarmNames=["not-empty"])


def test_an_alarm_tells_its_topic_once_and_goes_back(alarmed: Any) -> None:
    sqs, url, look = alarmed
    assert look() == ("OK", [])
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    state, mails = look()
    assert (state, len(mails)) == ("ALARM", 1)
    assert 'Subject: ALARM: "not-empty"' in mails[0]
    assert "Letters lie here" in mails[0]
    assert look() == ("ALARM", mails)
    sqs.purge_queue(QueueUrl=url)
    assert look() == ("OK", mails)


# CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data"
@pytest.mark.parametrize(
    ("treated", "state"), [("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM"), ("notBreaching", "OK")]
)
def test_an_alarm_without_values_does_as_it_was_told(services: Services, treated: str, state: str) -> None:
    cloudwatch = services.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="silent",
        Namespace="Silence",
        MetricName="Nothing",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData=treated,
    )
    alarms.evaluate(services.context)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["silent"])["MetricAlarms"]
    assert alarm["StateValue"] == state
