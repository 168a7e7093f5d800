from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from genomics.contracts.parameters import RunParameters
from genomics.contracts.regions import MAXIMUM_CALLING_JOBS, Region, RegionError, calling_regions
from genomics.contracts.runs import Artifact, LaneReads, Reference, RunPlan, RunRequest, SampleReads
from genomics.contracts.steps import LatestRecipes, Step, recipe_name
from lambdas.secondary.decisions import Checkpoint, Decision, decide_sample, decide_shared
from lambdas.secondary.planning import PlannedStep, annotation_step, reference_step, sample_steps

IMAGES = {step.value: f"image-of-{step}" for step in Step}
CONTIGS = {"chr1": 5000, "chr2": 3000}

REFERENCE = "prepare_reference#"
ANNOTATION = "prepare_annotation#"
FASTP = {"fastp#L001", "fastp#L002"}
ALIGN = "align#"
COVERAGE = "coverage#"
CALLS = {"call_variants#chr1:1-5000", "call_variants#chr2:1-3000"}
GATHER = "gather_variants#"
ANNOTATE = "annotate#"
QUALITY = "quality#"
EVERYTHING = {REFERENCE, *FASTP, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}


def reads(content: str) -> Artifact:
    return Artifact(f"s3://sequencing/inbox/reads/{content}.fastq.gz", f"sha-of-{content}", 10)


def request(**changes: Any) -> RunRequest:
    lanes = (LaneReads("L001", reads("a1"), reads("a2")), LaneReads("L002", reads("b1"), reads("b2")))
    reference = Reference("ref", Artifact("s3://sequencing/references/ref.fa", "sha-of-ref", 100))
    return replace(RunRequest("run", "study", reference, (SampleReads("S1", "P1", lanes),)), **changes)


def parameters(*assignments: str) -> RunParameters:
    return RunParameters().changed(assignments)


@dataclass(frozen=True)
class Plan:
    decisions: Mapping[str, Decision]

    @property
    def ran(self) -> set[str]:
        return {name for name, decision in self.decisions.items() if decision.run}

    def reason(self, name: str) -> str:
        return self.decisions[name].reason


@dataclass
class History:
    """What runs have left: steps that are complete, and the latest recipes."""

    complete: set[str] = field(default_factory=set)
    latest: LatestRecipes = field(default_factory=lambda: LatestRecipes({}))

    def check(self, steps: Sequence[PlannedStep]) -> dict[str, Checkpoint]:
        return {step.fingerprint: Checkpoint(complete=step.fingerprint in self.complete) for step in steps}

    def run(self, request: RunRequest, images: Mapping[str, str] = IMAGES) -> Plan:
        """Plan a run; what is to run succeeds."""
        prepare = reference_step(request=request, image=images[Step.PREPARE_REFERENCE], bucket="sequencing")
        regions = calling_regions(requested=request.regions, contigs=CONTIGS, bases_per_region=30_000_000)
        steps = sample_steps(
            request=request,
            sample=request.samples[0],
            plan=RunPlan(prepare.fingerprint, regions),
            images=images,
            bucket="sequencing",
        )
        image = images[Step.PREPARE_ANNOTATION]
        annotation = annotation_step(request=request, reference=prepare.fingerprint, image=image, bucket="sequencing")
        decisions = [
            decide_shared(planned=planned, check=self.check, latest=self.latest)
            for planned in (prepare, annotation)
            if planned
        ]
        decisions += decide_sample(steps=steps, check=self.check, latest=self.latest)
        self.complete |= {decision.planned.fingerprint for decision in decisions if decision.run}
        named = {recipe_name(d.planned.step, d.planned.part): d for d in decisions}
        self.latest = LatestRecipes({name: decision.planned.recipe for name, decision in named.items()})
        return Plan(named)


@pytest.fixture
def history() -> History:
    """After one complete run."""
    history = History()
    history.run(request())
    return history


def test_a_first_run_runs_everything_because_there_is_no_earlier_result() -> None:
    plan = History().run(request())
    assert plan.ran == EVERYTHING
    assert {plan.reason(name) for name in EVERYTHING} == {"no earlier result"}


def test_steps_are_decided_in_the_order_of_the_data() -> None:
    assert list(History().run(request()).decisions) == [
        REFERENCE,
        *sorted(FASTP),
        ALIGN,
        COVERAGE,
        *sorted(CALLS),
        GATHER,
        QUALITY,
    ]


