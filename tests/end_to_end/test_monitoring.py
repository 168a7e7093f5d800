"""What is on the dashboard is what runs really produce, and who looks after them is told how they end."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.demultiplexing import demultiplexing_id
from genomics.contracts.ledger import RUN, LedgerEntry, from_item, to_item
from genomics.contracts.runs import RunRequest, State
from tests.end_to_end.run_folders import Sequencing
from tests.waiting import until

ADDRESS = "operator@lab.example"
FAILED, STOPPED, UNREADABLE = "monitored-failed", "monitored-stopped", "monitored-unreadable"

Metric = tuple[str, str, frozenset[tuple[str, str]]]
_SEARCH = re.compile(r"SEARCH\('\{(?P<schema>[^}]*)\} (?P<terms>.*)', '\w+', \d+\)")


@pytest.fixture(scope="module")
def stopped(genomics: Any, analysed: Any) -> Mapping[str, str]:
    """Status by execution of runs and a load of which none ends well, while somebody is subscribed to the alarms."""
    assert analysed.status == 0, analysed.errors
    deployment = genomics.deployment
    genomics.client("sns").subscribe(TopicArn=deployment.alarm_topic_arn, Protocol="email", Endpoint=ADDRESS)
    broken = _broken_request(genomics, analysed.summary["run_id"])
    machine = deployment.run_state_machine_arn
    executions = {name: _start(genomics, machine, name, broken) for name in (FAILED, STOPPED)}
    genomics.client("stepfunctions").stop_execution(executionArn=executions[STOPPED], cause="a power cut is announced")
    executions[UNREADABLE] = _start(genomics, machine, UNREADABLE, None)
    executions["load"] = genomics.client("stepfunctions").start_execution(
        stateMachineArn=deployment.load_state_machine_arn,
        input=json.dumps({"run_id": FAILED, "study": "monitored", "results": "s3://nowhere/results.json"}),
    )["executionArn"]

    def statuses() -> dict[str, str]:
        describe = genomics.client("stepfunctions").describe_execution
        return {name: describe(executionArn=arn)["status"] for name, arn in executions.items()}

    until(lambda: "RUNNING" not in statuses().values())
    return statuses()


def _broken_request(genomics: Any, run_id: str) -> RunRequest:
    """The run's request for one sample, of which one file is not what it was."""
    key = object_keys.run_document(run_id, "request.json")
    body = genomics.client("s3").get_object(Bucket=genomics.deployment.sequencing_bucket, Key=key)["Body"].read()
    request = codec.loads(RunRequest, body)
    sample = request.samples[0]
    lane = replace(sample.lanes[0], fastq_1=replace(sample.lanes[0].fastq_1, sha256="0" * 64))
    return replace(request, study="monitored", samples=(replace(sample, lanes=(lane,)),))


def _start(genomics: Any, machine: str, name: str, request: RunRequest | None) -> str:
    """Start a run as the function of the inbox does; without a request, what it is told to read is not there."""
    deployment = genomics.deployment
    key = object_keys.run_document(name, "request.json")
    if request:
        body = codec.dumps(replace(request, run_id=name))
        genomics.client("s3").put_object(Bucket=deployment.sequencing_bucket, Key=key, Body=body)
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    entry = LedgerEntry(name, RUN, State.RUNNING, started_at="2026-01-01T00:00:00+00:00", execution_arn=arn)
    genomics.client("dynamodb").put_item(TableName=deployment.ledger_table, Item=to_item(entry))
    uri = object_keys.uri(deployment.sequencing_bucket, key)
    given = json.dumps({"run_id": name, "study": "monitored", "request": uri})
    genomics.client("stepfunctions").start_execution(stateMachineArn=machine, name=name, input=given)
    return arn


def _entry(genomics: Any, run_id: str) -> LedgerEntry:
    key = {"run_id": {"S": run_id}, "item": {"S": RUN}}
    found = genomics.client("dynamodb").get_item(TableName=genomics.deployment.ledger_table, Key=key)
    return from_item(found["Item"])


def _dashboard(genomics: Any) -> list[dict[str, Any]]:
    body = genomics.client("cloudwatch").get_dashboard(DashboardName=genomics.deployment.dashboard)["DashboardBody"]
    return [widget["properties"] for widget in json.loads(body)["widgets"]]


def _shown(widgets: list[dict[str, Any]]) -> Iterator[list[Any]]:
    for widget in widgets:
        yield from widget["metrics"]


