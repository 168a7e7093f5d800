"""What a state machine's Catch has found, in one readable line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genomics.contracts.steps import Step

# A line is read in a terminal, and as the cause of a failed execution. IAM's denials, which name role, action and
# resource, are the longest that are worth reading to their end.
LONGEST_LINE = 1000

# How AWS Batch begins an attempt's status reason when the attempt's instance is gone, as a reclaimed Spot instance is.
HOST_TAKEN = "Host EC2"

_TIMEOUTS = ("States.Timeout", "States.HeartbeatTimeout")
_KILLED, _TERMINATED = 137, 143
# Batch's status reason where it has nothing to say of its own.
_EXITED = "Essential container in task exited"


@dataclass(frozen=True)
class JobFailure:
    """What AWS Batch says of a failed job. `log_group` and `log_stream` are empty where the job never wrote a log."""

    task: str
    name: str
    job_id: str
    exit_code: int | None
    attempts: int
    log_group: str
    log_stream: str
    container_reason: str
    status_reason: str

    @property
    def service_reason(self) -> str:
        """What AWS Batch itself gives as the reason, if it says more than that the container exited."""
        if self.container_reason:
            return self.container_reason
        if self.status_reason.startswith(HOST_TAKEN):
            return f"the job's host was taken away ({self.status_reason.rstrip('.')})"
        if self.exit_code == _TERMINATED and self.status_reason != _EXITED:
            return self.status_reason
        if self.exit_code == _KILLED:
            return "killed (137), probably out of memory"
        if self.exit_code is None:
            return self.status_reason
        return ""


@dataclass(frozen=True)
class Caught:
    """`$.error` of a Catch: the error's name, and its cause as far as it can be read."""

    error: str
    cause: str

    @classmethod
    def read(cls, error: Mapping[str, Any] | None) -> Caught:
        """Read `{"Error", "Cause"}`; either may be absent."""
        error = error or {}
        return cls(str(error.get("Error") or ""), str(error.get("Cause") or ""))

    @property
    def is_timeout(self) -> bool:
        """Whether a state's own time limit has ended it; nothing more is then known of it."""
        return self.error in _TIMEOUTS

    @property
    def job(self) -> JobFailure | None:
        """The job that failed, if it was one."""
        description = _object(self.cause)
        return _job_failure(description) if {"jobId", "jobQueue"} & description.keys() else None

    @property
    def function_message(self) -> str:
        """The message of the error that a function, or a Glue job, ended with; empty if it was neither."""
        return one_line(str(_object(self.cause).get("errorMessage") or ""))

    @property
    def glue_job_run(self) -> str:
        """The id of the Glue job run that failed, which names its log stream too; empty if it was none."""
        description = _object(self.cause)
        return str(description.get("id") or "") if "jobRunState" in description else ""

    @property
    def glue_log_group(self) -> str:
        """The log group of that run's errors. A run with a security configuration may name groups of its own."""
        prefix = str(_object(self.cause).get("logGroupName") or "/aws-glue/jobs").rstrip("/")
        return f"{prefix}/error"

    @property
    def message(self) -> str:
        """Whatever is known, in one line."""
        if self.function_message:
            return self.function_message
        if self.is_timeout:
            return "timed out"
        return one_line(f"{self.error}: {self.cause}" if self.error and self.cause else self.error or self.cause)


def failure_line(
    *,
    sample: str,
    step: str,
    part: str = "",
    exit_code: int | None = None,
    reason: str = "",
    log_group: str = "",
    log_stream: str = "",
) -> str:
    """One line that names sample, step, exit code and log; what is not known is left out."""
    what = f"{step} {part}" if part else step
    code = "" if exit_code is None else f" with exit code {exit_code}"
    log = f" (log {log_group}:{log_stream})" if log_group and log_stream else ""
    text = one_line(reason) or "no reason was given"
    of = sample or ("run folder" if step == Step.DEMULTIPLEX else "reference")
    return f"{of}: {what} failed{code}: {text}{log}"


def one_line(text: str) -> str:
    """The first line that says something, with its spaces squeezed and not too long."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    line = re.sub(r"\s+", " ", line).strip()
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 3] + "..."


def _job_failure(description: Mapping[str, Any]) -> JobFailure:
    attempts = description.get("attempts") or []
    last = attempts[-1] if attempts else {}
    containers = [last.get("container") or {}, description.get("container") or {}]

    def first(field: str) -> Any:
        return next((value for c in containers if (value := c.get(field)) is not None), None)

    options = (first("logConfiguration") or {}).get("options") or {}
    parameters = description.get("parameters") or {}
    return JobFailure(
        task=str(parameters.get("task") or parameters.get("Task") or ""),
        name=str(description.get("jobName") or ""),
        job_id=str(description.get("jobId") or ""),
        exit_code=first("exitCode"),
        attempts=len(attempts),
        log_group=str(options.get("awslogs-group") or "/aws/batch/job"),
        log_stream=str(first("logStreamName") or ""),
        container_reason=one_line(str(first("reason") or "")),
        status_reason=one_line(str(last.get("statusReason") or description.get("statusReason") or "")),
    )


def _object(text: str) -> dict[str, Any]:
    """The JSON object in `text` with field names in camelCase, however the service spelled them; else empty."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return _camel(value) if isinstance(value, dict) else {}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _camel(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value
