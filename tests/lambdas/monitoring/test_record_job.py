"""The metrics of a job that has ended."""

import json
from typing import Any

import pytest

from embedded_aws.monitoring.log_metrics import values_in
from genomics.contracts.monitoring import JobMetric
from lambdas.monitoring.record_job import handler, job_metrics, metrics_line

QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/Spot-first"
USD = 0.03
SPOT = "Host EC2 (instance i-0123456789abcdef0) terminated."


def job(**changes: Any) -> dict[str, Any]:
    """AWS Batch User Guide, "Batch job state change events": detail of an event, as far as it is read."""
    return {
        "jobName": "align-S1",
        "jobId": "4c7599ae-0a82-49aa-ba5a-4727fcce14a8",
        "jobQueue": QUEUE,
        "status": "SUCCEEDED",
        "attempts": [{"startedAt": 60_000, "stopped": 0, "stoppedAt": 100_000, "statusReason": "Essential container"}],
        "createdAt": 10_000,
        "startedAt": 60_000,
        "stoppedAt": 100_000,
        "container": {
            "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}],
        },
        "tags": {"resourceArn": "arn", "project": "genomics", "run": "R1", "sample": "S1", "tool": "align"},
    } | changes


def test_a_job_that_succeeded_has_waited_and_run() -> None:
    assert job_metrics(job(), usd_per_vcpu_hour=USD) == {
        JobMetric.SUCCEEDED: 1,
        JobMetric.FAILED: 0,
        JobMetric.SPOT_INTERRUPTIONS: 0,
        JobMetric.WAIT: 50.0,
        JobMetric.RUN: 40.0,
        JobMetric.COST: pytest.approx(40 / 3600 * 2 * USD),
    }


def test_a_job_costs_what_it_keeps_from_others() -> None:
    needs = [{"type": "MEMORY", "value": "30720"}, {"type": "VCPU", "value": "2"}]
    found = job_metrics(job(container={"resourceRequirements": needs}), usd_per_vcpu_hour=USD)
    # 30 GiB are those of seven and a half vCPUs.
    assert found[JobMetric.COST] == pytest.approx(40 / 3600 * 7.5 * USD)


def test_interruptions_are_counted_and_every_attempt_takes_time() -> None:
    attempts = [
        {"startedAt": 20_000, "stoppedAt": 25_000, "statusReason": SPOT},
        {"statusReason": SPOT},
        {"startedAt": 60_000, "stoppedAt": 100_000, "statusReason": "Essential container in task exited"},
    ]
    found = job_metrics(job(attempts=attempts, status="FAILED"), usd_per_vcpu_hour=USD)
    assert found[JobMetric.SPOT_INTERRUPTIONS] == 2
    assert (found[JobMetric.SUCCEEDED], found[JobMetric.FAILED]) == (0, 1)
    assert (found[JobMetric.WAIT], found[JobMetric.RUN]) == (10.0, 45.0)


@pytest.mark.parametrize("attempts", [[], [{"statusReason": "Task failed to start"}]])
def test_a_job_that_never_started_has_no_times(attempts: list[dict[str, Any]]) -> None:
    assert set(job_metrics(job(attempts=attempts, status="FAILED"), usd_per_vcpu_hour=USD)) == {
        JobMetric.SUCCEEDED,
        JobMetric.FAILED,
        JobMetric.SPOT_INTERRUPTIONS,
    }


def test_the_line_is_counted_by_tool_and_by_queue() -> None:
    values = values_in(json.dumps(metrics_line(job(), project="genomics", usd_per_vcpu_hour=USD)))
    assert {(v.namespace, v.name, tuple(v.dimensions.items())) for v in values} == {
        ("Genomics", metric.value, dimensions)
        for metric in JobMetric
        for dimensions in (
            (("Project", "genomics"), ("Tool", "align")),
            (("Project", "genomics"), ("Queue", "Spot-first")),
        )
    }
    assert {v.at for v in values} == {100.0}


def test_the_line_says_whose_job_it_was() -> None:
    line = metrics_line(
        job(statusReason="Essential container in task exited"), project="genomics", usd_per_vcpu_hour=USD
    )
    assert {name: line[name] for name in ("run", "sample", "job_name", "reason")} == {
        "run": "R1",
        "sample": "S1",
        "job_name": "align-S1",
        "reason": "Essential container in task exited",
    }
    assert "study" not in line


def test_a_job_without_tags_is_another_tools() -> None:
    line = metrics_line(job(tags=None), project="genomics", usd_per_vcpu_hour=USD)
    assert line["Tool"] == "other"


def test_the_handler_prints_the_line_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PROJECT", "genomics")
    monkeypatch.setenv("USD_PER_VCPU_HOUR", str(USD))
    assert handler({"detail": job()}, None)["tool"] == "align"
    (printed,) = capsys.readouterr().out.splitlines()
    assert json.loads(printed) == metrics_line(job(), project="genomics", usd_per_vcpu_hour=USD)