def test_the_same_again_runs_nothing_and_says_why(history: History) -> None:
    plan = history.run(request(run_id="second"))
    assert plan.ran == set()
    fingerprint = plan.decisions[ALIGN].planned.fingerprint
    assert plan.reason(ALIGN) == f"outputs of the same inputs, parameters and image exist: steps/align/{fingerprint}"
    assert plan.reason(GATHER).startswith("outputs of the same inputs, parameters and image exist")
    assert {plan.reason(name) for name in FASTP} == {"not needed: align and quality are done"}
    assert {plan.reason(name) for name in CALLS} == {"not needed: gather_variants is done"}


@pytest.mark.parametrize(
    ("assignment", "ran", "reasons"),
    [
        (
            "fastp.minimum_length=40",
            {*FASTP, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY},
            {
                "fastp#L001": "parameter minimum_length changed 30 -> 40",
                ALIGN: "fastp runs again",
                COVERAGE: "align runs again",
                QUALITY: "fastp runs again; align runs again; coverage runs again; gather_variants runs again",
                GATHER: "call_variants runs again",
            },
        ),
        (
            "align.minimum_score=40",
            {*FASTP, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY} - FASTP,
            {
                ALIGN: "parameter minimum_score changed 30 -> 40",
                "call_variants#chr1:1-5000": "align runs again",
                "fastp#L001": "outputs of the same inputs, parameters and image exist",
            },
        ),
        (
            "align.aligner=minimap2",
            {*FASTP, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY} - FASTP,
            {ALIGN: "parameter aligner changed bwa -> minimap2", COVERAGE: "align runs again"},
        ),
        (
            "align.format=cram",
            {*FASTP, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY} - FASTP,
            {ALIGN: "parameter format changed bam -> cram", COVERAGE: "align runs again"},
        ),
        (
            "coverage.minimum_mapping_quality=20",
            {COVERAGE, QUALITY},
            {
                COVERAGE: "parameter minimum_mapping_quality changed 0 -> 20",
                "fastp#L001": "outputs of the same inputs, parameters and image exist",
            },
        ),
        (
            "call_variants.minimum_base_quality=20",
            {*CALLS, GATHER, QUALITY},
            {
                "call_variants#chr1:1-5000": "parameter minimum_base_quality changed 13 -> 20",
                "fastp#L001": "outputs of the same inputs, parameters and image exist",
            },
        ),
        (
            "gather_variants.minimum_quality=20",
            {GATHER, QUALITY},
            {
                GATHER: "parameter minimum_quality changed 10.0 -> 20.0",
                "call_variants#chr1:1-5000": "outputs of the same inputs, parameters and image exist",
            },
        ),
    ],
)
def test_a_changed_parameter_reruns_exactly_what_depends_on_it(
    history: History, assignment: str, ran: set[str], reasons: dict[str, str]
) -> None:
    plan = history.run(request(parameters=parameters(assignment)))
    assert plan.ran == ran
    for item, reason in reasons.items():
        assert plan.reason(item).startswith(reason)


@pytest.mark.parametrize(
    ("step", "ran"),
    [
        (Step.FASTP, {*FASTP, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}),
        (Step.ALIGN, {ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}),
        (Step.COVERAGE, {COVERAGE, QUALITY}),
        (Step.CALL_VARIANTS, {*CALLS, GATHER, QUALITY}),
        (Step.GATHER_VARIANTS, {GATHER, QUALITY}),
        (Step.QUALITY, {QUALITY}),
        (Step.PREPARE_REFERENCE, {REFERENCE, ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}),
    ],
)
def test_a_changed_image_reruns_exactly_what_depends_on_it(history: History, step: Step, ran: set[str]) -> None:
    plan = history.run(request(), {**IMAGES, step.value: "a newer image"})
    assert plan.ran == ran
    changed = {item for item in ran if plan.reason(item) == "image changed"}
    assert {item.split("#")[0] for item in changed} == {step.value}
    if step is Step.PREPARE_REFERENCE:
        assert plan.reason(ALIGN) == "reference changed"


def with_lanes(*lanes: LaneReads) -> RunRequest:
    return request(samples=(SampleReads("S1", "P1", lanes),))


LANES = request().samples[0].lanes


def test_changed_reads_of_one_lane_rerun_that_lane_only(history: History) -> None:
    plan = history.run(with_lanes(replace(LANES[0], fastq_1=reads("other")), LANES[1]))
    assert plan.ran == {"fastp#L001", ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}
    assert plan.reason("fastp#L001") == "input reads_1 of lane L001 changed"
    assert plan.reason(ALIGN) == "fastp runs again"


