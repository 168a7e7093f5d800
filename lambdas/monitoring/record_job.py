"""EventBridge's "Batch Job State Change": a job has ended; write its metrics as one log line that CloudWatch counts.

In the event, with status SUCCEEDED or FAILED; out `{"job_id", "tool", "status"}`. EventBridge may deliver an event
twice, and a job then counts twice: these are figures for a graph, not for a bill.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from genomics.contracts.environment import RecordJobEnvironment
from genomics.contracts.monitoring import (
    GIB_PER_VCPU,
    NAMESPACE,
    OTHER_TOOL,
    PROJECT,
    QUEUE,
    RUN_TAG,
    SAMPLE_TAG,
    STUDY_TAG,
    TOOL,
    TOOL_TAG,
    JobMetric,
)
from lambdas.failures import HOST_TAKEN

# CloudWatch has no unit for money.
_UNITS = {JobMetric.WAIT: "Seconds", JobMetric.RUN: "Seconds", JobMetric.COST: "None"}
_MIB_PER_GIB = 1024
_DIMENSIONS = [[PROJECT, TOOL], [PROJECT, QUEUE]]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Entry point of the Lambda."""
    environment = RecordJobEnvironment.read()
    line = metrics_line(event["detail"], project=environment.project, usd_per_vcpu_hour=environment.usd_per_vcpu_hour)
    # print, because the line has to be the whole log event.
    print(json.dumps(line))
    return {"job_id": line["job_id"], "tool": line[TOOL], "status": event["detail"]["status"]}


def metrics_line(job: Mapping[str, Any], *, project: str, usd_per_vcpu_hour: float) -> dict[str, Any]:
    """The line for a job as DescribeJobs has it, which is what the event holds.

    CloudWatch User Guide, "Specification: Embedded metric format". What is no metric can be searched for in the log.
    """
    metrics = job_metrics(job, usd_per_vcpu_hour=usd_per_vcpu_hour)
    tags: Mapping[str, str] = job.get("tags") or {}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": _DIMENSIONS,
        "Metrics": [{"Name": metric.value, "Unit": _UNITS.get(metric, "Count")} for metric in metrics],
    }
    return {
        "_aws": {"Timestamp": job.get("stoppedAt") or job["createdAt"], "CloudWatchMetrics": [directive]},
        PROJECT: project,
        TOOL: tags.get(TOOL_TAG, OTHER_TOOL),
        QUEUE: str(job["jobQueue"]).rpartition("/")[2],
        **{metric.value: value for metric, value in metrics.items()},
        **{name: tags[name] for name in (RUN_TAG, STUDY_TAG, SAMPLE_TAG) if name in tags},
        "job_id": job["jobId"],
        "job_name": job["jobName"],
        "reason": job.get("statusReason") or "",
    }


def job_metrics(job: Mapping[str, Any], *, usd_per_vcpu_hour: float) -> dict[JobMetric, float]:
    """The values of a job that has ended."""
    attempts = job.get("attempts") or []
    started = [(a["startedAt"], a["stoppedAt"]) for a in attempts if a.get("startedAt") and a.get("stoppedAt")]
    metrics: dict[JobMetric, float] = {
        JobMetric.SUCCEEDED: int(job["status"] == "SUCCEEDED"),
        JobMetric.FAILED: int(job["status"] == "FAILED"),
        JobMetric.SPOT_INTERRUPTIONS: sum(str(a.get("statusReason")).startswith(HOST_TAKEN) for a in attempts),
    }
    if started:
        metrics[JobMetric.WAIT] = (started[0][0] - job["createdAt"]) / 1000
        metrics[JobMetric.RUN] = sum(stopped - began for began, stopped in started) / 1000
        metrics[JobMetric.COST] = metrics[JobMetric.RUN] / 3600 * _vcpus_taken(job) * usd_per_vcpu_hour
    return metrics


def _vcpus_taken(job: Mapping[str, Any]) -> float:
    """The vCPUs of a machine that a job keeps from others: its own, or those that go with its memory."""
    needs = {need["type"]: float(need["value"]) for need in job["container"]["resourceRequirements"]}
    return max(needs["VCPU"], needs["MEMORY"] / _MIB_PER_GIB / GIB_PER_VCPU)
