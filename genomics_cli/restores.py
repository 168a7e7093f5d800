"""Asking for a study that is in the archive."""

import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from genomics.contracts import object_keys
from genomics.contracts.archives import is_email
from genomics.contracts.samples import NAME_RULE, is_name
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError


@dataclass(frozen=True)
class AskedRestore:
    """A restore that was asked for; `execution_arn` tells how it stands."""

    study: str
    notify: str
    execution_arn: str

    def as_document(self) -> dict[str, str]:
        """For machines."""
        return asdict(self)


def ask_restore(platform: Platform, study: str, notify: str) -> AskedRestore:
    """Start the restore of a study, or join the one under way; UserError says what is wrong with the request."""
    if not is_name(study):
        raise UserError(f"study {study!r} {NAME_RULE}")
    if not is_email(notify):
        raise UserError(f"--notify {notify!r} is no e-mail address")
    cloud, deployment = platform.cloud, platform.deployment
    prefix = object_keys.study_archives(study)
    if not cloud.s3.list_objects_v2(Bucket=deployment.sequencing_bucket, Prefix=prefix, MaxKeys=1).get("Contents"):
        raise UserError(f"study {study} has no archive; `genomics restore` takes a study's name as its runs give it")
    started = cloud.step_functions.start_execution(
        stateMachineArn=deployment.restore_state_machine_arn,
        name=f"restore-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}",
        input=json.dumps({"study": study, "email": notify}),
    )
    return AskedRestore(study, notify, started["executionArn"])