def test_reads_brought_again_under_another_name_rerun_nothing(history: History) -> None:
    copy = replace(LANES[0].fastq_1, uri="s3://sequencing/inbox/copy.fastq.gz")
    assert history.run(with_lanes(replace(LANES[0], fastq_1=copy), LANES[1])).ran == set()


def test_swapped_mates_are_another_input(history: History) -> None:
    swapped = LaneReads("L001", LANES[0].fastq_2, LANES[0].fastq_1)
    plan = history.run(with_lanes(swapped, LANES[1]))
    assert plan.reason("fastp#L001") == "input reads_1 of lane L001 changed; input reads_2 of lane L001 changed"


def test_a_new_lane_is_said_to_be_new() -> None:
    history = History()
    history.run(with_lanes(LANES[0]))
    plan = history.run(with_lanes(*LANES))
    assert plan.ran == {"fastp#L002", ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}
    assert plan.reason("fastp#L002") == "lane L002 is new"
    assert plan.reason(ALIGN) == "lanes changed L001 -> L001, L002; fastp runs again"


def test_another_reference_reruns_all_but_trimming(history: History) -> None:
    plan = history.run(request(reference=Reference("ref", Artifact("s3://sequencing/o.fa", "sha-of-other", 9))))
    assert plan.ran == EVERYTHING - FASTP
    assert plan.reason(REFERENCE) == "input fasta changed"
    assert plan.reason(ALIGN) == "reference changed"


def annotated(**known: str) -> RunRequest:
    """With genes, ClinVar or both, of which only the content counts."""
    files = {name: Artifact(f"s3://sequencing/references/{name}", content, 9) for name, content in known.items()}
    return request(reference=replace(request().reference, **files))


def test_genes_add_an_annotation_and_rerun_nothing_else(history: History) -> None:
    plan = history.run(annotated(genes="g1"))
    assert plan.ran == {ANNOTATION, ANNOTATE}
    assert plan.reason(ANNOTATE) == "no earlier result"
    assert list(plan.decisions)[-2:] == [ANNOTATE, QUALITY]
    assert history.run(annotated(genes="g1")).ran == set()
    assert history.run(request()).ran == set()


def test_another_clinvar_reruns_the_annotation_only(history: History) -> None:
    history.run(annotated(genes="g1", clinvar="c1"))
    plan = history.run(annotated(genes="g1", clinvar="c2"))
    assert plan.ran == {ANNOTATION, ANNOTATE}
    assert plan.reason(ANNOTATION) == "input clinvar changed"
    assert plan.reason(ANNOTATE) == "prepare_annotation has another result"


def test_another_predictor_reruns_the_annotation_only(history: History) -> None:
    history.run(annotated(genes="g1"))
    plan = history.run(replace(annotated(genes="g1"), parameters=parameters("annotate.predictor=csq")))
    assert plan.ran == {ANNOTATION, ANNOTATE}
    assert plan.reason(ANNOTATION) == "parameter predictor changed both -> csq"


def test_other_variants_are_annotated_anew(history: History) -> None:
    history.run(annotated(genes="g1"))
    plan = history.run(replace(annotated(genes="g1"), parameters=parameters("gather_variants.minimum_depth=9")))
    assert plan.ran == {GATHER, ANNOTATE, QUALITY}
    assert plan.reason(ANNOTATE) == "gather_variants runs again"


def test_other_regions_rerun_calling_there_and_gathering(history: History) -> None:
    plan = history.run(request(regions=(Region("chr1", 1, 5000), Region("chr2", 1, 1000))))
    assert plan.ran == {COVERAGE, "call_variants#chr2:1-1000", GATHER, QUALITY}
    assert plan.reason(QUALITY) == "coverage runs again; gather_variants runs again"
    assert plan.reason(COVERAGE) == "regions changed"
    assert plan.reason("call_variants#chr2:1-1000") == "region chr2:1-1000 is new"
    assert plan.reason(GATHER) == "regions changed; call_variants runs again"


def test_fewer_regions_rerun_coverage_and_gathering_only(history: History) -> None:
    plan = history.run(request(regions=(Region("chr1", 1, 5000),)))
    assert plan.ran == {COVERAGE, GATHER, QUALITY}
    assert plan.reason(GATHER) == "regions changed"


def test_going_back_to_earlier_parameters_runs_nothing(history: History) -> None:
    history.run(request(parameters=parameters("align.minimum_score=40")))
    assert history.run(request()).ran == set()


def test_going_back_half_way_names_the_other_result(history: History) -> None:
    history.run(request(parameters=parameters("align.minimum_score=40")))
    plan = history.run(request(parameters=parameters("call_variants.ploidy=1")))
    assert plan.ran == {*CALLS, GATHER, QUALITY}
    reason = plan.reason("call_variants#chr1:1-5000")
    assert reason == "parameter ploidy changed 2 -> 1; align has another result"


