"""Which steps have to run, decided from the end of the data, and why. Pure but for the check that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from genomics.contracts import object_keys
from genomics.contracts.steps import LatestRecipes, Step
from lambdas.secondary.planning import PlannedStep, SampleSteps
from lambdas.secondary.reasons import why_run


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


def decide_reference(*, planned: PlannedStep, check: Check, latest: LatestRecipes) -> Decision:
    """Decide about the step that prepares the reference: every run needs its outputs."""
    return _Decider(check([planned]), latest, set()).decide(planned)


def decide_sample(*, steps: SampleSteps, check: Check, latest: LatestRecipes) -> tuple[Decision, ...]:
    """Decide about all steps of a sample, in the order of the data.

    Alignments and gathered variants are what a sample is analysed for. The other steps are needed only where one of
    these has to be made, so what they left may have been deleted long ago.
    """
    found = dict(check([steps.align, steps.gather_variants]))
    align_runs = not found[steps.align.fingerprint].complete
    gather_runs = not found[steps.gather_variants.fingerprint].complete
    found |= check([*(steps.fastp if align_runs else ()), *(steps.call_variants if gather_runs else ())])
    decider = _Decider(found, latest, set())
    return (
        *(decider.decide(lane) if align_runs else _not_needed(lane, Step.ALIGN) for lane in steps.fastp),
        decider.decide(steps.align),
        *(
            decider.decide(call) if gather_runs else _not_needed(call, Step.GATHER_VARIANTS)
            for call in steps.call_variants
        ),
        decider.decide(steps.gather_variants),
    )


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
            recipe=planned.recipe, part=planned.part, latest=self.latest, running=self.running
        )
        self.running.add(planned.fingerprint)
        return Decision(planned, True, reason)


def _not_needed(planned: PlannedStep, consumer: Step) -> Decision:
    return Decision(planned, False, f"not needed: {consumer} is done")
