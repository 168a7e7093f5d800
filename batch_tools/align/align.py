"""Align a sample's reads with bwa mem or minimap2, lane by lane, and mark duplicates over all lanes."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from batch_tools.tool_runtime.alignments import INDEX_SUFFIXES
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.fastq import count_records
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from batch_tools.tool_runtime.reference import INDEX, contig_checksums, contig_lengths, linked
from batch_tools.tool_runtime.tool import Outcome
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.parameters import ALIGNERS, CRAM, AlignParameters

PROGRAMS = (*ALIGNERS, "samtools")
# Staged reads, sorted pieces on their way to the merge, one BAM per lane, and the BAM or CRAM itself.
SCRATCH_PER_INPUT_BYTE = 4.5

# Both aligners take their input in batches of this many bases. bwa estimates insert sizes for each: fixed, so that
# alignments do not depend on the number of threads.
_BATCH_BASES = 100_000_000
# minimap2 makes its index as it starts: one, for with several it would print every read once for each.
_INDEX_BASES = "1000G"
# What that takes, reckoned. Random sequences of 100 and 150 Mb took 9 to 10; where sequences repeat it is less.
_INDEX_BYTES_PER_BASE = 6
# minimap2's scores of short reads are so many times bwa's: 2 for a match, -8 for a mismatch, -14 for a gap of one base.
_SCORE_SCALE = 2
# Such a batch, its alignments, and what the other programs of the pipe hold.
_BATCH_MIB = 1200
_SMALLEST_SORT_MIB = 64
_LARGEST_SORT_MIB = 2048
_MIB = 1 << 20
# By one thread: several would choose how to compress by who comes first, and the bytes would differ each time.
_TO_CRAM = ("samtools", "view", "-C", "--output-fmt-option", "version=3.0")
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

    Outputs `alignments` (BAM or CRAM by coordinate, duplicates marked, a read group for each lane), its `index` (BAI
    or CRAI) and `flagstat`. Every read of the input is among them exactly once as a primary record; ToolError
    otherwise. Their bytes do not depend on threads, memory or place.
    """
    aligner = _Aligner(sample, linked(reference, directory), parameters, threads, directory)
    sort_mib = _sort_mib(reference, parameters.aligner, threads, memory_mib)
    header = directory / "header.sam"
    header.write_text(_header(aligner, lanes, reference))
    alignments = directory / f"{sample}.{parameters.format}"
    with ThreadPoolExecutor(max_workers=1) as pool:
        counting = pool.submit(count_records, *(path for lane in lanes for path in (lane.reads_1, lane.reads_2)))
        if len(lanes) == 1:
            pipe = [*aligner.sorted_lane(lanes[0], sort_mib), *aligner.finish(header)]
            run_pipeline(*pipe, directory=directory, output=alignments)
        else:
            sorted_lanes = [aligner.write_lane(lane, sort_mib) for lane in lanes]
            merge = ["samtools", "merge", "--no-PG", "-c", "-p", "-u", "-@", str(threads - 1), "-", *sorted_lanes]
            run_pipeline(merge, *aligner.finish(header), directory=directory, output=alignments)
        reads_in = sum(counting.result())
    name = alignments.name
    run_pipeline(["samtools", "quickcheck", "-v", name], directory=directory)
    run_pipeline(["samtools", "index", "-@", str(threads), name], directory=directory)
    index = directory / f"{name}{INDEX_SUFFIXES[parameters.format]}"
    flagstat = directory / f"{sample}.flagstat"
    flagstat.write_text(capture(["samtools", "flagstat", "-@", str(threads), name], directory=directory))
    return Outcome(
        outputs={"alignments": alignments, "index": index, "flagstat": flagstat},
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

    def command(self, lane: Lane, *extra: str) -> list[str]:
        """The aligner's command for a lane."""
        group = "\\t".join(["@RG", *(f"{tag}:{value}" for tag, value in self.read_group(lane).items())])
        score, batch = self.parameters.minimum_score, str(_BATCH_BASES)
        program = {
            "bwa": ["bwa", "mem", *extra, "-K", batch, "-T", str(score)],
            # It writes MD where it is asked to; bwa always does.
            "minimap2": [
                *("minimap2", "-ax", "sr", *extra, "-K", batch, "-I", _INDEX_BASES),
                *("-s", str(score * _SCORE_SCALE), "--MD"),
            ],
        }
        mates = [f"{lane.name}_R1.fastq.gz", f"{lane.name}_R2.fastq.gz"]
        return [*program[self.parameters.aligner], "-R", group, self.reference, *mates]

    def sorted_lane(self, lane: Lane, sort_mib: int) -> list[list[str]]:
        """A pipe that ends with the lane's alignments by coordinate, as uncompressed BAM on standard output."""
        for mate, path in ((1, lane.reads_1), (2, lane.reads_2)):
            (self.directory / f"{lane.name}_R{mate}.fastq.gz").symlink_to(path.absolute())
        memory = ["-m", f"{sort_mib}M", "-@", str(self.threads)]
        return [
            self.command(lane, "-t", str(self.threads)),
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
        """A pipe from sorted alignments to the file: mark duplicates, put the header in, and make it CRAM.

        samtools then says in the header where it has found the reference, so the header is put in again.
        """
        is_cram = self.parameters.format == CRAM
        uncompressed = ["-u"] if is_cram else []
        markdup = ["samtools", "markdup", "--no-PG", *uncompressed, "-@", str(self.threads), "-T", "markdup", "-", "-"]
        reheader = ["samtools", "reheader", "--no-PG", header.name, "-"]
        to_cram = [*_TO_CRAM, "--no-PG", "--reference", self.reference, "-"]
        return [markdup, reheader, *([to_cram, reheader] if is_cram else [])]


def _header(aligner: _Aligner, lanes: Sequence[Lane], reference: Path) -> str:
    """The header: as the programs would write it, less what depends on this machine.

    Each lane's chain of programs has names of its own, as the specification asks for and merging does not do. CRAM has
    the contigs' checksums as well.
    """
    parameters = aligner.parameters
    is_cram = parameters.format == CRAM
    versions = tool_versions((parameters.aligner, "samtools"))
    contigs = contig_lengths(reference)
    checksums = contig_checksums(reference, contigs if is_cram else ())
    own = {name: f"\tM5:{checksum}" for name, checksum in checksums.items()}
    lines = ["@HD\tVN:1.6\tSO:coordinate"]
    lines += [f"@SQ\tSN:{name}\tLN:{length}{own.get(name, '')}" for name, length in contigs.items()]
    for lane in lanes:
        lines.append("\t".join(["@RG", *(f"{tag}:{value}" for tag, value in aligner.read_group(lane).items())]))
    for lane in lanes:
        chain = (
            aligner.command(lane),
            ["samtools", "fixmate", "-m"],
            ["samtools", "sort"],
            ["samtools", "markdup"],
            *([list(_TO_CRAM)] if is_cram else []),
        )
        previous = ""
        for command in chain:
            program, subcommand = command[:2]
            identity = f"{program}_{subcommand}.{lane.name}" if subcommand.isalpha() else f"{program}.{lane.name}"
            after = [f"PP:{previous}"] if previous else []
            tags = [f"ID:{identity}", f"PN:{program}", *after, f"VN:{versions[program]}", f"CL:{' '.join(command)}"]
            lines.append("\t".join(["@PG", *tags]))
            previous = identity
    return "\n".join(lines) + "\n"


def _sort_mib(reference: Path, aligner: str, threads: int, memory_mib: int) -> int:
    """Memory for each sorting thread: what is left beside the aligner's index and batch, within sense."""
    if aligner == "bwa":
        index_mib = sum(reference.with_name(name).stat().st_size for name in INDEX) // _MIB
    else:
        index_mib = sum(contig_lengths(reference).values()) * _INDEX_BYTES_PER_BASE // _MIB
    if index_mib > memory_mib:
        raise ToolError(f"{aligner}'s index takes {index_mib} MiB, the job has {memory_mib}: give it more memory")
    left = (memory_mib - index_mib - _BATCH_MIB) // 2
    return max(_SMALLEST_SORT_MIB, min(_LARGEST_SORT_MIB, left // threads))


def _metrics(flagstat: str, reads_in: int) -> dict[str, int]:
    primary, mapped, paired, duplicates = (
        sum(map(int, match.groups())) if (match := pattern.search(flagstat)) else -1
        for pattern in (_PRIMARY, _MAPPED, _PAIRED, _DUPLICATES)
    )
    if primary != reads_in:
        raise ToolError(f"{reads_in} reads went in, {primary} primary records came out")
    return {
        "reads_in": reads_in,
        "primary_records": primary,
        "mapped_reads": mapped,
        "properly_paired_reads": paired,
        "duplicate_reads": duplicates,
    }
