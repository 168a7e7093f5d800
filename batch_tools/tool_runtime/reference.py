"""The prepared reference genome: a directory below the references mount, named by its fingerprint."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.tool import Job
from genomics.contracts import object_keys
from genomics.contracts.regions import read_fai
from genomics.contracts.steps import Step

FASTA = "genome.fa"
FAI = "genome.fa.fai"
# What `bwa index` makes of it.
INDEX = ("genome.fa.amb", "genome.fa.ann", "genome.fa.bwt", "genome.fa.pac", "genome.fa.sa")
_READ_BYTES = 1 << 22


def is_prepared(directory: Path) -> bool:
    """Whether `directory` holds all files of a prepared reference."""
    return all((directory / name).is_file() for name in (FASTA, FAI, *INDEX))


def prepared_reference(job: Job) -> Path:
    """The FASTA that the task names, its indexes beside it. ToolError says what to do if it is not there."""
    fingerprint, references = job.task.reference, Path(job.environment.references)
    if not fingerprint:
        raise ToolError("the task names no reference")
    directory = references / fingerprint
    if not is_prepared(directory):
        record = object_keys.step_record(Step.PREPARE_REFERENCE, fingerprint)
        raise ToolError(
            f"reference {fingerprint} is not prepared below {references};"
            f" delete {record} if it is there, and start the run again"
        )
    return directory / FASTA


def contig_lengths(reference: Path) -> dict[str, int]:
    """Contigs of a prepared FASTA and their lengths in bases, in its order."""
    return read_fai(reference.with_name(FAI).read_text())


def contig_checksums(reference: Path, names: Iterable[str]) -> dict[str, str]:
    """MD5 of the sequences of contigs of a prepared FASTA, as the tag M5 has it: in capitals, without line ends.

    SAM specification v1, section 1.3.2.
    """
    rows = {row[0]: row for row in map(str.split, reference.with_name(FAI).read_text().splitlines())}
    checksums = {}
    with reference.open("rb") as stream:
        for name in names:
            length, offset, line_bases, line_bytes = (int(number) for number in rows[name][1:5])
            stream.seek(offset)
            # Of the last line, what ends it is not read.
            left = length + (length - 1) // line_bases * (line_bytes - line_bases)
            digest = hashlib.md5(usedforsecurity=False)
            while left > 0 and (read := stream.read(min(left, _READ_BYTES))):
                digest.update(read.translate(None, b"\r\n").upper())
                left -= len(read)
            checksums[name] = digest.hexdigest()
    return checksums


def linked(reference: Path, directory: Path) -> str:
    """A path to the FASTA, relative to `directory`, that is the same on every machine.

    Programs write the path they are given into headers; this one holds the reference's fingerprint and no place.
    """
    link = directory / reference.parent.name
    if not link.is_symlink():
        link.symlink_to(reference.parent, target_is_directory=True)
    return f"{link.name}/{reference.name}"