def test_the_name_of_a_sample_is_part_of_what_it_is_in(history: History) -> None:
    renamed = request(samples=(SampleReads("S2", "P1", LANES),))
    assert history.run(renamed).ran == {ALIGN, COVERAGE, *CALLS, GATHER, QUALITY}


@pytest.mark.parametrize(
    ("name", "ran"),
    [(ALIGN, {ALIGN}), (COVERAGE, {COVERAGE}), (GATHER, {GATHER}), (QUALITY, {QUALITY}), (REFERENCE, {REFERENCE})],
)
def test_only_a_lost_final_output_is_made_again(history: History, name: str, ran: set[str]) -> None:
    history.complete.discard(history.latest.recipes[name].fingerprint)
    plan = history.run(request())
    assert plan.ran == ran
    assert plan.reason(name) == "the earlier run left no result"


def test_lost_intermediate_outputs_are_made_again_only_where_they_are_needed(history: History) -> None:
    lost = {history.latest.recipes[name].fingerprint for name in (*FASTP, *CALLS)}
    history.complete -= lost
    assert history.run(request()).ran == set()
    history.complete -= {history.latest.recipes[GATHER].fingerprint}
    assert history.run(request()).ran == {*CALLS, GATHER}


def test_lost_trimming_is_made_again_where_only_the_report_on_it_is_missing(history: History) -> None:
    history.complete -= {history.latest.recipes[name].fingerprint for name in (*FASTP, QUALITY)}
    assert history.run(request()).ran == {*FASTP, QUALITY}


def test_what_is_wrong_with_an_earlier_output_is_the_reason() -> None:
    step = reference_step(request=request(), image="image", bucket="sequencing")
    fault = "the earlier output s3://sequencing/x is missing or altered"
    decision = decide_shared(
        planned=step, check=lambda steps: {step.fingerprint: Checkpoint(fault=fault)}, latest=LatestRecipes({})
    )
    assert (decision.run, decision.reason) == (True, fault)


def test_regions_are_cut_in_reference_order_and_overlaps_called_once() -> None:
    requested = (Region("chr2", 1, 10), Region("chr1", 101, 1700), Region("chr1", 1, 200))
    cut = calling_regions(requested=requested, contigs=CONTIGS, bases_per_region=1000)
    assert [str(region) for region in cut] == ["chr1:1-850", "chr1:851-1700", "chr2:1-10"]


def test_without_requested_regions_the_whole_reference_is_called() -> None:
    cut = calling_regions(requested=(), contigs={**CONTIGS, "empty": 0}, bases_per_region=2500)
    assert [str(region) for region in cut] == ["chr1:1-2500", "chr1:2501-5000", "chr2:1-1500", "chr2:1501-3000"]


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (Region("chr9", 1, 10), "chr9:1-10: the reference has no contig 'chr9'"),
        (Region("chr2", 1, 3001), "chr2:1-3001: chr2:1-3001 ends after the contig's last base, 3000"),
    ],
)
def test_a_region_that_is_not_on_the_reference_is_named(region: Region, message: str) -> None:
    with pytest.raises(RegionError, match=re.escape(message)):
        calling_regions(requested=(region,), contigs=CONTIGS, bases_per_region=1000)


def test_more_contigs_than_a_payload_holds_jobs_share_jobs() -> None:
    contigs = {f"contig{number}": 100 for number in range(1001)}
    regions = calling_regions(requested=(), contigs=contigs, bases_per_region=1000)
    one = request()
    steps = sample_steps(
        request=one, sample=one.samples[0], plan=RunPlan("reference", regions), images=IMAGES, bucket="b"
    )
    assert len(steps.call_variants) <= MAXIMUM_CALLING_JOBS
    assert steps.gather_variants.recipe.regions == regions
    assert steps.call_variants[0].part == "contig0:1-100 and 3 more"


def test_job_names_are_what_batch_takes() -> None:
    long_name = request(samples=(SampleReads("S.1_" + "x" * 59, "P", (replace(LANES[0], lane="L.1"),)),))
    plan = RunPlan("reference", (Region("chr1", 1, 5000), Region("HLA*01:01", 1, 5)))
    steps = sample_steps(request=long_name, sample=long_name.samples[0], plan=plan, images=IMAGES, bucket="b")
    names = [step.job_name for step in steps.in_order]
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", name) for name in names)
    assert names[-3].endswith("-HLA_01_01_1-5")
