"""The step's entry in the run's ledger, as its tool keeps it."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from batch_tools.tool_runtime.tool import Attempt
from genomics.contracts.ledger import LedgerEntry, step_item, update
from genomics.contracts.runs import State
from genomics.contracts.steps import StepRecord, Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_log = logging.getLogger(__name__)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Progress:
    """Tells the ledger how the step is doing. What was told before stays unless it is told anew."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, task: Task, attempt: Attempt) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._task = task
        self._started = now()
        self._entry = LedgerEntry(
            run_id=task.run_id,
            item=step_item(task.sample, task.step, task.part),
            state=State.RUNNING,
            fingerprint=task.fingerprint,
            job_id=attempt.job_id,
            attempt=attempt.number,
        )

    @property
    def started_at(self) -> str:
        """When this attempt began, ISO 8601 in UTC."""
        return self._started.isoformat(timespec="milliseconds")

    def running(self) -> None:
        """The attempt has begun. Fails where the ledger cannot be written: better now than after the work."""
        self._update(replace(self._entry, started_at=self.started_at, reason=self._task.reason or None))

    def succeeded(self, record: StepRecord, reason: str) -> None:
        """The outputs are there; `reason` says why the step ran, or why it did not have to."""
        self._finish(State.SUCCEEDED, reason=reason, exit_code=0, peak_memory_mib=record.peak_memory_mib)

    def failed(self, reason: str, exit_code: int) -> None:
        """The attempt failed; `reason` is its one line."""
        self._finish(State.FAILED, reason=reason, exit_code=exit_code)

    def _finish(self, state: State, *, reason: str, exit_code: int, peak_memory_mib: int | None = None) -> None:
        ended = now()
        entry = replace(
            self._entry,
            state=state,
            reason=reason or None,
            exit_code=exit_code,
            peak_memory_mib=peak_memory_mib,
            started_at=self.started_at,
            finished_at=ended.isoformat(timespec="milliseconds"),
            seconds=round((ended - self._started).total_seconds(), 3),
        )
        try:
            self._update(entry)
        except (BotoCoreError, ClientError) as error:
            # The step's end stands in S3 and in the exit code; the ledger only tells of it.
            _log.warning("the ledger could not be told that the step has %s: %s", state, error)

    def _update(self, entry: LedgerEntry) -> None:
        self._dynamodb.update_item(TableName=self._table, **update(entry))
