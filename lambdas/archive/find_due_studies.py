"""The daily schedule: start an archive of every study whose objects have become old enough.

In EventBridge's scheduled event, whose `time` says what is old; out `{"started": ["<study>"]}`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3

from genomics.contracts import codec, object_keys
from genomics.contracts.archives import ArchiveRequest
from genomics.contracts.environment import FindDueStudiesEnvironment
from genomics.contracts.ledger import ARCHIVE, RESTORE, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.archive.executions import execution_arn, start
from lambdas.archive.holdings import Due, due_studies
from lambdas.ledger_table import Ledger, open_ledger, utc_now

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = FindDueStudiesEnvironment.read()
    starter = ArchiveStarter(
        environment=environment,
        s3=documents.s3_client(),
        step_functions=boto3.client("stepfunctions"),
        ledger=open_ledger(environment.ledger_table),
    )
    return {"started": list(starter.start_due(datetime.fromisoformat(event["time"])))}


@dataclass(frozen=True)
class ArchiveStarter:
    """Starts archives: at most one of a study at a time, and one that has failed is taken up where it stopped."""

    environment: FindDueStudiesEnvironment
    s3: S3Client
    step_functions: SFNClient
    ledger: Ledger

    def start_due(self, now: datetime) -> Iterator[str]:
        """Start what is due at `now`; gives the studies' names."""
        before = now - timedelta(days=self.environment.archive_after_days)
        found = due_studies(self.s3, self.environment.sequencing_bucket, written_before=before)
        yield from (due.study for due in found if self._start(due, now, before))

    def _start(self, due: Due, now: datetime, before: datetime) -> bool:
        partition = study_partition(due.study)
        restore = self.ledger.get(partition, RESTORE)
        if restore and restore.state is State.RUNNING:
            return False
        archive_id, attempt = self._next(self.ledger.get(partition, ARCHIVE), now)
        bucket = self.environment.sequencing_bucket
        uri = object_keys.uri(bucket, object_keys.archive_document(due.study, archive_id, "request.json"))
        if documents.find(self.s3, ArchiveRequest, uri) is None:
            documents.write(self.s3, self._request(due, archive_id, before), uri)
        # Names of jobs and of executions allow fewer characters than those of studies.
        digest = hashlib.sha256(due.study.encode()).hexdigest()[:12]
        name = f"archive-{digest}-{archive_id}-{attempt}"
        machine = self.environment.state_machine_arn
        entry = LedgerEntry(
            run_id=partition,
            item=ARCHIVE,
            state=State.RUNNING,
            fingerprint=archive_id,
            started_at=utc_now(),
            attempt=attempt,
            study=due.study,
            execution_arn=execution_arn(machine, name),
        )
        # Noted first: where it is not begun after all, the next day's look begins it under the same name.
        self.ledger.update(entry)
        given = {"study": due.study, "request": uri, "name": name}
        return start(self.step_functions, machine, name, codec.dumps(given))

    @staticmethod
    def _next(latest: LedgerEntry | None, now: datetime) -> tuple[str, int]:
        """The archive's id and which attempt at it: one that is not finished is taken up before another is begun."""
        if latest is None or latest.state is State.SUCCEEDED or not latest.fingerprint:
            return now.strftime("%Y%m%dT%H%M%S"), 1
        return latest.fingerprint, (latest.attempt or 1) + (latest.state is State.FAILED)

    def _request(self, due: Due, archive_id: str, before: datetime) -> ArchiveRequest:
        return ArchiveRequest(
            study=due.study,
            archive_id=archive_id,
            bucket=self.environment.sequencing_bucket,
            written_before=before.isoformat(),
            prefixes=due.prefixes,
            keys=due.keys,
            tar_bytes=self.environment.tar_gib << 30,
            part_bytes=self.environment.part_mib << 20,
        )
