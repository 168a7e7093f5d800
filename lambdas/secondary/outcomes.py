"""How samples fail: put into one line, and into the ledger's entries of their steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from genomics.contracts.codec import ContractError
from genomics.contracts.ledger import LedgerEntry, step_item
from genomics.contracts.runs import State
from genomics.contracts.steps import Task
from lambdas import documents
from lambdas.failures import Caught, JobFailure, failure_line, one_line
from lambdas.ledger_table import Ledger, utc_now

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

_LOG_LINES = 20


@dataclass(frozen=True)
class Explanation:
    """A failure's `line`, and the ledger's entry of the step that failed, ended, if it was a step."""

    line: str
    failed: LedgerEntry | None = None


def record_step_failure(
    *, run_id: str, sample: str, caught: Caught, s3: S3Client, logs: CloudWatchLogsClient, ledger: Ledger
) -> str:
    """Say in one line what failed, and end the entries of the sample's steps. `sample` is empty for the reference's."""
    steps = ledger.find(run_id, f"step#{sample}#")
    explanation = _explain(run_id, sample, caught, steps, s3, logs)
    if failed := explanation.failed:
        ledger.update(failed)
        _end_others(steps, failed, ledger)
    return explanation.line


def _explain(
    run_id: str,
    sample: str,
    caught: Caught,
    steps: list[LedgerEntry],
    s3: S3Client,
    logs: CloudWatchLogsClient,
) -> Explanation:
    if job := caught.job:
        return _explain_job(run_id, sample, job, steps, s3, logs)
    if caught.function_message:
        return Explanation(_prefixed(sample, caught.function_message))
    # The cause is not a job's: the ledger may know the step, by what its tool has written.
    if failed := _first(steps, State.FAILED):
        _, _, step, part = failed.parts
        line = failure_line(
            sample=sample, step=step, part=part, exit_code=failed.exit_code, reason=failed.reason or caught.message
        )
        return Explanation(line, failed)
    running = _first(steps, State.RUNNING)
    if unfinished := running or (_first(steps, State.PLANNED) if caught.is_timeout else None):
        reason = caught.message if running else "timed out before it began"
        ended = _ended(run_id, unfinished.item, reason)
        _, _, step, part = unfinished.parts
        return Explanation(failure_line(sample=sample, step=step, part=part, reason=reason), ended)
    return Explanation(_prefixed(sample, caught.message))


def _explain_job(
    run_id: str,
    sample: str,
    job: JobFailure,
    steps: list[LedgerEntry],
    s3: S3Client,
    logs: CloudWatchLogsClient,
) -> Explanation:
    task = _task(s3, job.task)
    item = step_item(sample, task.step, task.part) if task else ""
    entry = next((e for e in steps if e.item == item), None)
    told = entry.reason if entry and entry.state is State.FAILED else None
    reason = told or job.service_reason or _last_log_line(logs, job) or job.status_reason
    line = failure_line(
        sample=sample,
        step=task.step if task else job.name,
        part=task.part if task else "",
        exit_code=job.exit_code,
        reason=reason,
        log_group=job.log_group,
        log_stream=job.log_stream,
    )
    return Explanation(line, _ended(run_id, item, one_line(reason), job) if task else None)


def _ended(run_id: str, item: str, reason: str, job: JobFailure | None = None) -> LedgerEntry:
    return LedgerEntry(
        run_id=run_id,
        item=item,
        state=State.FAILED,
        reason=reason,
        finished_at=utc_now(),
        job_id=job.job_id if job else None,
        log_stream=job.log_stream or None if job else None,
        exit_code=job.exit_code if job else None,
    )


def _end_others(steps: list[LedgerEntry], failed: LedgerEntry, ledger: Ledger) -> None:
    """What a failed step has kept from running will not run any more, and its siblings are stopped with it."""
    _, _, step, part = failed.parts
    name = f"{step} {part}" if part else step
    ends = {
        State.PLANNED: (State.SKIPPED, f"not reached: {name} failed"),
        State.RUNNING: (State.FAILED, f"stopped: {name} failed"),
    }
    for entry in steps:
        if entry.item != failed.item and entry.state in ends:
            state, reason = ends[entry.state]
            ended = LedgerEntry(entry.run_id, entry.item, state, reason=reason, finished_at=utc_now())
            ledger.update_if(ended, still=entry.state)


def _first(steps: list[LedgerEntry], state: State) -> LedgerEntry | None:
    return next((entry for entry in steps if entry.state is state), None)


def _prefixed(sample: str, message: str) -> str:
    return message if not sample or message.startswith(f"{sample}:") else f"{sample}: {message}"


def _task(s3: S3Client, uri: str) -> Task | None:
    try:
        return documents.find(s3, Task, uri)
    except (ContractError, ValueError):
        return None


def _last_log_line(logs: CloudWatchLogsClient, job: JobFailure) -> str:
    if not job.log_stream:
        return ""
    try:
        events = logs.get_log_events(
            logGroupName=job.log_group, logStreamName=job.log_stream, limit=_LOG_LINES, startFromHead=False
        )["events"]
    except ClientError as error:
        # AWS Batch names the stream before the container has written to it.
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return ""
        raise
    lines = [line for event in events if (line := one_line(event.get("message", "")))]
    return lines[-1] if lines else ""
