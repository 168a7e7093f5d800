"""What Step Functions carries, 256 KiB per state, is enough for more samples than an execution's history is.

A run has 231 samples at most (`lambdas.secondary.history`), a sample MAXIMUM_REGIONS regions.
"""

from __future__ import annotations

import json

from genomics.contracts.regions import MAXIMUM_REGIONS, Region
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

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
PAYLOAD = 256 * 1024

SAMPLES = [f"sample-{number:04d}-{'x' * 52}" for number in range(1000)]
BUCKET = "b" * 63
RUN = "r" * 80
STUDY = "s" * 64
CONTIG = "chr1_KI270706v1_random"


def size(state: object) -> int:
    return len(json.dumps(state).encode())


def sample_state(regions: int) -> dict[str, object]:
    artifact = Artifact("s3://b/k", "0" * 64, 1)
    sample = SampleReads(SAMPLES[0], "p", tuple(LaneReads(f"{i:064d}", artifact, artifact) for i in range(8)))
    request = RunRequest(RUN, STUDY, Reference("ref", artifact), (sample,))
    plan = RunPlan("f" * 64, tuple(Region(CONTIG, 200_000_000 + i, 230_000_000 + i) for i in range(regions)))
    images = {step.value: "image" for step in Step}
    steps = sample_steps(request=request, sample=sample, plan=plan, images=images, bucket=BUCKET)
    decisions = [Decision(step, True, "no earlier result") for step in steps.in_order]
    return {
        "lanes": [jobs.job(bucket=BUCKET, run_id=RUN, planned=step) for step in steps.fastp],
        "align": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[8]),
        "coverage": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[9]),
        "regions": [jobs.job(bucket=BUCKET, run_id=RUN, planned=step) for step in steps.call_variants],
        "gather": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[-2]),
        "quality": jobs.optional_job(bucket=BUCKET, run_id=RUN, decision=decisions[-1]),
    }


def test_the_list_of_a_thousand_samples_fits() -> None:
    assert all(len(name) == 64 for name in SAMPLES)
    state = {"run_id": RUN, "study": STUDY, "request": "u" * 1024, "samples": [{"sample": name} for name in SAMPLES]}
    assert size(state) < PAYLOAD / 2


def test_a_samples_plan_of_fifty_regions_fits_ten_times() -> None:
    assert size(sample_state(50)) < PAYLOAD / 7


def test_a_samples_plan_of_as_many_regions_as_are_possible_fits() -> None:
    assert size(sample_state(MAXIMUM_REGIONS)) < PAYLOAD


def test_what_a_thousand_failed_samples_leave_in_the_state_fits() -> None:
    outcomes = [{"sample": name, "state": "FAILED"} for name in SAMPLES]
    assert size(outcomes) < PAYLOAD / 2


def test_the_results_of_a_thousand_failed_samples_fit() -> None:
    failed = [SampleResult(name, "p", State.FAILED, reason=f"{name}: " + "y" * 600) for name in SAMPLES]
    line = failure_summary(failed, of=1000)
    assert line.startswith("1000 of 1000 samples failed: sample-0000")
    assert line.endswith("(and 997 more)")
    assert size({"failed": SAMPLES, "results": "u" * 1024, "line": line}) < PAYLOAD / 2
