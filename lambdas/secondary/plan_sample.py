"""State PlanSample: which of a sample's steps have to run, and why.

In `{"run_id", "study", "request", "queue", "sample"}`; out `{"run_id", "study", "queue", "sample", "lanes": [job],
"align": step, "coverage": step, "regions": [job], "gather": step, "annotate": step, "quality": step}` where a job is
`{"task", "name", "part"}`, a step a job with `"run"`, and `lanes` and `regions` list only what is to run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.environment import PlanEnvironment
from genomics.contracts.ledger import LedgerEntry, sample_item
from genomics.contracts.runs import RunPlan, RunRequest, State
from genomics.contracts.steps import LatestRecipes, Step, recipe_name
from lambdas import documents
from lambdas.ledger_table import Ledger, open_ledger, sample_order, utc_now
from lambdas.secondary import jobs
from lambdas.secondary.checkpoints import checker, find_latest_recipes
from lambdas.secondary.decisions import Decision, decide_sample
from lambdas.secondary.planning import sample_steps

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = PlanEnvironment.read()
    planned = plan_sample(
        request_uri=event["request"],
        sample=event["sample"],
        bucket=environment.sequencing_bucket,
        images=json.loads(environment.tool_images),
        s3=documents.s3_client(),
        ledger=open_ledger(environment.ledger_table),
    )
    return {**planned, "queue": event["queue"]}


def plan_sample(
    *, request_uri: str, sample: str, bucket: str, images: Mapping[str, str], s3: S3Client, ledger: Ledger
) -> dict[str, Any]:
    """Decide about every step of a sample; write the tasks of those that run, and the ledger's entries."""
    request = documents.read(s3, RunRequest, request_uri)
    run_id = request.run_id
    plan = documents.read(s3, RunPlan, object_keys.uri(bucket, object_keys.run_plan(run_id)))
    index, reads = next((i, s) for i, s in enumerate(request.samples) if s.sample == sample)
    steps = sample_steps(request=request, sample=reads, plan=plan, images=plan.images or images, bucket=bucket)

    latest_uri = object_keys.uri(bucket, object_keys.latest_recipes(request.study, sample))
    latest = find_latest_recipes(s3=s3, uri=latest_uri)
    decisions = decide_sample(steps=steps, check=checker(s3), latest=latest)

    jobs.write_tasks(s3=s3, bucket=bucket, run_id=run_id, decisions=decisions)
    order = sample_order(index)
    entry = LedgerEntry(
        run_id=run_id,
        item=sample_item(sample),
        state=State.RUNNING,
        reason=_summary(decisions),
        started_at=utc_now(),
        study=request.study,
        order=order,
    )
    ledger.update_all([entry, *jobs.entries(run_id=run_id, decisions=decisions, first_order=order + 1)])
    # Only reasons are drawn from it, so that of concurrent runs the last may win.
    documents.write(s3, LatestRecipes({recipe_name(s.step, s.part): s.recipe for s in steps.in_order}), latest_uri)
    return {"run_id": run_id, "study": request.study, "sample": sample, **_state(decisions, bucket, run_id)}


def _state(decisions: Sequence[Decision], bucket: str, run_id: str) -> dict[str, Any]:
    def to_run(step: Step) -> list[dict[str, str]]:
        running = (d.planned for d in decisions if d.run and d.planned.step is step)
        return [jobs.job(bucket=bucket, run_id=run_id, planned=planned) for planned in running]

    def optional(step: Step) -> dict[str, Any]:
        decision = next((d for d in decisions if d.planned.step is step), None)
        if decision is None:
            return dict(jobs.NO_JOB)
        return jobs.optional_job(bucket=bucket, run_id=run_id, decision=decision)

    return {
        "lanes": to_run(Step.FASTP),
        "align": optional(Step.ALIGN),
        "coverage": optional(Step.COVERAGE),
        "regions": to_run(Step.CALL_VARIANTS),
        "gather": optional(Step.GATHER_VARIANTS),
        "annotate": optional(Step.ANNOTATE),
        "quality": optional(Step.QUALITY),
    }


def _summary(decisions: Sequence[Decision]) -> str:
    running = sum(decision.run for decision in decisions)
    return f"{running} of {len(decisions)} jobs to run" if running else "nothing to run: all outputs exist"
