"""The steps of a run, with every path and fingerprint known before anything has run. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from genomics.contracts import object_keys
from genomics.contracts.parameters import CRAM, VEP, RunParameters
from genomics.contracts.regions import Region, calling_jobs, job_part, merge
from genomics.contracts.runs import Artifact, LaneReads, RunPlan, RunRequest, SampleReads
from genomics.contracts.steps import CLINVAR, CSQ, GVCF, SNPEFF, Recipe, Step, Task, TaskInput, made_by

_NOT_IN_A_JOB_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class PlannedStep:
    """A step that may have to run. `outputs` and `record` are URIs; `sample` is empty where it is of no sample.

    `folder` is the task's; `sources` says of each input that another step makes, which step that is.
    """

    step: Step
    part: str
    sample: str
    recipe: Recipe
    inputs: Mapping[str, tuple[TaskInput, ...]]
    outputs: Mapping[str, str]
    record: str
    sources: Mapping[str, Step] = field(default_factory=dict)
    folder: str = ""

    @property
    def fingerprint(self) -> str:
        """Of its recipe."""
        return self.recipe.fingerprint

    @property
    def job_name(self) -> str:
        """A name that AWS Batch takes."""
        words = [self.step.value, self.sample, self.part]
        return _NOT_IN_A_JOB_NAME.sub("_", "-".join(word for word in words if word))[:128]

    def task(self, *, run_id: str, reason: str) -> Task:
        """What the step's tool is told."""
        own_directory = self.fingerprint if self.step is Step.PREPARE_REFERENCE else ""
        return Task(
            run_id=run_id,
            sample=self.sample,
            step=self.step,
            part=self.part,
            fingerprint=self.fingerprint,
            inputs=self.inputs,
            outputs=self.outputs,
            record=self.record,
            parameters=self.recipe.parameters,
            reference=own_directory or self.recipe.reference,
            lanes=self.recipe.lanes,
            regions=self.recipe.regions,
            folder=self.folder,
            reason=reason,
        )


@dataclass(frozen=True)
class SampleSteps:
    """All steps of one sample."""

    fastp: tuple[PlannedStep, ...]
    align: PlannedStep
    coverage: PlannedStep
    call_variants: tuple[PlannedStep, ...]
    gather_variants: PlannedStep
    annotate: PlannedStep | None
    quality: PlannedStep

    @property
    def in_order(self) -> tuple[PlannedStep, ...]:
        """In the order of the data."""
        annotate = [self.annotate] if self.annotate else []
        calls = (*self.call_variants, self.gather_variants, *annotate)
        return (*self.fastp, self.align, self.coverage, *calls, self.quality)


def reference_step(*, request: RunRequest, image: str, bucket: str) -> PlannedStep:
    """The step that prepares a run's reference. `image` identifies its tool's image."""
    fasta = _brought(fasta=request.reference.fasta)
    recipe = Recipe(
        step=Step.PREPARE_REFERENCE,
        image=image,
        parameters=request.parameters.of(Step.PREPARE_REFERENCE),
        contents=fasta.contents,
    )
    return _planned(recipe, inputs=fasta, bucket=bucket)


def annotation_step(*, request: RunRequest, reference: str, image: str, bucket: str) -> PlannedStep | None:
    """The step that prepares what a run's variants are annotated with; None where there is nothing.

    `reference` is the fingerprint of the step that prepares the reference.
    """
    predictor = request.parameters.annotate.predictor
    # VEP has genes of its own.
    genes = request.reference.genes if predictor != VEP else None
    clinvar = request.reference.clinvar
    brought = {name: artifact for name, artifact in (("genes", genes), ("clinvar", clinvar)) if artifact}
    if not brought:
        return None
    predictors = [name for name in (CSQ, SNPEFF) if genes and predictor in (name, "both")]
    inputs = _brought(**brought)
    recipe = Recipe(
        step=Step.PREPARE_ANNOTATION,
        image=image,
        parameters={"predictor": predictor} if genes else {},
        contents=inputs.contents,
        reference=reference,
    )
    return _planned(recipe, inputs=inputs, bucket=bucket, asked_for=[*predictors, *([CLINVAR] if clinvar else [])])


