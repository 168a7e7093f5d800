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
from genomics.contracts.archives import Archive, ArchiveRequest, Restored
from genomics.contracts.environment import FindDueStudiesEnvironment
from genomics.contracts.ledger import ARCHIVE, RESTORE, RUN, LedgerEntry, study_partition
from genomics.contracts.runs import State
from lambdas import documents
from lambdas.archive.executions import execution_arn, start
from lambdas.archive.holdings import Due, due_studies
from lambdas.ledger_table import Ledger, open_ledger, utc_now

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

# At an archive before it is planned anew.
_ATTEMPTS = 3


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
        if (restore and restore.state is State.RUNNING) or any(map(self._is_under_way, due.without_results)):
            return False
        latest = self.ledger.get(partition, ARCHIVE)
        archive_id, attempt = self._next(due.study, latest, now)
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
        is_noted = latest is not None and latest.execution_arn == entry.execution_arn
        if not is_noted and not self.ledger.follow(entry, latest):
            return False
        given = {"study": due.study, "request": uri, "name": name}
        return start(self.step_functions, machine, name, codec.dumps(given))

    def _is_under_way(self, run_id: str) -> bool:
        """Whether an analysis may still read what it was given; one that the ledger does not know yet is beginning."""
        run = self.ledger.get(run_id, RUN)
        return run is None or not run.state.is_final

    def _next(self, study: str, latest: LedgerEntry | None, now: datetime) -> tuple[str, int]:
        """The archive's id and which attempt at it: one that is not finished is taken up before another is begun."""
        if latest and latest.fingerprint:
            attempt = latest.attempt or 1
            if not latest.state.is_final:
                return latest.fingerprint, attempt
            if latest.state is State.FAILED and self._can_go_on(study, latest.fingerprint, attempt):
                return latest.fingerprint, attempt + 1
        return now.strftime("%Y%m%dT%H%M%S"), 1

    def _can_go_on(self, study: str, archive_id: str, attempts: int) -> bool:
        """Whether an archive that failed is to be finished.

        Not one whose members are back: they would be given up for a tar that counts as restored. One whose tars were
        not verified is planned anew after three attempts: what it has planned may have been written over since.
        """
        bucket = self.environment.sequencing_bucket
        restored, archive = object_keys.archive_restored(study, archive_id), object_keys.archive(study, archive_id)
        if documents.find(self.s3, Restored, object_keys.uri(bucket, restored)):
            return False
        return attempts < _ATTEMPTS or documents.find(self.s3, Archive, object_keys.uri(bucket, archive)) is not None

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