def _listed(genomics: Any) -> set[Metric]:
    pages = genomics.client("cloudwatch").get_paginator("list_metrics").paginate()
    return {
        (m["Namespace"], m["MetricName"], frozenset((d["Name"], d["Value"]) for d in m["Dimensions"]))
        for page in pages
        for m in page["Metrics"]
    }


def _is_among(shown: list[Any], listed: set[Metric]) -> bool:
    """Whether there is the metric that a graph shows, or one at least that its search finds."""
    if isinstance(shown[0], dict):
        found = _SEARCH.search(shown[0]["expression"])
        assert found, shown
        namespace, *names = found["schema"].split(",")
        terms = dict(re.findall(r'(\w+)="([^"]*)"', found["terms"]))
        name = terms.pop("MetricName")
        return any(
            (space, metric) == (namespace, name) and {n for n, _ in given} == set(names) and terms.items() <= given
            for space, metric, given in listed
        )
    namespace, name, *rest = [part for part in shown if isinstance(part, str)]
    return (namespace, name, frozenset(zip(rest[::2], rest[1::2], strict=True))) in listed


def test_every_metric_on_the_dashboard_was_produced_by_a_run(
    genomics: Any, stopped: Any, held: Any, sequencing: Sequencing, cloud_assembly: Path
) -> None:
    sequencing.ended(demultiplexing_id(sequencing.run_id, 1))
    template = json.loads((cloud_assembly / "genomics-monitoring.template.json").read_text())
    (page,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::CloudWatch::Dashboard"]
    widgets = _dashboard(genomics)
    text = "".join(part for part in page["Properties"]["DashboardBody"]["Fn::Join"][1] if isinstance(part, str))
    assert text.count('"title"') == len(widgets)
    shown = list(_shown(widgets))
    assert len(shown) > 30

    def absent() -> list[Any]:
        listed = _listed(genomics)
        return [metric for metric in shown if not _is_among(metric, listed)]

    # Events, and the functions that they invoke, come after what they tell of.
    deadline = time.monotonic() + 60
    while absent() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert absent() == []


def test_a_metric_that_nothing_emits_would_be_noticed(genomics: Any, stopped: Any) -> None:
    (metric, *_) = [m for m in _shown(_dashboard(genomics)) if m[0] == "AWS/States"]
    (search, *_) = [m for m in _shown(_dashboard(genomics)) if isinstance(m[0], dict)]
    listed = _listed(genomics)
    assert _is_among(metric, listed)
    assert not _is_among([metric[0], "ExecutionsForgotten", *metric[2:]], listed)
    assert not _is_among([*metric[:3], "arn:of-another-machine"], listed)
    assert _is_among(search, listed)
    forgotten = re.sub(r'MetricName="\w+"', 'MetricName="JobsForgotten"', search[0]["expression"])
    assert not _is_among([{"expression": forgotten}], listed)


def test_every_job_of_a_run_carries_its_tags(genomics: Any, analysed: Any) -> None:
    run_id = analysed.summary["run_id"]
    jobs = genomics.batch_jobs(run_id).values()
    assert len(jobs) > 8
    for job in jobs:
        tags = job["tags"]
        assert (tags["project"], tags["run"]) == ("genomics", run_id)
        assert tags["tool"] in job["jobName"]
        assert tags.get("sample") in ({None} if tags["tool"].startswith("prepare_") else {"DEMO-1", "DEMO-2"})


def test_what_was_stopped_from_outside_has_ended_in_the_ledger(genomics: Any, stopped: Any) -> None:
    assert stopped == {FAILED: "FAILED", STOPPED: "ABORTED", UNREADABLE: "FAILED", "load": "FAILED"}
    until(lambda: _entry(genomics, STOPPED).state is State.FAILED)
    assert _entry(genomics, STOPPED).reason == "the execution was stopped: a power cut is announced"
    # What it could say itself is not overwritten; the run's own entry of the samples' results follows its execution.
    assert "power cut" not in (_entry(genomics, FAILED).reason or "")
    assert _entry(genomics, FAILED).state is State.FAILED


def test_who_is_subscribed_is_told_how_each_ended(genomics: Any, stopped: Any) -> None:
    folder = genomics.instance.data / "mail" / ADDRESS

    def text() -> str:
        return " ".join(" ".join(path.read_text() for path in sorted(folder.glob("*.eml"))).replace("=\n", "").split())

    for beginning in (f"Run {FAILED}: FAILED.", f"Run {STOPPED}: ABORTED.", "Loading a run into the lake: FAILED."):
        until(lambda beginning=beginning: beginning in text())  # type: ignore[misc]
    assert "a power cut is announced" in text()
    assert f"genomics status {FAILED}" in text()
