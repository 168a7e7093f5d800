"""The prepared reference genome: a directory below the references mount, named by its fingerprint."""

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


def linked(reference: Path, directory: Path) -> str:
    """A path to the FASTA, relative to `directory`, that is the same on every machine.

    Programs write the path they are given into headers; this one holds the reference's fingerprint and no place.
    """
    link = directory / reference.parent.name
    if not link.is_symlink():
        link.symlink_to(reference.parent, target_is_directory=True)
    return f"{link.name}/{reference.name}"
