"""Align a sample's reads with bwa mem, lane by lane, and mark duplicates over all lanes."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.fastq import count_records
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from batch_tools.tool_runtime.reference import INDEX, contig_lengths, linked
from batch_tools.tool_runtime.tool import Outcome
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.parameters import AlignParameters

PROGRAMS = ("bwa", "samtools")
# Staged reads, sorted pieces on their way to the merge, one BAM per lane, and the BAM itself.
SCRATCH_PER_INPUT_BYTE = 4.5

# bwa takes its input in batches of this many bases, and estimates insert sizes for each: fixed, so that alignments do
# not depend on the number of threads.
_BATCH_BASES = 100_000_000
# Such a batch, its alignments, and what the other programs of the pipe hold.
_BATCH_MIB = 1200
_SMALLEST_SORT_MIB = 64
_LARGEST_SORT_MIB = 2048
_MIB = 1 << 20
_PRIMARY = re.compile(r"^(\d+) \+ (\d+) primary$", re.MULTILINE)
_DUPLICATES = re.compile(r"^(\d+) \+ (\d+) primary duplicates$", re.MULTILINE)
_MAPPED = re.compile(r"^(\d+) \+ (\d+) primary mapped", re.MULTILINE)
_PAIRED = re.compile(r"^(\d+) \+ (\d+) properly paired", re.MULTILINE)


@dataclass(frozen=True)
class Lane:
    """One lane's trimmed mates."""

    name: str
    reads_1: Path
    reads_2: Path


def run(
    *,
    sample: str,
    lanes: Sequence[Lane],
    reference: Path,
    parameters: AlignParameters,
    threads: int,
    memory_mib: int,
    directory: Path,
) -> Outcome:
    """Align `lanes` to the prepared FASTA `reference`, into `directory`.

    Outputs `alignments` (BAM by coordinate, duplicates marked, a read group for each lane), its `index` (BAI) and
    `flagstat`. Every read of the input is in the BAM exactly once as a primary record; ToolError otherwise. The bytes
    of the BAM do not depend on threads, memory or place.
    """
    aligner = _Aligner(sample, linked(reference, directory), parameters, threads, directory)
    sort_mib = _sort_mib(reference, threads, memory_mib)
    header = directory / "header.sam"
    header.write_text(_header(aligner, lanes, contig_lengths(reference)))
    bam = directory / f"{sample}.bam"
    with ThreadPoolExecutor(max_workers=1) as pool:
        counting = pool.submit(count_records, *(path for lane in lanes for path in (lane.reads_1, lane.reads_2)))
        if len(lanes) == 1:
            pipe = [*aligner.sorted_lane(lanes[0], sort_mib), *aligner.finish(header)]
            run_pipeline(*pipe, directory=directory, output=bam)
        else:
            sorted_lanes = [aligner.write_lane(lane, sort_mib) for lane in lanes]
            merge = ["samtools", "merge", "--no-PG", "-c", "-p", "-u", "-@", str(threads - 1), "-", *sorted_lanes]
            run_pipeline(merge, *aligner.finish(header), directory=directory, output=bam)
        reads_in = sum(counting.result())
    run_pipeline(["samtools", "quickcheck", "-v", bam.name], directory=directory)
    run_pipeline(["samtools", "index", "-@", str(threads), bam.name], directory=directory)
    flagstat = directory / f"{sample}.flagstat"
    flagstat.write_text(capture(["samtools", "flagstat", "-@", str(threads), bam.name], directory=directory))
    return Outcome(
        outputs={"alignments": bam, "index": directory / f"{bam.name}.bai", "flagstat": flagstat},
        metrics=_metrics(flagstat.read_text(), reads_in),
    )


