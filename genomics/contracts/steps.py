"""One step of a sample's analysis: the task a tool is given, the record it leaves, and the fingerprint that ties them.

A step's fingerprint is known before anything runs: it covers the tool's image, the parameters, and the content of the
inputs, where the content of an input made by another step is that step's fingerprint and the output's name. So every
path is computed up front, and a step is repeated exactly when something that it depends on has changed.
"""

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from genomics.contracts.codec import dumps
from genomics.contracts.parameters import CRAM
from genomics.contracts.regions import Region


class Step(enum.StrEnum):
    """The steps of the secondary analysis, in the order of the data; each is a folder of batch_tools/."""

    DEMULTIPLEX = "demultiplex"
    PREPARE_REFERENCE = "prepare_reference"
    PREPARE_ANNOTATION = "prepare_annotation"
    FASTP = "fastp"
    ALIGN = "align"
    COVERAGE = "coverage"
    CALL_VARIANTS = "call_variants"
    GATHER_VARIANTS = "gather_variants"
    ANNOTATE = "annotate"
    QUALITY = "quality"


# The steps that all samples of a run share.
SHARED = (Step.PREPARE_REFERENCE, Step.PREPARE_ANNOTATION)

# The steps that are of no sample: those, and one that comes before samples are told apart.
OF_NO_SAMPLE = (Step.DEMULTIPLEX, *SHARED)

# The steps that have a job for each lane or region, of a run folder or a sample; the others have one.
SCATTERED_BY: Mapping[Step, str] = {Step.DEMULTIPLEX: "lane", Step.FASTP: "lane", Step.CALL_VARIANTS: "region"}

Scalar = str | int | float | bool

# What variants are annotated with: two predictors of consequences, and the significance that ClinVar gives an allele.
CSQ, SNPEFF, CLINVAR = "csq", "snpeff", "clinvar"
# What is taken over from ClinVar's INFO, the significance first.
CLINVAR_FIELDS = ("CLNSIG", "CLNREVSTAT", "CLNDN", "ALLELEID")

_FILES: Mapping[Step, Mapping[str, str]] = {
    # Reads by sample: those of a lane are named by `demultiplexing.lane_files`.
    Step.DEMULTIPLEX: {},
    Step.PREPARE_REFERENCE: {"fai": "genome.fa.fai"},
    Step.PREPARE_ANNOTATION: {},
    Step.FASTP: {"reads_1": "reads_R1.fastq.gz", "reads_2": "reads_R2.fastq.gz", "report": "fastp.json"},
    Step.ALIGN: {
        "alignments": "{sample}.bam",
        "index": "{sample}.bam.bai",
        "flagstat": "{sample}.flagstat",
    },
    Step.COVERAGE: {
        "summary": "{sample}.mosdepth.summary.txt",
        "distribution": "{sample}.mosdepth.global.dist.txt",
        "region_distribution": "{sample}.mosdepth.region.dist.txt",
        "regions": "{sample}.regions.bed.gz",
        "thresholds": "{sample}.thresholds.bed.gz",
    },
    Step.CALL_VARIANTS: {"calls": "calls.bcf", "index": "calls.bcf.csi"},
    Step.GATHER_VARIANTS: {
        "vcf": "{sample}.vcf.gz",
        "index": "{sample}.vcf.gz.tbi",
        "stats": "{sample}.stats.txt",
    },
    Step.ANNOTATE: {"vcf": "{sample}.vcf.gz", "index": "{sample}.vcf.gz.tbi"},
    Step.QUALITY: {
        "report": "{sample}.multiqc.html",
        "data": "{sample}.multiqc_data.json",
        "alignment_stats": "{sample}.samtools_stats.txt",
    },
}