def sample_steps(
    *, request: RunRequest, sample: SampleReads, plan: RunPlan, images: Mapping[str, str], bucket: str
) -> SampleSteps:
    """The steps of a sample. `images` says which image each step's tool has; KeyError if one is missing."""
    builder = _SampleBuilder(request.parameters, sample.sample, plan.reference, images, bucket)
    fastp = tuple(builder.fastp(lane) for lane in sample.lanes)
    align = builder.align(fastp)
    coverage = builder.coverage(align, plan.regions)
    calls = tuple(builder.call_variants(align, regions) for regions in calling_jobs(plan.regions))
    gather = builder.gather_variants(calls)
    image = images[Step.PREPARE_ANNOTATION]
    prepared = annotation_step(request=request, reference=plan.reference, image=image, bucket=bucket)
    annotate = builder.annotate(gather, prepared) if request.is_annotated else None
    quality = builder.quality(fastp, align, coverage, gather)
    return SampleSteps(fastp, align, coverage, calls, gather, annotate, quality)


@dataclass(frozen=True)
class _Inputs:
    """By name, what a step takes: the content, where it is, and the step that makes it, if one does."""

    contents: Mapping[str, tuple[str, ...]]
    tasks: Mapping[str, tuple[TaskInput, ...]]
    sources: Mapping[str, Step] = field(default_factory=dict)

    def __or__(self, other: _Inputs) -> _Inputs:
        return _Inputs(
            contents={**self.contents, **other.contents},
            tasks={**self.tasks, **other.tasks},
            sources={**self.sources, **other.sources},
        )


