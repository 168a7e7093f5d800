"""What the state machine is told about steps: jobs to submit, and ledger entries that say why or why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.ledger import LedgerEntry, step_item
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.secondary.decisions import Decision
from lambdas.secondary.planning import PlannedStep

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


# Of a step that is passed over.
NO_JOB: Mapping[str, Any] = {"run": False, "task": "", "name": "", "part": ""}


def write_tasks(*, s3: S3Client, bucket: str, run_id: str, decisions: Iterable[Decision]) -> None:
    """Write the task of every step that runs."""
    running = [decision for decision in decisions if decision.run]
    with ThreadPoolExecutor(documents.PARALLEL_REQUESTS) as threads:
        list(
            threads.map(
                lambda decision: documents.write(
                    s3,
                    decision.planned.task(run_id=run_id, reason=decision.reason),
                    task_uri(bucket=bucket, run_id=run_id, planned=decision.planned),
                ),
                running,
            )
        )


def task_uri(*, bucket: str, run_id: str, planned: PlannedStep) -> str:
    """Where a step's task lies."""
    return object_keys.uri(bucket, object_keys.task(run_id, planned.sample, planned.step, planned.part))


def job(*, bucket: str, run_id: str, planned: PlannedStep) -> dict[str, str]:
    """What a Batch task of the state machine needs."""
    uri = task_uri(bucket=bucket, run_id=run_id, planned=planned)
    return {"task": uri, "name": planned.job_name, "part": planned.part}


def optional_job(*, bucket: str, run_id: str, decision: Decision) -> dict[str, Any]:
    """The same for a step that may be passed over: `run` says so, and the rest is then empty."""
    if not decision.run:
        return dict(NO_JOB)
    return {"run": True, **job(bucket=bucket, run_id=run_id, planned=decision.planned)}


def entries(*, run_id: str, decisions: Iterable[Decision], first_order: int) -> list[LedgerEntry]:
    """The ledger's entries about decisions, in their order."""
    return [
        LedgerEntry(
            run_id=run_id,
            item=step_item(decision.planned.sample, decision.planned.step, decision.planned.part),
            state=State.PLANNED if decision.run else State.SKIPPED,
            reason=decision.reason,
            fingerprint=decision.planned.fingerprint,
            order=order,
        )
        for order, decision in enumerate(decisions, first_order)
    ]
