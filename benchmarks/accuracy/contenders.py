"""What calls a sample: this project's tools, and the plain ones. Each gives a VCF; FILTER says what counts."""

import subprocess
from pathlib import Path

import pysam.bcftools

from batch_tools.align import align
from batch_tools.call_variants import call_variants
from batch_tools.fastp import fastp
from batch_tools.gather_variants import gather_variants
from benchmarks.accuracy.data import Sample
from genomics.contracts.parameters import (
    CALLERS,
    AlignParameters,
    CallVariantsParameters,
    FastpParameters,
    GatherVariantsParameters,
)
from genomics.contracts.regions import split

# The peers' calls are held to the same limits as ours.
_LIMITS = f"QUAL<{GatherVariantsParameters().minimum_quality} || FORMAT/DP<{GatherVariantsParameters().minimum_depth}"
# As the data set's README calls its baseline.
_PILEUP = ("-q", "20", "-Q", "13", "-a", "AD,DP")
_REGIONS = 2


def contenders(sample: Sample, reference: Path, directory: Path) -> dict[str, Path]:
    """Name -> calls, of every way to call the sample. Ours come first, by caller."""
    aligned = _align(sample, reference, directory)
    plain = _bwa(sample, reference, directory / "plain.bam")
    return {
        **{ours(caller): _ours(caller, sample, aligned, reference, directory) for caller in CALLERS},
        "bwa + bcftools 1.16": _bcftools(plain, sample, reference, directory),
        f"bwa + bcftools {pysam.version.__bcftools_version__} --indels-cns": _pysam(
            plain, sample, reference, directory
        ),
        "bwa + freebayes 1.3.6": _freebayes(plain, sample, reference, directory),
    }


def ours(caller: str) -> str:
    """The name of this project's tools with a caller."""
    return f"ours, {caller}"


def _align(sample: Sample, reference: Path, directory: Path) -> dict[str, Path]:
    trimmed = fastp.run(
        reads_1=sample.reads_1,
        reads_2=sample.reads_2,
        parameters=FastpParameters(),
        threads=2,
        directory=_new(directory / "fastp"),
    )
    lane = align.Lane("L1", trimmed.outputs["reads_1"], trimmed.outputs["reads_2"])
    outcome = align.run(
        sample=sample.name,
        lanes=[lane],
        reference=reference,
        parameters=AlignParameters(),
        threads=2,
        memory_mib=2048,
        directory=_new(directory / "align"),
    )
    return dict(outcome.outputs)


def _ours(caller: str, sample: Sample, aligned: dict[str, Path], reference: Path, directory: Path) -> Path:
    shards = []
    for number, region in enumerate(split([sample.called], _REGIONS)):
        calls = call_variants.run(
            sample=sample.name,
            alignments=aligned["alignments"],
            index=aligned["index"],
            regions=[region],
            reference=reference,
            parameters=CallVariantsParameters(caller=caller),
            directory=_new(directory / f"call_{caller}_{number}"),
        )
        shards.append(gather_variants.Shard((region,), calls.outputs["calls"], calls.outputs["index"]))
    gathered = gather_variants.run(
        sample=sample.name,
        shards=shards,
        reference=reference,
        parameters=GatherVariantsParameters(),
        threads=2,
        memory_mib=1024,
        directory=_new(directory / f"gather_{caller}"),
    )
    return gathered.outputs["vcf"]


def _bwa(sample: Sample, reference: Path, bam: Path) -> Path:
    group = f"@RG\\tID:L1\\tSM:{sample.name}\\tPL:ILLUMINA"
    sam = bam.with_suffix(".sam")
    _run("bwa", "mem", "-t", "2", "-R", group, "-o", sam, reference, sample.reads_1, sample.reads_2)
    _run("samtools", "sort", "-o", bam, sam)
    _run("samtools", "index", bam)
    return bam


def _bcftools(bam: Path, sample: Sample, reference: Path, directory: Path) -> Path:
    pileup, calls = directory / "pileup_1.16.bcf", directory / "calls_1.16.bcf"
    _run("bcftools", "mpileup", "-f", reference, "-r", sample.called, *_PILEUP, "-Ob", "-o", pileup, bam)
    _run("bcftools", "call", "-mv", "-Ob", "-o", calls, pileup)
    return _limited(calls)


def _pysam(bam: Path, sample: Sample, reference: Path, directory: Path) -> Path:
    pileup, calls = directory / "pileup_pysam.bcf", directory / "calls_pysam.bcf"
    where = ("-f", str(reference), "-r", str(sample.called), "--indels-cns")
    pysam.bcftools.mpileup(*where, *_PILEUP, "-Ob", "-o", str(pileup), str(bam), catch_stdout=False)
    pysam.bcftools.call("-mv", "-Ob", "-o", str(calls), str(pileup), catch_stdout=False)
    return _limited(calls)


def _freebayes(bam: Path, sample: Sample, reference: Path, directory: Path) -> Path:
    calls = directory / "calls_freebayes.vcf"
    where = f"{sample.called.chrom}:{sample.called.start - 1}-{sample.called.end}"
    _run("freebayes", "-f", reference, "-r", where, "-v", calls, bam)
    return _limited(calls)


def _limited(calls: Path) -> Path:
    limited = calls.with_suffix(".limited.bcf")
    _run("bcftools", "filter", "--exclude", _LIMITS, "-Ob", "-o", limited, calls)
    return limited


def _new(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)