@dataclass(frozen=True)
class _SampleBuilder:
    parameters: RunParameters
    sample: str
    reference: str
    images: Mapping[str, str]
    bucket: str

    def fastp(self, lane: LaneReads) -> PlannedStep:
        reads = _brought(reads_1=lane.fastq_1, reads_2=lane.fastq_2)
        recipe = Recipe(
            step=Step.FASTP,
            image=self.images[Step.FASTP],
            parameters=self.parameters.of(Step.FASTP),
            contents=reads.contents,
        )
        return self._planned(recipe, reads, part=lane.lane)

    def align(self, lanes: tuple[PlannedStep, ...]) -> PlannedStep:
        made = _made(lanes, ("reads_1", "reads_2"))
        recipe = Recipe(
            step=Step.ALIGN,
            image=self.images[Step.ALIGN],
            parameters=self.parameters.of(Step.ALIGN),
            contents=made.contents,
            reference=self.reference,
            lanes=tuple(lane.part for lane in lanes),
            sample=self.sample,
        )
        return self._planned(recipe, made, asked_for=(CRAM,) if self._cram else ())

    def coverage(self, align: PlannedStep, regions: tuple[Region, ...]) -> PlannedStep:
        made = _made((align,), ("alignments", "index"))
        recipe = Recipe(
            step=Step.COVERAGE,
            image=self.images[Step.COVERAGE],
            parameters=self.parameters.of(Step.COVERAGE),
            contents=made.contents,
            reference=self._reference_of_cram,
            # How calling is cut makes no difference.
            regions=merge(regions),
            sample=self.sample,
        )
        return self._planned(recipe, made)

    def call_variants(self, align: PlannedStep, regions: tuple[Region, ...]) -> PlannedStep:
        made = _made((align,), ("alignments", "index"))
        recipe = Recipe(
            step=Step.CALL_VARIANTS,
            image=self.images[Step.CALL_VARIANTS],
            parameters=self.parameters.of(Step.CALL_VARIANTS),
            contents=made.contents,
            reference=self.reference,
            regions=regions,
        )
        return self._planned(recipe, made, part=job_part(regions), asked_for=self._gvcf)

    def gather_variants(self, calls: tuple[PlannedStep, ...]) -> PlannedStep:
        made = _made(calls, tuple(calls[0].outputs))
        recipe = Recipe(
            step=Step.GATHER_VARIANTS,
            image=self.images[Step.GATHER_VARIANTS],
            parameters=self.parameters.of(Step.GATHER_VARIANTS),
            contents=made.contents,
            reference=self.reference,
            regions=tuple(region for call in calls for region in call.recipe.regions),
            sample=self.sample,
        )
        return self._planned(recipe, made, asked_for=self._gvcf)

    def annotate(self, gather: PlannedStep, prepared: PlannedStep | None) -> PlannedStep:
        made = _made((gather,), ("vcf", "index"))
        if prepared:
            made |= _made((prepared,), tuple(prepared.outputs))
        recipe = Recipe(
            step=Step.ANNOTATE,
            image=self.images[Step.ANNOTATE],
            # Of other predictors than VEP, what was prepared says which runs.
            parameters=self.parameters.of(Step.ANNOTATE) if self.parameters.annotate.predictor == VEP else {},
            contents=made.contents,
            reference=self.reference,
            sample=self.sample,
        )
        return self._planned(recipe, made)

    def quality(
        self, fastp: tuple[PlannedStep, ...], align: PlannedStep, coverage: PlannedStep, gather: PlannedStep
    ) -> PlannedStep:
        made = (
            _made(fastp, ("report",))
            | _made((align,), ("alignments",))
            | _made((coverage,), ("summary", "region_distribution"))
            | _made((gather,), ("stats",))
        )
        recipe = Recipe(
            step=Step.QUALITY,
            image=self.images[Step.QUALITY],
            parameters=self.parameters.of(Step.QUALITY),
            contents=made.contents,
            reference=self._reference_of_cram,
            lanes=tuple(lane.part for lane in fastp),
            sample=self.sample,
        )
        return self._planned(recipe, made)

    @property
    def _cram(self) -> bool:
        return self.parameters.align.format == CRAM

    @property
    def _reference_of_cram(self) -> str:
        """For steps that need the reference only to read CRAM."""
        return self.reference if self._cram else ""

    @property
    def _gvcf(self) -> tuple[str, ...]:
        return (GVCF,) if self.parameters.call_variants.gvcf else ()

    def _planned(self, recipe: Recipe, inputs: _Inputs, part: str = "", asked_for: Iterable[str] = ()) -> PlannedStep:
        sample = self.sample
        return _planned(recipe, inputs=inputs, bucket=self.bucket, sample=sample, part=part, asked_for=asked_for)


def _planned(
    recipe: Recipe,
    *,
    inputs: _Inputs,
    bucket: str,
    sample: str = "",
    part: str = "",
    asked_for: Iterable[str] = (),
) -> PlannedStep:
    keys = object_keys.step_outputs(recipe.step, recipe.fingerprint, sample, asked_for)
    return PlannedStep(
        step=recipe.step,
        part=part,
        sample=sample,
        recipe=recipe,
        inputs=inputs.tasks,
        sources=inputs.sources,
        outputs={name: object_keys.uri(bucket, key) for name, key in keys.items()},
        record=object_keys.uri(bucket, object_keys.step_record(recipe.step, recipe.fingerprint)),
    )


def _brought(**artifacts: Artifact) -> _Inputs:
    """What a step takes of what a user brought, by the inputs' names."""
    return _Inputs(
        contents={name: (artifact.sha256,) for name, artifact in artifacts.items()},
        tasks={name: (TaskInput(a.uri, a.sha256, a.size),) for name, a in artifacts.items()},
    )


def _made(producers: Iterable[PlannedStep], names: Iterable[str]) -> _Inputs:
    """What a step takes that needs the outputs `names` of each producer."""
    producers = tuple(producers)
    return _Inputs(
        contents={name: tuple(made_by(producer.fingerprint, name) for producer in producers) for name in names},
        tasks={name: tuple(TaskInput(producer.outputs[name]) for producer in producers) for name in names},
        sources=dict.fromkeys(names, producers[0].step),
    )
