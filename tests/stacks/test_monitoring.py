"""The dashboard, the alarms, and who hears of runs that end badly."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from genomics.contracts.steps import OF_NO_SAMPLE, Step
from tests.machine_events import states
from tests.stacks.conftest import flat

STOPPED = ["FAILED", "TIMED_OUT", "ABORTED"]


def only(assembly: Any, kind: str, **properties: Any) -> dict[str, Any]:
    """The stack's one resource of a type, with these properties."""
    found = [
        resource["Properties"]
        for resource in assembly.resources("monitoring", kind).values()
        if all(resource["Properties"].get(name) == value for name, value in properties.items())
    ]
    (one,) = found
    return dict(one)


def widgets(assembly: Any) -> list[dict[str, Any]]:
    body = json.loads(flat(only(assembly, "AWS::CloudWatch::Dashboard")["DashboardBody"]))
    return [widget["properties"] for widget in body["widgets"]]


def metrics(widget: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Namespace, name and statistic of the metrics of a widget that are not searched for."""
    for metric in widget["metrics"]:
        if isinstance(metric[0], str):
            yield metric[0], metric[1], metric[-1].get("stat", "Average")


@pytest.mark.parametrize("title", ["Runs", "Loads"])
def test_executions_are_shown_by_how_they_end(assembly: Any, title: str) -> None:
    (counts,) = [w for w in widgets(assembly) if w["title"] == title]
    assert list(metrics(counts)) == [
        ("AWS/States", f"Executions{ending}", "Sum")
        for ending in ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
    ]
    (durations,) = [w for w in widgets(assembly) if w["title"].startswith(f"{title}: duration")]
    assert list(metrics(durations)) == [("AWS/States", "ExecutionTime", stat) for stat in ("p50", "p95")]


def test_jobs_are_shown_by_queue_and_by_tool(assembly: Any) -> None:
    shown = {w["title"]: w for w in widgets(assembly)}
    counts = [each[0] for each in shown["Jobs that ended, by queue"]["metrics"]]
    assert [count["label"] for count in counts] == ["succeeded", "failed", "Spot interruptions"]
    for count, metric in zip(counts, ("JobsSucceeded", "JobsFailed", "SpotInterruptions"), strict=True):
        assert count["expression"].startswith("SEARCH('{Genomics,Project,Queue} ")
        assert f'MetricName="{metric}"' in count["expression"]
    (by_tool,) = shown["Failed jobs by tool"]["metrics"]
    assert by_tool[0]["expression"] == (
        f"SEARCH('{{Genomics,Project,Tool}} Project=\"{assembly.project}\" MetricName=\"JobsFailed\"', 'Sum', 300)"
    )


def test_costs_are_shown_by_tool_and_for_a_sample(assembly: Any) -> None:
    shown = {w["title"]: w for w in widgets(assembly)}
    (by_tool,) = shown["Estimated cost by tool and day, US dollars"]["metrics"]
    assert "MetricName=\"EstimatedCost\"', 'Sum', 86400)" in by_tool[0]["expression"]
    quotient, samples = shown["Estimated cost of a sample, by day, US dollars"]["metrics"]
    assert quotient[0]["expression"] == f"SUM({by_tool[0]['expression']}) / samples"
    assert samples[:2] == ["Genomics", "JobsSucceeded"]
    assert samples[samples.index("Tool") + 1] == Step.GATHER_VARIANTS
    assert (samples[-1]["id"], samples[-1]["period"]) == ("samples", 86400)


def test_every_function_on_a_runs_way_is_shown(assembly: Any) -> None:
    (errors,) = [w for w in widgets(assembly) if w["title"] == "Functions that failed"]
    functions = [
        function
        for stack in ("secondary", "lake", "monitoring")
        for function in assembly.resources(stack, "AWS::Lambda::Function")
    ]
    assert len(errors["metrics"]) == len(functions)
    assert {metric[-1]["label"] for metric in errors["metrics"]} >= {"StartRun", "PlanLoad", "RecordJob"}


def test_every_dead_letter_queue_is_shown_and_has_an_alarm(assembly: Any) -> None:
    (depths,) = [w for w in widgets(assembly) if w["title"] == "Dead letters"]
    titles = {metric[-1]["label"] for metric in depths["metrics"]}
    assert titles == {"Transfers", "Inbox", "Run folders", "Loads", "Archive", "Events to record"}
    alarms = {
        alarm["Properties"]["AlarmDescription"]: alarm["Properties"]
        for alarm in assembly.resources("monitoring", "AWS::CloudWatch::Alarm").values()
        if "MetricName" in alarm["Properties"]
    }
    assert set(alarms) == {f"{title}: dead letters" for title in titles}
    for alarm in alarms.values():
        assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")
        assert len(alarm["AlarmActions"]) == 1


def test_what_is_unusual_has_an_alarm(assembly: Any) -> None:
    found = {}
    for alarm in assembly.resources("monitoring", "AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        if "Metrics" in properties:
            (metric,) = [m["MetricStat"] for m in properties["Metrics"] if "MetricStat" in m]
            (band,) = [m for m in properties["Metrics"] if "Expression" in m]
            assert band["Expression"].startswith("ANOMALY_DETECTION_BAND(")
            assert properties["ThresholdMetricId"] == band["Id"]
            assert properties["ComparisonOperator"] == "GreaterThanUpperThreshold"
            found[metric["Metric"]["MetricName"]] = metric["Stat"], metric["Period"]
    assert found == {"ExecutionTime": ("p95", 3600), "JobsFailed": ("Sum", 3600)}


@pytest.mark.parametrize(
    ("machines", "words"),
    [
        ("secondary/Runs", ("detail-name", "status")),
        ("secondary/Demultiplexings", ("detail-name", "status")),
        ("lake/", ("detail-input",)),
    ],
)
def test_executions_that_end_badly_are_recorded_and_mailed(
    assembly: Any, machines: str, words: tuple[str, ...]
) -> None:
    found = assembly.resources(kind="AWS::StepFunctions::StateMachine")
    (machine,) = (name for name in found if name.startswith(machines))
    rules = [
        rule["Properties"]
        for rule in assembly.resources("monitoring", "AWS::Events::Rule").values()
        if rule["Properties"]["EventPattern"]["source"] == ["aws.states"]
        and rule["Properties"]["EventPattern"]["detail"]["status"] == STOPPED
        and machine.split("/")[1] in flat(rule["Properties"]["EventPattern"]["detail"]["stateMachineArn"][0])
    ]
    ((rule),) = rules
    record, mail = rule["Targets"]
    assert "RecordExecution" in flat(record["Arn"])
    assert "Topic" in flat(mail["Arn"])
    for word in ("detail-status", "detail-cause", *words):
        assert word in mail["InputTransformer"]["InputTemplate"]
    assert all("DeadLetterConfig" in target for target in rule["Targets"])


def test_who_is_told_of_trouble_is_told_of_runs_to_sign_off(assembly: Any) -> None:
    rules = [rule["Properties"] for rule in assembly.resources("monitoring", "AWS::Events::Rule").values()]
    (rule,) = [rule for rule in rules if rule["EventPattern"].get("detail-type") == ["SignOffAwaited"]]
    assert rule["EventPattern"]["source"] == ["genomics"]
    # Of this deployment's runs, not of another's in the account.
    (place,) = rule["EventPattern"]["detail"]["results"]
    assert "Sequencing" in flat(place["prefix"])
    (mail,) = rule["Targets"]
    assert "Topic" in flat(mail["Arn"])
    assert "DeadLetterConfig" in mail
    text = mail["InputTransformer"]["InputTemplate"]
    for words in ("<detail-study>", "until <detail-until>", "`genomics sign-off <detail-run_id> --approve --by NAME"):
        assert words in text


def test_runs_that_are_redriven_are_recorded_and_those_that_start_are_not(assembly: Any) -> None:
    (rule,) = [
        rule["Properties"]
        for rule in assembly.resources("monitoring", "AWS::Events::Rule").values()
        if rule["Properties"]["EventPattern"].get("detail", {}).get("status") == ["RUNNING"]
    ]
    detail = rule["EventPattern"]["detail"]
    machines = [flat(arn) for arn in detail["stateMachineArn"]]
    assert ["Runs" in machines[0], "Demultiplexings" in machines[1], len(machines)] == [True, True, 2]
    assert detail["redriveCount"] == [{"numeric": [">", 0]}]
    (record,) = rule["Targets"]
    assert "RecordExecution" in flat(record["Arn"])


def test_only_this_deployments_jobs_are_recorded(assembly: Any) -> None:
    (rule,) = [
        rule["Properties"]["EventPattern"]
        for rule in assembly.resources("monitoring", "AWS::Events::Rule").values()
        if rule["Properties"]["EventPattern"]["source"] == ["aws.batch"]
    ]
    assert rule["detail-type"] == ["Batch Job State Change"]
    assert "FleetQueue" in flat(rule["detail"]["jobQueue"][0])
    assert rule["detail"]["status"] == ["SUCCEEDED", "FAILED"]


def test_alarms_and_rules_may_use_every_topic_that_they_tell(assembly: Any) -> None:
    statements = [
        statement
        for policy in assembly.resources("monitoring", "AWS::SNS::TopicPolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    principals = {statement["Principal"]["Service"] for statement in statements}
    assert principals == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    key = only(assembly, "AWS::KMS::Key")
    users = {
        statement["Principal"]["Service"]
        for statement in key["KeyPolicy"]["Statement"]
        if "Service" in statement["Principal"]
    }
    assert users == principals


def test_who_is_told_is_a_setting(default: Any, other: Any) -> None:
    assert default.resources("monitoring", "AWS::SNS::Subscription") == {}
    assert only(other, "AWS::SNS::Subscription")["Endpoint"] == "lab@example.org"


def test_every_batch_job_carries_what_its_costs_are_asked_for_by(assembly: Any) -> None:
    tags = {}
    for machine in assembly.resources(kind="AWS::StepFunctions::StateMachine").values():
        definition = json.loads(flat(machine["Properties"]["DefinitionString"]))
        for name, state in states(definition):
            if state.get("Resource", "").endswith("batch:submitJob.sync"):
                tags[name] = state["Parameters"]["Tags"]
    project = {"project": assembly.project}
    of_run = project | {"run.$": "$.run_id"}
    of_samples = [step for step in Step if step not in OF_NO_SAMPLE]
    steps = {"".join(word.capitalize() for word in step.split("_")): step for step in of_samples}
    studies = project | {"tool": "archive_study", "study.$": "$.study"}
    assert tags == {
        "Demultiplex": of_run | {"tool": "demultiplex"},
        "PrepareReference": of_run | {"tool": "prepare_reference"},
        "PrepareAnnotation": of_run | {"tool": "prepare_annotation"},
        **{name: of_run | {"sample.$": "$.sample", "tool": step.value} for name, step in steps.items()},
        "ArchiveStudy": studies,
        "RestoreStudy": studies,
    }
    for definition in assembly.resources(kind="AWS::Batch::JobDefinition").values():
        assert definition["Properties"]["PropagateTags"] is True
