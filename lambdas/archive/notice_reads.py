"""The file gateway's log: a read of a placeholder starts the restore of its study.

In a CloudWatch Logs subscription's event, whose entries of type InaccessibleStorageClass count; out
`{"started": ["<study>"]}`.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics.contracts.archives import PLACEHOLDER_STUDY
from genomics.contracts.environment import NoticeReadsEnvironment
from lambdas import documents
from lambdas.archive.executions import start

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

_TYPE = "InaccessibleStorageClass"


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = NoticeReadsEnvironment.read()
    started = notice_reads(
        log_events=json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))["logEvents"],
        bucket=environment.sequencing_bucket,
        state_machine_arn=environment.state_machine_arn,
        now=datetime.now(UTC),
        s3=documents.s3_client(),
        step_functions=boto3.client("stepfunctions"),
    )
    return {"started": started}


def notice_reads(
    *,
    log_events: list[Mapping[str, Any]],
    bucket: str,
    state_machine_arn: str,
    now: datetime,
    s3: S3Client,
    step_functions: SFNClient,
) -> list[str]:
    """Start the restore of each study of which a placeholder was read: in one hour once, however many were."""
    started = []
    for study in sorted({study for key in _keys(log_events, bucket) if (study := _study_at(s3, bucket, key))}):
        name = f"read-{sha256(study.encode()).hexdigest()[:12]}-{now:%Y%m%dT%H}"
        if start(step_functions, state_machine_arn, name, json.dumps({"study": study, "email": ""})):
            started.append(study)
    return started


def _keys(log_events: list[Mapping[str, Any]], bucket: str) -> Iterator[str]:
    """S3 File Gateway User Guide, "Getting S3 File Gateway health logs": one JSON object in each event."""
    for log_event in log_events:
        try:
            entry = json.loads(log_event["message"])
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("type") == _TYPE and entry.get("bucket") == bucket:
            # A share's location may be a prefix of the bucket's keys.
            yield from (str(entry.get("key", "")), f"{object_keys.RUN_FOLDERS}{entry.get('key', '')}")


def _study_at(s3: S3Client, bucket: str, key: str) -> str | None:
    try:
        return s3.head_object(Bucket=bucket, Key=key)["Metadata"].get(PLACEHOLDER_STUDY)
    except ClientError as error:
        if documents.is_absent(error):
            return None
        raise
