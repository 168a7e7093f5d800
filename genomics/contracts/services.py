"""What the lab's own services are told: the LIMS of each sample, the ticket system of a failure.

`version` counts the shapes that a document has had: a reader refuses one that it does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from genomics.contracts.runs import Artifact, State
from genomics.contracts.steps import Scalar, Step

LIMS_VERSION = 1
TICKET_VERSION = 1


@dataclass(frozen=True)
class AnalysedStep:
    """A step whose outputs a sample is analysed for, and what its tool has measured, if it came to its end."""

    step: Step
    state: State
    metrics: Mapping[str, Scalar]


@dataclass(frozen=True)
class LimsSample:
    """A sample's outcome. `files` are by the fields of a SampleResult; without them it failed, `reason` says how.

    `signed_by` approved of the run. Nothing in it depends on when it is sent: the same outcome is the same document.
    """

    version: int
    study: str
    run_id: str
    sample: str
    state: State
    steps: tuple[AnalysedStep, ...]
    files: Mapping[str, Artifact]
    reason: str | None = None
    signed_by: str | None = None


@dataclass(frozen=True)
class Ticket:
    """A run that has failed, after so many `redrives`. `step` and `sample` are empty where it was no sample's step.

    `execution` is the ARN of the run's execution, `console` the address where AWS shows it.
    """

    version: int
    run_id: str
    study: str
    step: str
    sample: str
    reason: str
    redrives: int
    execution: str
    console: str
