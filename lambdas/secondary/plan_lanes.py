"""State PlanLanes: which lanes of a run folder have to be demultiplexed, and why.

In `{"run_id", "request"}`; out the same with `"lanes": [job]`, which lists only what is to run, and `"records":
["<URI>"]`, those of all lanes in the order of the request. A RunFolderError names a file that is not as it should be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.demultiplexing import DemultiplexRequest
from genomics.contracts.environment import PlanEnvironment
from genomics.contracts.steps import LatestRecipes, Step, recipe_name
from lambdas import documents
from lambdas.ledger_table import RUN_ORDER, Ledger, open_ledger
from lambdas.secondary import jobs
from lambdas.secondary.checkpoints import checker, find_latest_recipes
from lambdas.secondary.decisions import decide_all
from lambdas.secondary.lane_steps import lane_steps

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = PlanEnvironment.read()
    return plan_lanes(
        request_uri=event["request"],
        bucket=environment.sequencing_bucket,
        images=json.loads(environment.tool_images),
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )


def plan_lanes(
    *, request_uri: str, bucket: str, images: Mapping[str, str], s3: S3Client, ledger: Ledger
) -> dict[str, Any]:
    """Decide about every lane; write the tasks of those that run, and the ledger's entries."""
    request = documents.read(s3, DemultiplexRequest, request_uri)
    run_id = request.run_id
    steps = lane_steps(request=request, image=images[Step.DEMULTIPLEX], bucket=bucket, s3=s3)
    folder = object_keys.parse(request.folder)[1].removeprefix(object_keys.RUN_FOLDERS).rstrip("/")
    latest_uri = object_keys.uri(bucket, object_keys.latest_lane_recipes(folder))
    decisions = decide_all(planned=steps, check=checker(s3), latest=find_latest_recipes(s3=s3, uri=latest_uri))
    jobs.write_tasks(s3=s3, bucket=bucket, run_id=run_id, decisions=decisions)
    ledger.update_all(jobs.entries(run_id=run_id, decisions=decisions, first_order=RUN_ORDER + 1))
    documents.write(s3, LatestRecipes({recipe_name(s.step, s.part): s.recipe for s in steps}), latest_uri)
    return {
        "run_id": run_id,
        "request": request_uri,
        "lanes": [jobs.job(bucket=bucket, run_id=run_id, planned=d.planned) for d in decisions if d.run],
        "records": [step.record for step in steps],
    }
