"""State PlanReference: whether the run's reference has to be prepared, and what its variants are annotated with.

In `{"run_id", "study", "request"}`; out the same with `"queue"`, the ARN of the queue that the run's jobs go to,
`"reference": {"run", "task", "name", "part"}`, and the like for `"annotation"`, which does not run where there is
nothing to annotate with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.environment import PlanEnvironment
from genomics.contracts.runs import RunRequest
from genomics.contracts.steps import LatestRecipes, Step, recipe_name
from lambdas import documents
from lambdas.ledger_table import REFERENCE_ORDER, Ledger, open_ledger
from lambdas.secondary import jobs
from lambdas.secondary.checkpoints import checker, find_latest_recipes
from lambdas.secondary.decisions import decide_shared
from lambdas.secondary.planning import annotation_step, reference_step

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = PlanEnvironment.read()
    return plan_reference(
        request_uri=event["request"],
        bucket=environment.sequencing_bucket,
        images=json.loads(environment.tool_images),
        reference_store=environment.reference_store,
        job_queue=environment.job_queue,
        urgent_job_queue=environment.urgent_job_queue,
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )


def plan_reference(
    *,
    request_uri: str,
    bucket: str,
    images: Mapping[str, str],
    reference_store: str,
    job_queue: str,
    urgent_job_queue: str,
    s3: S3Client,
    ledger: Ledger,
) -> dict[str, Any]:
    """Decide about what all samples share, write the tasks of what runs, and the ledger's entries; choose the queue."""
    request = documents.read(s3, RunRequest, request_uri)
    run_id = request.run_id
    planned = reference_step(request=request, image=images[Step.PREPARE_REFERENCE], bucket=bucket)
    latest_uri = object_keys.uri(bucket, object_keys.latest_reference_recipe(request.study, request.reference.name))
    latest = find_latest_recipes(s3=s3, uri=latest_uri)
    check = checker(s3, reference_store=reference_store)
    decisions = [decide_shared(planned=planned, check=check, latest=latest)]
    image = images[Step.PREPARE_ANNOTATION]
    annotation = annotation_step(request=request, reference=planned.fingerprint, image=image, bucket=bucket)
    if annotation:
        decisions.append(decide_shared(planned=annotation, check=checker(s3), latest=latest))
    jobs.write_tasks(s3=s3, bucket=bucket, run_id=run_id, decisions=decisions)
    ledger.update_all(jobs.entries(run_id=run_id, decisions=decisions, first_order=REFERENCE_ORDER))
    recipes = {recipe_name(step.step, step.part): step.recipe for step in (d.planned for d in decisions)}
    documents.write(s3, LatestRecipes(recipes), latest_uri)
    reference, *others = (jobs.optional_job(bucket=bucket, run_id=run_id, decision=decision) for decision in decisions)
    return {
        "run_id": run_id,
        "study": request.study,
        "request": request_uri,
        "queue": urgent_job_queue if request.urgent else job_queue,
        "reference": reference,
        "annotation": others[0] if others else dict(jobs.NO_JOB),
    }
