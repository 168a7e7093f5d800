"""NA12878 and the CEU trio on a piece of chr20, from the shared public data set."""

import gzip
import subprocess
from dataclasses import dataclass
from pathlib import Path

from batch_tools.prepare_reference import prepare_reference
from genomics.contracts.regions import Region

# The reference is cut, because indexing all of chr20 takes minutes: its first base is chr20:9900001.
BEFORE, _BASES = 9_900_000, 250_000
_FINGERPRINT = "2" * 64
_READS = "NA12878.chr20_9999900_10050000"
# Child, father, mother.
TRIO = ("HG001", "NA12891", "NA12892")


def here(start: int, end: int) -> Region:
    """A stretch of chr20 on the cut reference."""
    return Region("chr20", start - BEFORE, end - BEFORE)


# Where calls are made, and where they are scored.
CALLED, SCORED = here(9_999_900, 10_050_000), here(10_000_000, 10_050_000)
TRIO_SCORED = here(10_000_000, 10_010_000)


@dataclass(frozen=True)
class Sample:
    """Reads of one sample, and where to call it."""

    name: str
    reads_1: Path
    reads_2: Path
    called: Region


def cut_reference(data: Path, directory: Path) -> Path:
    """The piece of chr20 around the reads, prepared below `directory`."""
    packed = data / "secondary_truth/ref/ucsc.hg19.chr20.unittest.fasta.gz"
    # Copied, because an index may be written beside it.
    copy = directory / packed.name
    copy.write_bytes(packed.read_bytes())
    words = ["samtools", "faidx", str(copy), f"chr20:{BEFORE + 1}-{BEFORE + _BASES}"]
    cut = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    fasta = directory / "chr20.fa"
    fasta.write_text(">chr20\n" + cut.partition("\n")[2])
    (directory / "prepare").mkdir()
    prepare_reference.run(
        fasta=fasta,
        fingerprint=_FINGERPRINT,
        references=directory,
        attempt="job-1",
        earlier_attempts=(),
        memory_mib=1024,
        directory=directory / "prepare",
    )
    return directory / _FINGERPRINT / "genome.fa"


def na12878(data: Path) -> Sample:
    """13,095 pairs, about 50x."""
    reads = [data / f"secondary_truth/{_READS}.R{mate}_001.fastq.gz" for mate in (1, 2)]
    return Sample("NA12878", *reads, CALLED)


def trio(data: Path, directory: Path) -> list[Sample]:
    """The trio's pairs, taken out of its alignments."""
    samples = []
    for name in TRIO:
        bam = data / f"secondary_truth/trio/{name}.chr20.10_10p1mb_sorted.bam"
        reads = [directory / f"{name}.R{mate}.fastq.gz" for mate in (1, 2)]
        collated = directory / f"{name}.collated.bam"
        _samtools("collate", "-o", collated, bam)
        # Mates that lie outside the piece are not in the file; their reads are left out.
        _samtools("fastq", "-N", "-1", reads[0], "-2", reads[1], "-0", "/dev/null", "-s", "/dev/null", collated)
        samples.append(Sample(name, *reads, TRIO_SCORED))
    return samples


def truth(data: Path, directory: Path) -> Path:
    """Genome in a Bottle's variants, v3.3.2, on the cut reference."""
    packed = data / "secondary_truth/truth/HG001_GIAB_v3.3.2_chr20_9.999-10.050Mb.vcf.gz"
    vcf = directory / "truth.vcf"
    with gzip.open(packed, "rt") as source, vcf.open("w") as target:
        for line in source:
            chrom, pos, rest = line.split("\t", 2) if line[0] != "#" else ("", "", "")
            target.write(f"{chrom}\t{int(pos) - BEFORE}\t{rest}" if chrom else line)
    return vcf


def confident(data: Path) -> list[Region]:
    """Where the truth is complete."""
    bed = data / "secondary_truth/truth/test_nist.b37_chr20_100kbp_at_10mb.bed"
    rows = [line.split("\t") for line in bed.read_text().splitlines()]
    return [here(int(start) + 1, int(end)) for _chrom, start, end in rows]


def _samtools(*words: str | Path) -> None:
    subprocess.run(["samtools", *map(str, words)], check=True, capture_output=True)