# What a step makes only where it is asked for it, or makes in another form.
GVCF = "gvcf"
_ASKED_FOR: Mapping[tuple[Step, str], Mapping[str, str]] = {
    (Step.ALIGN, CRAM): {"alignments": "{sample}.cram", "index": "{sample}.cram.crai"},
    (Step.PREPARE_ANNOTATION, CSQ): {"csq_genes": "genes.gff3.gz"},
    (Step.PREPARE_ANNOTATION, SNPEFF): {"snpeff_database": "snpeff.tar"},
    (Step.PREPARE_ANNOTATION, CLINVAR): {"clinvar": "clinvar.vcf.gz", "clinvar_index": "clinvar.vcf.gz.tbi"},
    (Step.CALL_VARIANTS, GVCF): {"blocks": "blocks.bcf"},
    (Step.GATHER_VARIANTS, GVCF): {"gvcf": "{sample}.g.vcf.gz", "gvcf_index": "{sample}.g.vcf.gz.tbi"},
}


def output_files(step: Step, sample: str, asked_for: Iterable[str] = ()) -> dict[str, str]:
    """The files that a step makes: output name -> file name. `asked_for` names what it does not always make so."""
    files = dict(_FILES[step])
    for what in asked_for:
        files |= _ASKED_FOR[step, what]
    return {name: file.format(sample=sample) for name, file in files.items()}


@dataclass(frozen=True)
class TaskInput:
    """An object to stage in. What the user brought has `sha256` and `size`; what a step made has them in its record."""

    uri: str
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Task:
    """Everything a tool's container is told. `inputs` and `outputs` are named as the tool's README names them.

    `outputs` and `record` are s3:// URIs. `part` is the lane or region of a scattered step, else empty; `sample` is
    empty for what all samples share, and for `demultiplex`. `reference` is the directory of the prepared reference
    below the references mount. `lanes` stand in the order of the inputs' values. `folder` is the URI of the folder
    whose files the input `files` lists, where a step takes a folder. `reason` says why it runs.
    """

    run_id: str
    sample: str
    step: Step
    part: str
    fingerprint: str
    inputs: Mapping[str, tuple[TaskInput, ...]]
    outputs: Mapping[str, str]
    record: str
    parameters: Mapping[str, Scalar]
    reference: str = ""
    lanes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    folder: str = ""
    reason: str = ""


@dataclass(frozen=True)
class OutputFile:
    """One promoted output: SHA-256 in hex, bytes, and S3's entity tag, which a HEAD request can compare."""

    uri: str
    sha256: str
    size: int
    etag: str


@dataclass(frozen=True)
class StepRecord:
    """Left beside a step's outputs, last: its presence says that they are complete.

    `tool_versions` as the tools print them; `seconds` wall time of the tool; `peak_memory_mib` of its process tree,
    and `cpu_seconds`, which older records lack.
    """

    fingerprint: str
    run_id: str
    sample: str
    step: Step
    part: str
    inputs: Mapping[str, tuple[TaskInput, ...]]
    outputs: Mapping[str, OutputFile]
    parameters: Mapping[str, Scalar]
    image: str
    tool_versions: Mapping[str, str]
    started_at: str
    seconds: float
    staging_seconds: float
    peak_memory_mib: int
    vcpus: int
    memory_mib: int
    job_id: str
    attempt: int
    metrics: Mapping[str, Scalar] = field(default_factory=dict)
    cpu_seconds: float | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that can change a step's outputs.

    `contents` holds, for each named input, SHA-256 sums or `made_by(...)`. `reference` is the fingerprint of the step
    that prepared it. `sample` is given where it is written into an output (read groups, file names).
    """

    step: Step
    image: str
    parameters: Mapping[str, Scalar]
    contents: Mapping[str, tuple[str, ...]]
    reference: str = ""
    lanes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    sample: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 in hex over all of it."""
        return hashlib.sha256(dumps(self).encode()).hexdigest()


@dataclass(frozen=True)
class LatestRecipes:
    """What a sample's steps were last planned with, by `recipe_name`: a later plan says against it what changed."""

    recipes: Mapping[str, Recipe]


def recipe_name(step: Step, part: str) -> str:
    """Names a recipe among those of a sample."""
    return f"{step}#{part}"


# In the metrics of an annotation's record: begins the name of a consequence whose records are counted.
CONSEQUENCE = "consequence_"

# In the metrics of a prepared reference's record: the file system it was put on, which S3 knows nothing of.
REFERENCE_STORE = "reference_store"


def made_by(producer: str, output: str) -> str:
    """The content of an input that the step with fingerprint `producer` makes as `output`."""
    return f"{producer}/{output}"
