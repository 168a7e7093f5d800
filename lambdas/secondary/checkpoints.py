"""What earlier runs have left in the bucket: records, and outputs that are still what the records say."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics.contracts.codec import ContractError
from genomics.contracts.steps import REFERENCE_STORE, LatestRecipes, OutputFile, StepRecord
from lambdas import documents
from lambdas.secondary.decisions import Check, Checkpoint
from lambdas.secondary.planning import PlannedStep

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def checker(s3: S3Client, *, reference_store: str | None = None) -> Check:
    """A check that looks into S3, at many steps at once, and reads records but no data.

    With `reference_store`, what was prepared on another file system has to be prepared again.
    """

    def check(steps: Sequence[PlannedStep]) -> dict[str, Checkpoint]:
        find = partial(find_checkpoint, reference_store=reference_store)
        distinct = {step.fingerprint: step for step in steps}
        with ThreadPoolExecutor(documents.PARALLEL_REQUESTS) as threads:
            found = threads.map(lambda step: find(s3=s3, planned=step), distinct.values())
            return dict(zip(distinct, found, strict=True))

    return check


def find_checkpoint(*, s3: S3Client, planned: PlannedStep, reference_store: str | None = None) -> Checkpoint:
    """The step's checkpoint: complete if its record is there and every output has the recorded size and entity tag."""
    try:
        record = documents.find(s3, StepRecord, planned.record)
    except ContractError:
        return Checkpoint(fault=f"the earlier record {planned.record} cannot be read")
    if record is None:
        return Checkpoint()
    for name, uri in planned.outputs.items():
        output = record.outputs.get(name)
        if output is None or output.uri != uri or not is_unaltered(s3=s3, output=output):
            return Checkpoint(fault=f"the earlier output {uri} is missing or altered")
    if reference_store is not None and record.metrics.get(REFERENCE_STORE) != reference_store:
        return Checkpoint(fault=f"the reference was prepared on another file system than {reference_store}")
    return Checkpoint(complete=True)


def find_latest_recipes(*, s3: S3Client, uri: str) -> LatestRecipes:
    """What steps were last planned with; nothing where that is not known, as it serves only to explain."""
    try:
        return documents.find(s3, LatestRecipes, uri) or LatestRecipes({})
    except ContractError:
        return LatestRecipes({})


def is_unaltered(*, s3: S3Client, output: OutputFile) -> bool:
    """Whether the object has the size and the entity tag that were recorded."""
    bucket, key = object_keys.parse(output.uri)
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if documents.is_absent(error):
            return False
        raise
    return head["ContentLength"] == output.size and head["ETag"].strip('"') == output.etag.strip('"')
