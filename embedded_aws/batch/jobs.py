"""AWS Batch jobs as data: what was submitted, its attempts and states, and how DescribeJobs tells of them."""

import re
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_PLACEHOLDER = re.compile(r"Ref::([A-Za-z0-9_-]+)")

ESSENTIAL_CONTAINER_EXITED = "Essential container in task exited"
TIMED_OUT = "Job attempt duration exceeded timeout"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
NOT_STARTED = "Task failed to start"
DEPENDENCY_FAILED = "Dependent Job failed"
ARRAY_CHILD_FAILED = "Array Child Job failed"


class State(StrEnum):
    """In the order in which a job passes through them."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Nothing follows."""
        return self in {State.SUCCEEDED, State.FAILED}

    @property
    def is_placed(self) -> bool:
        """It has the machine's resources."""
        return self in {State.STARTING, State.RUNNING}


@dataclass
class Attempt:
    """One try. `exit_code` and `reason` are the container's, `status_reason` says why the attempt ended."""

    task: str
    log_stream: str
    started_at: int | None = None
    stopped_at: int | None = None
    exit_code: int | None = None
    reason: str | None = None
    status_reason: str | None = None
    timed_out: bool = False


@dataclass(frozen=True)
class Request:
    """A SubmitJob call with what its job definition adds. `container` is the merged container properties."""

    name: str
    queue_arn: str
    definition_arn: str
    definition_name: str
    container: Mapping[str, Any]
    parameters: Mapping[str, str]
    retry_strategy: Mapping[str, Any]
    timeout_seconds: int | None
    depends_on: tuple[Mapping[str, str], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    propagate_tags: bool = False
    platform_capabilities: tuple[str, ...] = ("EC2",)

    @property
    def command(self) -> list[str]:
        """The container's command with every `Ref::name` that has a parameter replaced."""
        return [
            _PLACEHOLDER.sub(lambda found: self.parameters.get(found[1], found[0]), word)
            for word in self.container.get("command") or []
        ]

    @property
    def vcpus(self) -> float:
        """As asked for, by a resource requirement or in the older way."""
        return float(_requirement(self.container, "VCPU") or self.container.get("vcpus") or 1)

    @property
    def memory_mib(self) -> int:
        """As asked for, by a resource requirement or in the older way."""
        return int(_requirement(self.container, "MEMORY") or self.container.get("memory") or 4)

    @property
    def log_options(self) -> Mapping[str, str]:
        """Of the awslogs driver."""
        options: Mapping[str, str] = (self.container.get("logConfiguration") or {}).get("options") or {}
        return options

    def retries(self, attempt: Attempt, number: int) -> bool:
        """Whether attempt `number` (from 1), which failed, is followed by another."""
        if number >= int(self.retry_strategy.get("attempts") or 1):
            return False
        for condition in self.retry_strategy.get("evaluateOnExit") or []:
            if _matches(condition, attempt):
                return str(condition["action"]).upper() == "RETRY"
        return True


class Job:
    """A job, an array job (which has `children`), or a child of one (which has an `index`)."""

    def __init__(self, request: Request, arn_prefix: str, *, parent: "Job | None" = None, index: int | None = None):
        self.request = request
        self.parent = parent
        self.index = index
        self.id: str = str(uuid.uuid4()) if parent is None else f"{parent.id}:{index}"
        self.arn = f"{arn_prefix}job/{self.id}"
        self.children: list[Job] = []
        self.state = State.SUBMITTED
        self.status_reason: str | None = None
        self.created_at = now()
        self.started_at: int | None = None
        self.stopped_at: int | None = None
        self.attempts: list[Attempt] = []
        self.stop_reason: str | None = None
        self.is_cancelled = False
        self.is_terminated = False
        self.waits_for: set[str] = set()
        # Where it runs: the machine's cores, and the name and ARN of the compute environment.
        self.cores: frozenset[int] = frozenset()
        self.environment = ("", "")
        self.ended = threading.Event()

    def summary(self) -> dict[str, Any]:
        """A member of ListJobs' jobSummaryList."""
        last = self.attempts[-1] if self.attempts else None
        return _present(
            jobArn=self.arn,
            jobId=self.id,
            jobName=self.request.name,
            createdAt=self.created_at,
            startedAt=self.started_at,
            stoppedAt=self.stopped_at,
            status=self.state.value,
            statusReason=self.status_reason,
            jobDefinition=self.request.definition_arn,
            container=_present(exitCode=last.exit_code, reason=last.reason) if last and self.state.is_final else None,
            arrayProperties=self._array_properties(),
        )

    def describe(self) -> dict[str, Any]:
        """A member of DescribeJobs' jobs."""
        request = self.request
        return _present(
            jobArn=self.arn,
            jobName=request.name,
            jobId=self.id,
            jobQueue=request.queue_arn,
            status=self.state.value,
            attempts=[_attempt_detail(attempt) for attempt in self.attempts if attempt.stopped_at is not None],
            statusReason=self.status_reason,
            createdAt=self.created_at,
            retryStrategy={"attempts": 1, "evaluateOnExit": [], **request.retry_strategy},
            startedAt=self.started_at,
            stoppedAt=self.stopped_at,
            dependsOn=[dict(dependency) for dependency in request.depends_on],
            jobDefinition=request.definition_arn,
            parameters=dict(request.parameters),
            container=self._container_detail(),
            arrayProperties=self._array_properties(),
            timeout={"attemptDurationSeconds": request.timeout_seconds} if request.timeout_seconds else None,
            tags=dict(request.tags),
            propagateTags=request.propagate_tags,
            platformCapabilities=list(request.platform_capabilities),
            eksAttempts=[],
            isCancelled=self.is_cancelled,
            isTerminated=self.is_terminated,
        )

    def _container_detail(self) -> dict[str, Any]:
        container = self.request.container
        last = self.attempts[-1] if self.attempts else None
        return {
            **{name: value for name, value in container.items() if value is not None},
            "networkInterfaces": [],
            **(
                _present(exitCode=last.exit_code, reason=last.reason, logStreamName=last.log_stream, taskArn=last.task)
                if last
                else {}
            ),
        }

    def _array_properties(self) -> dict[str, Any] | None:
        if self.index is not None:
            return {"index": self.index}
        if not self.children:
            return None
        states = [child.state for child in self.children]
        return {
            "size": len(states),
            "statusSummary": {state.value: states.count(state) for state in State},
            "statusSummaryLastUpdatedAt": max(child.stopped_at or child.created_at for child in self.children),
        }


def merge_container(definition: Mapping[str, Any], overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    """Container properties of a definition, with SubmitJob's containerOverrides in their place."""
    overrides = overrides or {}
    merged = {**definition, **{name: value for name, value in overrides.items() if value is not None}}
    merged["environment"] = _merge_by("name", definition.get("environment"), overrides.get("environment"))
    merged["resourceRequirements"] = _merge_by(
        "type", definition.get("resourceRequirements"), overrides.get("resourceRequirements")
    )
    return merged


def now() -> int:
    """Milliseconds since the epoch, Batch's unit of time."""
    return int(time.time() * 1000)


def _attempt_detail(attempt: Attempt) -> dict[str, Any]:
    container = _present(
        exitCode=attempt.exit_code,
        reason=attempt.reason,
        logStreamName=attempt.log_stream,
        taskArn=attempt.task,
        networkInterfaces=[],
    )
    return _present(
        container=container,
        startedAt=attempt.started_at,
        stoppedAt=attempt.stopped_at,
        statusReason=attempt.status_reason,
    )


def _matches(condition: Mapping[str, str], attempt: Attempt) -> bool:
    """All the patterns that are given must match; each may end in an asterisk."""
    found = {
        "onExitCode": "" if attempt.exit_code is None else str(attempt.exit_code),
        "onReason": attempt.reason or "",
        "onStatusReason": attempt.status_reason or "",
    }
    return all(_matches_pattern(condition[name], value) for name, value in found.items() if condition.get(name))


def _matches_pattern(pattern: str, value: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def _requirement(container: Mapping[str, Any], kind: str) -> str | None:
    values = [item["value"] for item in container.get("resourceRequirements") or [] if item["type"] == kind]
    return values[0] if values else None


def _merge_by(
    name: str, base: Sequence[Mapping[str, str]] | None, overrides: Sequence[Mapping[str, str]] | None
) -> list[dict[str, str]]:
    merged = {item[name]: dict(item) for item in [*(base or []), *(overrides or [])]}
    return list(merged.values())


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
