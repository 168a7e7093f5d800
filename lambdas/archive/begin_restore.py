"""State BeginRestore: have a study's tars copied out of Deep Archive, unless a restore of the study is under way.

In `{"study", "email", "item", "execution"}`, `email` empty for the study's owner; out the same with `"joined"`,
`"tars": n`, `"request"` (URI of the RestoreRequest) and `"name"` (of the Batch job).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3

from genomics.contracts import object_keys
from genomics.contracts.archives import RestoreRequest, is_email
from genomics.contracts.environment import RestoreEnvironment
from genomics.contracts.ledger import ARCHIVE, RESTORE, LedgerEntry, requester_item, study_partition
from genomics.contracts.runs import State
from genomics.contracts.samples import NAME_RULE, is_name
from lambdas import documents
from lambdas.archive.holdings import find_study
from lambdas.archive.tars import archives, is_restored, request_restore
from lambdas.ledger_table import Ledger, open_ledger, utc_now

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import TierType
    from mypy_boto3_sns import SNSClient


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = RestoreEnvironment.read()
    restores = Restores(
        environment=environment,
        s3=documents.s3_client(),
        sns=boto3.client("sns"),
        ledger=open_ledger(environment.ledger_table),
    )
    begun = restores.begin(study=event["study"], email=event["email"], execution=event["execution"])
    return {**event, **begun}


@dataclass(frozen=True)
class Restores:
    """Begins restores: of one study one at a time, which all who ask for it meanwhile are told of."""

    environment: RestoreEnvironment
    s3: S3Client
    sns: SNSClient
    ledger: Ledger

    def begin(self, *, study: str, email: str, execution: str) -> dict[str, Any]:
        """Note who waits, and begin the restore or join the one under way; ValueError says what is wrong in a line."""
        if not is_name(study):
            raise ValueError(f"study {study!r} {NAME_RULE}")
        found = list(archives(self.s3, self.environment.sequencing_bucket, study))
        if not found:
            raise ValueError(f"study {study} has no archive")
        archiving = self.ledger.get(study_partition(study), ARCHIVE)
        if archiving and archiving.state is State.RUNNING:
            raise ValueError(f"study {study} is being archived; ask again when that has ended")
        # Before the restore is looked at: whoever is noted while it runs is told when it ends.
        self._note(study, email)
        restore_id = execution.rpartition(":")[2]
        if not self._claim(study, restore_id, execution):
            return {"joined": True, "tars": 0, "request": "", "name": ""}
        wanted = [archive for archive in found if not is_restored(self.s3, archive)]
        tier = cast("TierType", self.environment.restore_tier)
        for archive in wanted:
            request_restore(self.s3, archive, tier=tier, days=self.environment.restored_days)
        bucket = self.environment.sequencing_bucket
        uris = tuple(object_keys.uri(bucket, object_keys.archive(study, archive.archive_id)) for archive in wanted)
        uri = object_keys.uri(bucket, object_keys.restore_request(study, restore_id))
        documents.write(self.s3, RestoreRequest(study, restore_id, uris), uri)
        tars = sum(len(archive.tars) for archive in wanted)
        return {"joined": False, "tars": tars, "request": uri, "name": f"restore-{restore_id}"[:128]}

    def _note(self, study: str, email: str) -> None:
        """Note that somebody waits, and have their address confirmed while the tars are on their way."""
        address = email or find_study(self.s3, self.environment.sequencing_bucket, study).owner
        address = address or self.environment.owner
        if not address:
            return
        if not is_email(address):
            raise ValueError(f"{address!r} is no e-mail address")
        self.sns.subscribe(
            TopicArn=self.environment.topic_arn,
            Protocol="email",
            Endpoint=address,
            Attributes={"FilterPolicy": json.dumps({"recipient": [address]})},
        )
        self.ledger.update(LedgerEntry(study_partition(study), requester_item(address), State.PLANNED, study=study))

    def _claim(self, study: str, restore_id: str, execution: str) -> bool:
        entry = LedgerEntry(
            run_id=study_partition(study),
            item=RESTORE,
            state=State.RUNNING,
            fingerprint=restore_id,
            execution_arn=execution,
            started_at=utc_now(),
            study=study,
        )
        return self.ledger.claim_for_execution(entry)
