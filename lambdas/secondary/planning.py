"""The steps of a run, with every path and fingerprint known before anything has run. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genomics.contracts import object_keys
from genomics.contracts.parameters import RunParameters
from genomics.contracts.regions import Region
from genomics.contracts.runs import Artifact, LaneReads, RunPlan, RunRequest, SampleReads
from genomics.contracts.steps import Recipe, Step, Task, TaskInput, made_by

_NOT_IN_A_JOB_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class PlannedStep:
    """A step that may have to run. `outputs` and `record` are URIs; `sample` is empty for the reference's step."""

    step: Step
    part: str
    sample: str
    recipe: Recipe
    inputs: Mapping[str, tuple[TaskInput, ...]]
    outputs: Mapping[str, str]
    record: str

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
            reason=reason,
        )


@dataclass(frozen=True)
class SampleSteps:
    """All steps of one sample."""

    fastp: tuple[PlannedStep, ...]
    align: PlannedStep
    call_variants: tuple[PlannedStep, ...]
    gather_variants: PlannedStep

    @property
    def in_order(self) -> tuple[PlannedStep, ...]:
        """In the order of the data."""
        return (*self.fastp, self.align, *self.call_variants, self.gather_variants)


def reference_step(*, request: RunRequest, image: str, bucket: str) -> PlannedStep:
    """The step that prepares a run's reference. `image` identifies its tool's image."""
    fasta = request.reference.fasta
    recipe = Recipe(
        step=Step.PREPARE_REFERENCE,
        image=image,
        parameters=request.parameters.of(Step.PREPARE_REFERENCE),
        contents={"fasta": (fasta.sha256,)},
    )
    return _planned(recipe, inputs={"fasta": (_brought(fasta),)}, bucket=bucket)


def sample_steps(
    *, request: RunRequest, sample: SampleReads, plan: RunPlan, images: Mapping[str, str], bucket: str
) -> SampleSteps:
    """The steps of a sample. `images` says which image each step's tool has; KeyError if one is missing."""
    builder = _SampleBuilder(request.parameters, sample.sample, plan.reference, images, bucket)
    fastp = tuple(builder.fastp(lane) for lane in sample.lanes)
    align = builder.align(fastp)
    calls = tuple(builder.call_variants(align, region) for region in plan.regions)
    return SampleSteps(fastp, align, calls, builder.gather_variants(calls))


@dataclass(frozen=True)
class _SampleBuilder:
    parameters: RunParameters
    sample: str
    reference: str
    images: Mapping[str, str]
    bucket: str

    def fastp(self, lane: LaneReads) -> PlannedStep:
        reads = {"reads_1": lane.fastq_1, "reads_2": lane.fastq_2}
        recipe = Recipe(
            step=Step.FASTP,
            image=self.images[Step.FASTP],
            parameters=self.parameters.of(Step.FASTP),
            contents={name: (artifact.sha256,) for name, artifact in reads.items()},
        )
        inputs = {name: (_brought(artifact),) for name, artifact in reads.items()}
        return self._planned(recipe, inputs, part=lane.lane)

    def align(self, lanes: tuple[PlannedStep, ...]) -> PlannedStep:
        contents, inputs = _made(lanes, ("reads_1", "reads_2"))
        recipe = Recipe(
            step=Step.ALIGN,
            image=self.images[Step.ALIGN],
            parameters=self.parameters.of(Step.ALIGN),
            contents=contents,
            reference=self.reference,
            lanes=tuple(lane.part for lane in lanes),
            sample=self.sample,
        )
        return self._planned(recipe, inputs)

    def call_variants(self, align: PlannedStep, region: Region) -> PlannedStep:
        contents, inputs = _made((align,), ("alignments", "index"))
        recipe = Recipe(
            step=Step.CALL_VARIANTS,
            image=self.images[Step.CALL_VARIANTS],
            parameters=self.parameters.of(Step.CALL_VARIANTS),
            contents=contents,
            reference=self.reference,
            regions=(region,),
        )
        return self._planned(recipe, inputs, part=str(region))

    def gather_variants(self, calls: tuple[PlannedStep, ...]) -> PlannedStep:
        contents, inputs = _made(calls, ("calls", "index"))
        recipe = Recipe(
            step=Step.GATHER_VARIANTS,
            image=self.images[Step.GATHER_VARIANTS],
            parameters=self.parameters.of(Step.GATHER_VARIANTS),
            contents=contents,
            reference=self.reference,
            regions=tuple(region for call in calls for region in call.recipe.regions),
            sample=self.sample,
        )
        return self._planned(recipe, inputs)

    def _planned(self, recipe: Recipe, inputs: Mapping[str, tuple[TaskInput, ...]], part: str = "") -> PlannedStep:
        return _planned(recipe, inputs=inputs, bucket=self.bucket, sample=self.sample, part=part)


def _planned(
    recipe: Recipe, *, inputs: Mapping[str, tuple[TaskInput, ...]], bucket: str, sample: str = "", part: str = ""
) -> PlannedStep:
    keys = object_keys.step_outputs(recipe.step, recipe.fingerprint, sample)
    return PlannedStep(
        step=recipe.step,
        part=part,
        sample=sample,
        recipe=recipe,
        inputs=inputs,
        outputs={name: object_keys.uri(bucket, key) for name, key in keys.items()},
        record=object_keys.uri(bucket, object_keys.step_record(recipe.step, recipe.fingerprint)),
    )


def _brought(artifact: Artifact) -> TaskInput:
    return TaskInput(artifact.uri, artifact.sha256, artifact.size)


def _made(
    producers: Iterable[PlannedStep], names: Iterable[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[TaskInput, ...]]]:
    """Contents and inputs of a step that takes the outputs `names` of each producer."""
    producers = tuple(producers)
    contents = {name: tuple(made_by(producer.fingerprint, name) for producer in producers) for name in names}
    inputs = {name: tuple(TaskInput(producer.outputs[name]) for producer in producers) for name in names}
    return contents, inputs
