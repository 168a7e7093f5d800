"""What SubmitJob and RegisterJobDefinition take, and what Batch refuses: the limits of its API Reference."""

import re
from collections.abc import Mapping
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import batch_backends

from embedded_aws.batch.jobs import Request, merge_container
from embedded_aws.context import Context
from embedded_aws.guard import Patch

_REGISTER = Patch("moto.batch.models:BatchBackend.register_job_definition", "7540acd75b08b37c")
PATCHES = (_REGISTER,)

# JobTimeout: "The minimum value for the timeout is 60 seconds."
MINIMUM_TIMEOUT_SECONDS = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
# SubmitJob, dependsOn: "A job can depend upon a maximum of 20 jobs." RetryStrategy: "between 1 and 10 attempts".
_MAXIMUM_DEPENDENCIES = 20
_MAXIMUM_ATTEMPTS = 10
_MAXIMUM_CONDITIONS = 5
_ARRAY_SIZES = range(2, 10_001)
# EvaluateOnExit: letters, numbers, periods, colons and white space, and an asterisk at the end; exit codes: numbers.
_CONDITIONS: Mapping[str, re.Pattern[str]] = {
    "onStatusReason": re.compile(r"[A-Za-z0-9.:\s]{0,511}[A-Za-z0-9.:\s*]"),
    "onReason": re.compile(r"[A-Za-z0-9.:\s]{0,511}[A-Za-z0-9.:\s*]"),
    "onExitCode": re.compile(r"\d{0,511}[\d*]", re.ASCII),
}
_TYPES = ("N_TO_N", "SEQUENTIAL")


def install() -> None:
    """Refuse job definitions as Batch does."""

    def register(backend: Any, *arguments: Any, **named: Any) -> Any:
        _require_strategy(named.get("retry_strategy") or {})
        _require_timeout(named.get("timeout") or {})
        return original(backend, *arguments, **named)

    original = _REGISTER.apply(register)


def request_of(context: Context, parameters: Mapping[str, Any]) -> Request:
    """SubmitJob's parameters with what the job definition adds. ClientException for what Batch would refuse."""
    backend = batch_backends[context.account][context.region]
    name = parameters.get("jobName") or ""
    if not _NAME.fullmatch(name):
        raise ClientException(
            "Job name should match valid pattern: it starts with a letter or a number, and has up to 128 letters, "
            "numbers, hyphens and underscores"
        )
    definition = backend.get_job_definition(parameters["jobDefinition"])
    if definition is None or definition.container_properties is None:
        raise ClientException(f"Job definition {parameters['jobDefinition']} does not exist")
    queue = backend.get_job_queue(parameters["jobQueue"])
    if queue is None:
        raise ClientException(f"Job queue {parameters['jobQueue']} does not exist")
    if queue.state != "ENABLED":
        raise ClientException(f"Job queue {queue.arn} is not enabled")
    _require_strategy(parameters.get("retryStrategy") or {})
    _require_timeout(parameters.get("timeout") or {})
    _require_dependencies(parameters.get("dependsOn") or ())
    timeout = parameters.get("timeout") or definition.timeout or {}
    return Request(
        name=name,
        queue_arn=queue.arn,
        definition_arn=definition.arn,
        definition_name=definition.name,
        container=merge_container(definition.container_properties, parameters.get("containerOverrides")),
        parameters={**definition.parameters, **(parameters.get("parameters") or {})},
        retry_strategy=parameters.get("retryStrategy") or definition.retry_strategy or {},
        timeout_seconds=timeout.get("attemptDurationSeconds"),
        depends_on=tuple(parameters.get("dependsOn") or ()),
        tags=parameters.get("tags") or {},
        propagate_tags=bool(parameters.get("propagateTags") or definition.propagate_tags),
        platform_capabilities=tuple(definition.platform_capabilities or ("EC2",)),
    )


def array_size(parameters: Mapping[str, Any]) -> int | None:
    """How many children SubmitJob asks for, None if it asks for no array job."""
    size: int | None = (parameters.get("arrayProperties") or {}).get("size")
    if size is not None and size not in _ARRAY_SIZES:
        raise ClientException("Array size must be between 2 and 10,000.")
    return size


def _require_strategy(strategy: Mapping[str, Any]) -> None:
    attempts = strategy.get("attempts")
    if attempts is not None and not 1 <= int(attempts) <= _MAXIMUM_ATTEMPTS:
        raise ClientException(f"RetryStrategy attempts must be between 1 and {_MAXIMUM_ATTEMPTS}, not {attempts}")
    conditions = strategy.get("evaluateOnExit") or []
    if len(conditions) > _MAXIMUM_CONDITIONS:
        raise ClientException(f"evaluateOnExit has {len(conditions)} conditions; it can have {_MAXIMUM_CONDITIONS}")
    for condition in conditions:
        if str(condition.get("action", "")).upper() not in {"RETRY", "EXIT"}:
            raise ClientException(f"evaluateOnExit action must be RETRY or EXIT, not {condition.get('action')}")
        for name, allowed in _CONDITIONS.items():
            pattern = condition.get(name)
            if pattern is not None and not allowed.fullmatch(pattern):
                raise ClientException(f"evaluateOnExit {name} is not a valid pattern: {pattern}")


def _require_timeout(timeout: Mapping[str, Any]) -> None:
    seconds = timeout.get("attemptDurationSeconds")
    if seconds is not None and int(seconds) < MINIMUM_TIMEOUT_SECONDS:
        raise ClientException(f"attemptDurationSeconds must be at least {MINIMUM_TIMEOUT_SECONDS}, not {seconds}")


def _require_dependencies(dependencies: Any) -> None:
    if len(dependencies) > _MAXIMUM_DEPENDENCIES:
        raise ClientException(f"A job can depend on {_MAXIMUM_DEPENDENCIES} jobs, not on {len(dependencies)}")
    for dependency in dependencies:
        if dependency.get("type") not in {None, *_TYPES}:
            raise ClientException(f"Dependency type must be one of {', '.join(_TYPES)}, not {dependency['type']}")
