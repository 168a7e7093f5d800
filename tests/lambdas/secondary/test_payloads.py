"""What Step Functions carries, 256 KiB per state, is enough for a thousand samples and more.

The list of samples lies in S3; a sample has MAXIMUM_LANES lanes and MAXIMUM_CALLING_JOBS jobs of calling at most.
"""

from __future__ import annotations

import json

from genomics.contracts import object_keys
from genomics.contracts.regions import MAXIMUM_CALLING_JOBS, Region
from genomics.contracts.runs import (
    Artifact,
    LaneReads,
    Reference,
    RunPlan,
    RunRequest,
    SampleReads,
    SampleResult,
    State,
)
from genomics.contracts.steps import Step
from lambdas.secondary import jobs
from lambdas.secondary.collect_results import failure_summary
from lambdas.secondary.decisions import Decision
from lambdas.secondary.planning import sample_steps
from lambdas.secondary.room import MAXIMUM_LANES

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
PAYLOAD = 256 * 1024

SAMPLES = [f"sample-{number:04d}-{'x' * 52}" for number in range(1000)]
BUCKET = "b" * 63
RUN = "r" * 80
STUDY = "s" * 64
CONTIG = "chr1_KI270706v1_random"


def size(state: object) -> int:
    return len(json.dumps(state).encode())


def sample_state(regions: int, lanes: int = 8) -> dict[str, object]:
    artifact = Artifact("s3://b/k", "0" * 64, 1)
    sample = SampleReads(SAMPLES[0], "p", tuple(LaneReads(f"{i:064d}", artifact, artifact) for i in range(lanes)))
    request = RunRequest(RUN, STUDY, Reference("ref", artifact, genes=artifact), (sample,))
    plan = RunPlan("f" * 64, tuple(Region(CONTIG, 200_000_000 + i, 230_000_000 + i) for i in range(regions)))
    images = {step.value: "image" for step in Step}
    steps = sample_steps(request=request, sample=sample, plan=plan, images=images, bucket=BUCKET)
    decisions = [Decision(step, True, "no earlier result") for step in steps.in_order]
    return {
        "lanes": [jobs.job(bucket=BUCKET, run_id=RUN, planned=step) for step in steps.fastp],
        "align": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[lanes]),
        "coverage": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[lanes + 1]),
        "regions": [jobs.job(bucket=BUCKET, run_id=RUN, planned=step) for step in steps.call_variants],
        "gather": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[-3]),
        "annotate": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[-2]),
        "quality": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[-1]),
    }


def test_the_list_of_samples_is_in_no_payload() -> None:
    assert all(len(name) == 64 for name in SAMPLES)
    state = {"run_id": RUN, "study": STUDY, "request": "u" * 1024, "samples": object_keys.run_samples(RUN)}
    assert size(state) < 2048


def test_a_samples_plan_of_fifty_regions_fits_ten_times() -> None:
    assert size(sample_state(50)) < PAYLOAD / 7


def test_a_samples_plan_of_as_many_jobs_as_are_possible_fits() -> None:
    assert size(sample_state(MAXIMUM_CALLING_JOBS, MAXIMUM_LANES)) < PAYLOAD


def test_a_samples_plan_of_thousands_of_small_contigs_fits() -> None:
    assert size(sample_state(5000)) < PAYLOAD


def test_what_ten_thousand_samples_leave_in_the_state_fits() -> None:
    # The output of a Map Run is the list of its children's, which ListedMap discards (stacks/constructs).
    assert size([{"state": "SUCCEEDED"}] * 10_000) < PAYLOAD


def test_the_results_of_a_thousand_failed_samples_fit() -> None:
    failed = [SampleResult(name, "p", State.FAILED, reason=f"{name}: " + "y" * 600) for name in SAMPLES]
    line = failure_summary(failed, of=1000)
    assert line.startswith("1000 of 1000 samples failed: sample-0000")
    assert line.endswith("(and 997 more)")
    assert size({"results": "u" * 1024, "line": line}) < PAYLOAD / 50