@dataclass(frozen=True)
class _Aligner:
    """The commands, with what all of them share. Paths in them are relative to `directory`, for they end in headers."""

    sample: str
    reference: str
    parameters: AlignParameters
    threads: int
    directory: Path

    def read_group(self, lane: Lane) -> dict[str, str]:
        """Tags of the lane's @RG line."""
        identity = f"{self.sample}.{lane.name}"
        return {"ID": identity, "SM": self.sample, "LB": self.sample, "PL": "ILLUMINA", "PU": identity}

    def bwa(self, lane: Lane, *extra: str) -> list[str]:
        """Bwa's command for a lane."""
        group = "\\t".join(["@RG", *(f"{tag}:{value}" for tag, value in self.read_group(lane).items())])
        settings = ["-K", str(_BATCH_BASES), "-T", str(self.parameters.minimum_score), "-R", group]
        mates = [f"{lane.name}_R1.fastq.gz", f"{lane.name}_R2.fastq.gz"]
        return ["bwa", "mem", *extra, *settings, self.reference, *mates]

    def sorted_lane(self, lane: Lane, sort_mib: int) -> list[list[str]]:
        """A pipe that ends with the lane's alignments by coordinate, as uncompressed BAM on standard output."""
        for mate, path in ((1, lane.reads_1), (2, lane.reads_2)):
            (self.directory / f"{lane.name}_R{mate}.fastq.gz").symlink_to(path.absolute())
        memory = ["-m", f"{sort_mib}M", "-@", str(self.threads)]
        return [
            self.bwa(lane, "-t", str(self.threads)),
            ["samtools", "fixmate", "--no-PG", "-m", "-u", "-", "-"],
            ["samtools", "sort", "--no-PG", "-u", *memory, "-T", f"sort_{lane.name}", "-"],
        ]

    def write_lane(self, lane: Lane, sort_mib: int) -> str:
        """Align one of several lanes; returns the name of its BAM."""
        bam = f"lane_{lane.name}.bam"
        compress = ["samtools", "view", "--no-PG", "-1", "-@", str(self.threads), "-o", bam, "-"]
        run_pipeline(*self.sorted_lane(lane, sort_mib), compress, directory=self.directory)
        return bam

    def finish(self, header: Path) -> list[list[str]]:
        """A pipe from sorted alignments to the BAM: mark duplicates, put the header in."""
        return [
            ["samtools", "markdup", "--no-PG", "-@", str(self.threads), "-T", "markdup", "-", "-"],
            ["samtools", "reheader", "--no-PG", header.name, "-"],
        ]


def _header(aligner: _Aligner, lanes: Sequence[Lane], contigs: dict[str, int]) -> str:
    """The BAM's header: as bwa and samtools would write it, less what depends on this machine.

    Each lane's chain of programs has names of its own, as the specification asks for and merging does not do.
    """
    versions = tool_versions(PROGRAMS)
    lines = ["@HD\tVN:1.6\tSO:coordinate"]
    lines += [f"@SQ\tSN:{name}\tLN:{length}" for name, length in contigs.items()]
    for lane in lanes:
        lines.append("\t".join(["@RG", *(f"{tag}:{value}" for tag, value in aligner.read_group(lane).items())]))
    for lane in lanes:
        chain = (
            ("bwa", " ".join(aligner.bwa(lane))),
            ("samtools", "samtools fixmate -m"),
            ("samtools", "samtools sort"),
            ("samtools", "samtools markdup"),
        )
        previous = ""
        for program, command in chain:
            identity = f"{command.split()[0]}_{command.split()[1]}.{lane.name}"
            after = [f"PP:{previous}"] if previous else []
            tags = [f"ID:{identity}", f"PN:{program}", *after, f"VN:{versions[program]}", f"CL:{command}"]
            lines.append("\t".join(["@PG", *tags]))
            previous = identity
    return "\n".join(lines) + "\n"


def _sort_mib(reference: Path, threads: int, memory_mib: int) -> int:
    """Memory for each sorting thread: what is left beside bwa's index and batch, within sense."""
    index_mib = sum(reference.with_name(name).stat().st_size for name in INDEX) // _MIB
    if index_mib > memory_mib:
        raise ToolError(f"bwa's index takes {index_mib} MiB, the job has {memory_mib}: give it more memory")
    left = (memory_mib - index_mib - _BATCH_MIB) // 2
    return max(_SMALLEST_SORT_MIB, min(_LARGEST_SORT_MIB, left // threads))


def _metrics(flagstat: str, reads_in: int) -> dict[str, int]:
    primary, mapped, paired, duplicates = (
        sum(map(int, match.groups())) if (match := pattern.search(flagstat)) else -1
        for pattern in (_PRIMARY, _MAPPED, _PAIRED, _DUPLICATES)
    )
    if primary != reads_in:
        raise ToolError(f"{reads_in} reads went in, the BAM has {primary} primary records")
    return {
        "reads_in": reads_in,
        "primary_records": primary,
        "mapped_reads": mapped,
        "properly_paired_reads": paired,
        "duplicate_reads": duplicates,
    }
