"""A run: what is asked for, what came out."""

import enum
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from genomics.contracts.parameters import VEP, RunParameters
from genomics.contracts.regions import Region
from genomics.contracts.samples import NAME_RULE, is_name

_TOLERANCE = re.compile(r"(?P<count>\d{1,6})|(?P<percent>\d{1,2}(\.\d+)?|100)%")
TOLERANCE_RULE = "must be a number of samples, like 3, or a percentage of them, like 5%"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
RUN_ID_RULE = "may hold letters, digits, '_' and '-' only (80 at most)"


def is_run_id(text: str) -> bool:
    """Whether `text` may name a run: it becomes part of keys, tags, filters and execution names."""
    return bool(_RUN_ID.fullmatch(text))


def tolerated_failures(tolerate: str, samples: int) -> int:
    """How many of `samples` may fail and the run still succeeds; ValueError if `tolerate` is neither `N` nor `N%`.

    A run of which nothing succeeded has failed, so that one sample at least must not.
    """
    match = _TOLERANCE.fullmatch(tolerate)
    if match is None:
        raise ValueError(f"tolerate {tolerate!r} {TOLERANCE_RULE}")
    most = int(match["count"]) if match["count"] else math.floor(samples * float(match["percent"]) / 100)
    return min(most, samples - 1)


@dataclass(frozen=True)
class Artifact:
    """An object in S3 and what it must hold. `sha256` in lower-case hex, `size` in bytes."""

    uri: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.uri.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class LaneReads:
    """Both mates of one lane."""

    lane: str
    fastq_1: Artifact
    fastq_2: Artifact


@dataclass(frozen=True)
class SampleReads:
    """One sample and all its lanes."""

    sample: str
    patient: str
    lanes: tuple[LaneReads, ...]

    def __post_init__(self) -> None:
        for kind, name in (("sample", self.sample), *(("lane", lane.lane) for lane in self.lanes)):
            if not is_name(name):
                raise ValueError(f"{kind} {name!r} {NAME_RULE}")
        if not self.lanes:
            raise ValueError(f"sample {self.sample} has no lane")
        if twice := _repeated(lane.lane for lane in self.lanes):
            raise ValueError(f"sample {self.sample} has lane {twice} twice")


@dataclass(frozen=True)
class Reference:
    """A reference genome: FASTA, plain or BGZF; and what is known about it, where variants are to be annotated.

    `genes` is GFF3, plain or gzipped, `clinvar` ClinVar's VCF.
    """

    name: str
    fasta: Artifact
    genes: Artifact | None = None
    clinvar: Artifact | None = None

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Every file of it."""
        return tuple(each for each in (self.fasta, self.genes, self.clinvar) if each)

    @property
    def is_annotated(self) -> bool:
        """Whether there is anything to annotate variants with."""
        return bool(self.genes or self.clinvar)


@dataclass(frozen=True)
class RunRequest:
    """Asks for a run. Written last, to `object_keys.run_request`; its arrival starts the run.

    Empty `regions` mean the whole reference. `run_id` names the execution, so a request is carried out once. As many
    samples as `tolerate` says (`tolerated_failures`) may fail and the run still succeeds. The jobs of an `urgent` run
    go before others, to On-Demand machines first. With `sign_off` a person has to approve of its results.
    """

    run_id: str
    study: str
    reference: Reference
    samples: tuple[SampleReads, ...]
    regions: tuple[Region, ...] = ()
    parameters: RunParameters = field(default_factory=RunParameters)
    tolerate: str = "0"
    urgent: bool = False
    sign_off: bool = False

    def __post_init__(self) -> None:
        tolerated_failures(self.tolerate, len(self.samples))
        if not is_run_id(self.run_id):
            raise ValueError(f"run_id {self.run_id!r} {RUN_ID_RULE}")
        if not is_name(self.study):
            raise ValueError(f"study {self.study!r} {NAME_RULE}")
        if not self.samples:
            raise ValueError("a run needs at least one sample")
        if twice := _repeated(sample.sample for sample in self.samples):
            raise ValueError(f"sample {twice} is listed twice")

    @property
    def is_annotated(self) -> bool:
        """Whether its variants are annotated: VEP brings what it knows with it."""
        return self.reference.is_annotated or self.parameters.annotate.predictor == VEP

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Every object the run reads."""
        reads = [a for s in self.samples for lane in s.lanes for a in (lane.fastq_1, lane.fastq_2)]
        return (*self.reference.artifacts, *reads)


@dataclass(frozen=True)
class RunPlan:
    """What the samples of a run share: the prepared reference's fingerprint, and the regions calling is cut into.

    `images` are those of the steps, by name, when the run began: a deployment meanwhile changes nothing of it.
    """

    reference: str
    regions: tuple[Region, ...]
    images: Mapping[str, str] = field(default_factory=dict)


class State(enum.StrEnum):
    """Where a run, a sample or a step stands."""

    PLANNED = "PLANNED"
    SKIPPED = "SKIPPED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Nothing more will happen."""
        return self in (State.SKIPPED, State.SUCCEEDED, State.FAILED)


@dataclass(frozen=True)
class SampleResult:
    """What a sample's analysis came to. Without `vcf` it failed, and `reason` says how."""

    sample: str
    patient: str
    state: State
    vcf: Artifact | None = None
    vcf_index: Artifact | None = None
    alignments: Artifact | None = None
    quality_report: Artifact | None = None
    reason: str | None = None
    gvcf: Artifact | None = None
    gvcf_index: Artifact | None = None


@dataclass(frozen=True)
class RunResults:
    """Written to `object_keys.run_results` when every sample has ended."""

    run_id: str
    study: str
    reference: str
    samples: tuple[SampleResult, ...]


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
