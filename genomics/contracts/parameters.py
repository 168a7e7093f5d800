"""What a user may change about a run's tools. Parameters are part of a step's fingerprint: changing one reruns it."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from genomics.contracts.codec import ContractError

ALIGNERS = ("bwa", "minimap2")
# What alignments are written as: BAM, or CRAM 3.0, which is read with the reference only.
BAM, CRAM = "bam", "cram"
ALIGNMENT_FORMATS = (BAM, CRAM)
# `ensemble` weighs what the other two find.
CALLERS = ("bcftools", "freebayes", "ensemble")
# Reference blocks of a gVCF are cut where the depth, in reads, leaves one of these bands for another.
GVCF_DEPTHS = (1, 10, 20, 30)
# Ensembl's VEP is there in production only, where the deployment has its image.
VEP = "vep"
PREDICTORS = ("csq", "snpeff", "both", VEP)
_RELATIVE_PATH = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*", re.ASCII)

# How a sample sheet's second index is to be taken; `auto`: reversed where RunInfo.xml says that the instrument does so
# and the sheet is of version 2, which has it forward.
INDEX2_ORIENTATIONS = ("auto", "as_written", "reverse_complement")


@dataclass(frozen=True)
class DemultiplexParameters:
    """Picard's ExtractIlluminaBarcodes, over both indexes together; `index2` is one of INDEX2_ORIENTATIONS.

    An index is a sample's with at most `maximum_mismatches`, of which the next best has `minimum_mismatch_delta` more,
    and at most `maximum_no_calls` bases that were not called.
    """

    maximum_mismatches: int = 1
    minimum_mismatch_delta: int = 1
    maximum_no_calls: int = 2
    index2: str = "auto"

    def __post_init__(self) -> None:
        _one_of(self, index2=INDEX2_ORIENTATIONS)
        _at_least(self, maximum_mismatches=0, minimum_mismatch_delta=1, maximum_no_calls=0)


@dataclass(frozen=True)
class FastpParameters:
    """Read trimming. Lengths in bases, qualities Phred-scaled."""

    minimum_length: int = 30
    minimum_base_quality: int = 15

    def __post_init__(self) -> None:
        _at_least(self, minimum_length=1, minimum_base_quality=0)


@dataclass(frozen=True)
class AlignParameters:
    """Alignment by `aligner`, one of ALIGNERS (bwa mem, minimap2 -ax sr), written as `format`, of ALIGNMENT_FORMATS.

    What scores below `minimum_score` is not aligned. A base that matches counts 1, as in bwa's -T; the scores of
    minimap2's short reads are twice as high, a mismatch or a gap included, and so is the -s that it is given.
    """

    minimum_score: int = 30
    aligner: str = "bwa"
    format: str = BAM

    def __post_init__(self) -> None:
        _one_of(self, aligner=ALIGNERS, format=ALIGNMENT_FORMATS)
        _at_least(self, minimum_score=0)


@dataclass(frozen=True)
class CoverageParameters:
    """mosdepth: reads below `minimum_mapping_quality` (Phred) do not count."""

    minimum_mapping_quality: int = 0

    def __post_init__(self) -> None:
        _at_least(self, minimum_mapping_quality=0)


@dataclass(frozen=True)
class CallVariantsParameters:
    """Calling by `caller`, one of CALLERS. Qualities Phred-scaled; `maximum_depth` in reads per position.

    With `gvcf`, what is as the reference has it is told as well, in blocks of like depth.
    """

    minimum_mapping_quality: int = 20
    minimum_base_quality: int = 13
    maximum_depth: int = 1000
    ploidy: int = 2
    caller: str = "ensemble"
    gvcf: bool = False

    def __post_init__(self) -> None:
        _one_of(self, caller=CALLERS)
        _at_least(self, minimum_mapping_quality=0, minimum_base_quality=0, maximum_depth=1, ploidy=1)
        if self.ploidy > 2:
            raise ValueError(f"ploidy is {self.ploidy}; bcftools call takes 1 or 2")


@dataclass(frozen=True)
class GatherVariantsParameters:
    """Records below these are kept, with FILTER naming why: LowQual, LowDepth."""

    minimum_quality: float = 10.0
    minimum_depth: int = 3

    def __post_init__(self) -> None:
        _at_least(self, minimum_quality=0, minimum_depth=0)


@dataclass(frozen=True)
class AnnotateParameters:
    """Consequences are predicted by `predictor`, one of PREDICTORS: bcftools csq, snpEff, both side by side, or VEP.

    VEP finds genes in a cache of Ensembl's, of a species and an assembly by Ensembl's names, in the directory
    `vep_cache` below the references mount. Its release is part of that path: what is at a path is taken to stay.
    """

    predictor: str = "both"
    vep_cache: str = "vep/113"
    vep_species: str = "homo_sapiens"
    vep_assembly: str = "GRCh38"

    def __post_init__(self) -> None:
        _one_of(self, predictor=PREDICTORS)
        for name in ("vep_cache", "vep_species", "vep_assembly"):
            value = getattr(self, name)
            if not _RELATIVE_PATH.fullmatch(value) or (name != "vep_cache" and "/" in value):
                raise ValueError(f"{name} is {value!r}; it may hold letters, digits, '_', '-' and '.', a path '/' too")


@dataclass(frozen=True)
class ScatterParameters:
    """How calling is split: contigs are cut into pieces of at most `bases_per_region`."""

    bases_per_region: int = 30_000_000

    def __post_init__(self) -> None:
        _at_least(self, bases_per_region=1000)


@dataclass(frozen=True)
class RunParameters:
    """Parameters of every step of a run."""

    fastp: FastpParameters = field(default_factory=FastpParameters)
    align: AlignParameters = field(default_factory=AlignParameters)
    coverage: CoverageParameters = field(default_factory=CoverageParameters)
    call_variants: CallVariantsParameters = field(default_factory=CallVariantsParameters)
    gather_variants: GatherVariantsParameters = field(default_factory=GatherVariantsParameters)
    annotate: AnnotateParameters = field(default_factory=AnnotateParameters)
    scatter: ScatterParameters = field(default_factory=ScatterParameters)

    def of(self, step: str) -> dict[str, str | int | float | bool]:
        """A step's own parameters by name; empty for a step that has none."""
        parameters = getattr(self, step, None)
        return dataclasses.asdict(parameters) if parameters is not None else {}

    def changed(self, assignments: Iterable[str]) -> "RunParameters":
        """A copy with `step.name=value` assignments applied; ContractError names one that does not fit."""
        result = self
        for assignment in assignments:
            result = result._assign(assignment)
        return result

    def _assign(self, assignment: str) -> "RunParameters":
        path, separator, text = assignment.partition("=")
        step_name, dot, name = path.strip().partition(".")
        step = getattr(self, step_name, None)
        if not (separator and dot and dataclasses.is_dataclass(step)):
            steps = ", ".join(f.name for f in dataclasses.fields(self))
            raise ContractError(f"{assignment}: expected STEP.NAME=VALUE with STEP one of {steps}")
        known = {f.name: f.type for f in dataclasses.fields(step)}
        if name not in known:
            raise ContractError(f"{assignment}: {step_name} has no parameter {name!r}; it has {', '.join(known)}")
        kind = type(getattr(step, name))
        try:
            value = _truth(text.strip()) if kind is bool else kind(text.strip())
            changed: Any = dataclasses.replace(step, **{name: value})  # type: ignore[type-var]
        except ValueError as error:
            raise ContractError(f"{assignment}: {error}") from error
        return dataclasses.replace(self, **{step_name: changed})


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _one_of(parameters: object, **choices: tuple[str, ...]) -> None:
    for name, allowed in choices.items():
        if (value := getattr(parameters, name)) not in allowed:
            raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")


def _at_least(parameters: object, **limits: float) -> None:
    for name, limit in limits.items():
        if (value := getattr(parameters, name)) < limit:
            raise ValueError(f"{name} is {value}; it must be at least {limit}")
