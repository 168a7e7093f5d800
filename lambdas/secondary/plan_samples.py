"""State PlanSamples: what the run's samples share, once the reference is prepared, and the list of samples.

In `{"run_id", "study", "request", "queue"}`; out the same with `"samples"`, the key of a JSON list `[{"sample"}]`.
That list and the regions to call lie in S3, not in the payload. A region that is not on the reference is a RegionError
that names it; more lanes of a sample than one execution can take are a RunTooLargeError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.environment import PlanEnvironment
from genomics.contracts.ledger import LedgerEntry, sample_item
from genomics.contracts.regions import calling_regions, read_fai
from genomics.contracts.runs import RunPlan, RunRequest, State
from genomics.contracts.steps import Step, StepRecord
from lambdas import documents
from lambdas.ledger_table import Ledger, open_ledger, sample_order
from lambdas.secondary.planning import reference_step
from lambdas.secondary.room import check_room

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = PlanEnvironment.read()
    planned = plan_samples(
        request_uri=event["request"],
        bucket=environment.sequencing_bucket,
        images=json.loads(environment.tool_images),
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )
    return {**planned, "queue": event["queue"]}


def plan_samples(
    *, request_uri: str, bucket: str, images: Mapping[str, str], s3: S3Client, ledger: Ledger
) -> dict[str, Any]:
    """Cut the regions to call, write the run's plan, and the ledger's entry of every sample."""
    request = documents.read(s3, RunRequest, request_uri)
    prepared = reference_step(request=request, image=images[Step.PREPARE_REFERENCE], bucket=bucket)
    regions = calling_regions(
        requested=request.regions,
        contigs=_contigs(s3, prepared.record),
        bases_per_region=request.parameters.scatter.bases_per_region,
    )
    check_room(request.samples)
    plan = RunPlan(reference=prepared.fingerprint, regions=regions, images=images)
    documents.write(s3, plan, object_keys.uri(bucket, object_keys.run_plan(request.run_id)))
    ledger.update_all(
        LedgerEntry(
            run_id=request.run_id,
            item=sample_item(sample.sample),
            state=State.PLANNED,
            study=request.study,
            order=sample_order(index),
        )
        for index, sample in enumerate(request.samples)
    )
    samples = object_keys.run_samples(request.run_id)
    listed = json.dumps([{"sample": sample.sample} for sample in request.samples])
    s3.put_object(Bucket=bucket, Key=samples, Body=listed.encode(), ContentType="application/json")
    return {"run_id": request.run_id, "study": request.study, "request": request_uri, "samples": samples}


def _contigs(s3: S3Client, record_uri: str) -> dict[str, int]:
    """Contig lengths of the prepared reference, in its order."""
    record = documents.read(s3, StepRecord, record_uri)
    bucket, key = object_keys.parse(record.outputs["fai"].uri)
    return read_fai(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
