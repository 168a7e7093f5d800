"""Which steps have to run, decided from the end of the data, and why. Pure but for the check that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from genomics.contracts import object_keys
from genomics.contracts.runs import RunRequest
from genomics.contracts.steps import LatestRecipes, Step
from lambdas.secondary.planning import PlannedStep, SampleSteps
from lambdas.secondary.reasons import why_run

# What a sample is analysed for, in the order of the data.
FINAL = (Step.ALIGN, Step.COVERAGE, Step.GATHER_VARIANTS, Step.ANNOTATE, Step.QUALITY)


def final_steps(request: RunRequest) -> tuple[Step, ...]:
    """Those of FINAL that a run's samples have."""
    return tuple(step for step in FINAL if step is not Step.ANNOTATE or request.is_annotated)


@dataclass(frozen=True)
class Checkpoint:
    """What an earlier run left of a step: complete outputs, outputs with a `fault`, or nothing."""

    complete: bool = False
    fault: str | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a step runs, and why or why not."""

    planned: PlannedStep
    run: bool
    reason: str


# Finds the checkpoints of steps, by fingerprint.
Check = Callable[[Sequence[PlannedStep]], Mapping[str, Checkpoint]]


def decide_shared(*, planned: PlannedStep, check: Check, latest: LatestRecipes) -> Decision:
    """Decide about a step that all samples share: every run needs its outputs."""
    return decide_all(planned=[planned], check=check, latest=latest)[0]


def decide_all(*, planned: Sequence[PlannedStep], check: Check, latest: LatestRecipes) -> tuple[Decision, ...]:
    """Decide about steps that take nothing from each other, and whose outputs are all needed."""
    decider = _Decider(check(planned), latest, set())
    return tuple(decider.decide(each) for each in planned)


def decide_sample(*, steps: SampleSteps, check: Check, latest: LatestRecipes) -> tuple[Decision, ...]:
    """Decide about all steps of a sample, in the order of the data.

    FINAL is what a sample is analysed for. The other steps are needed only where one that takes what they make has to
    run, so what they left may have been deleted long ago.
    """
    found = dict(check([planned for planned in steps.in_order if planned.step in FINAL]))
    running = {planned.step for planned in steps.in_order if _runs(planned, found)}
    for step in reversed([step for step in Step if step not in FINAL]):
        if _consumers(step, steps) & running:
            own = [planned for planned in steps.in_order if planned.step is step]
            found |= check(own)
            running |= {planned.step for planned in own if _runs(planned, found)}
    decider = _Decider(found, latest, set())
    return tuple(
        decider.decide(planned) if planned.fingerprint in found else _not_needed(planned, steps)
        for planned in steps.in_order
    )


def _runs(planned: PlannedStep, found: Mapping[str, Checkpoint]) -> bool:
    return planned.fingerprint in found and not found[planned.fingerprint].complete


def _consumers(step: Step, steps: SampleSteps) -> set[Step]:
    """The steps that take what `step` makes."""
    return {planned.step for planned in steps.in_order if step in planned.sources.values()}


@dataclass(frozen=True)
class _Decider:
    """Decides step by step, in the order of the data; `running` gathers the fingerprints of those that run."""

    found: Mapping[str, Checkpoint]
    latest: LatestRecipes
    running: set[str]

    def decide(self, planned: PlannedStep) -> Decision:
        checkpoint = self.found[planned.fingerprint]
        if checkpoint.complete:
            where = f"{object_keys.STEPS}{planned.step}/{planned.fingerprint}"
            return Decision(planned, False, f"outputs of the same inputs, parameters and image exist: {where}")
        reason = checkpoint.fault or why_run(
            recipe=planned.recipe,
            part=planned.part,
            sources=planned.sources,
            latest=self.latest,
            running=self.running,
        )
        self.running.add(planned.fingerprint)
        return Decision(planned, True, reason)


def _not_needed(planned: PlannedStep, steps: SampleSteps) -> Decision:
    consumers = _consumers(planned.step, steps)
    names = [step.value for step in Step if step in consumers]
    return Decision(planned, False, f"not needed: {' and '.join(names)} {'is' if len(names) == 1 else 'are'} done")
