"""Prepare a reference genome for the tools: checked, unpacked, indexed, in a directory named by its fingerprint."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from batch_tools.prepare_reference.fasta import write_checked
from batch_tools.tool_runtime.pipeline import run_pipeline
from batch_tools.tool_runtime.reference import FAI, FASTA, is_prepared
from batch_tools.tool_runtime.tool import Outcome

PROGRAMS = ("bwa", "samtools")
# Only the FASTA as it was brought is on scratch.
SCRATCH_PER_INPUT_BYTE = 1.1

# Both of bwa's ways give the same index. "is" takes about a third of the time of "bwtsw", but so many bytes for each
# base, and it fails above so many bases.
_IS_BYTES_PER_BASE = 11
_IS_MOST_BASES = 1_000_000_000
_MIB = 1 << 20

_log = logging.getLogger(__name__)


def run(
    *,
    fasta: Path,
    fingerprint: str,
    references: Path,
    attempt: str,
    earlier_attempts: Sequence[str],
    memory_mib: int,
    directory: Path,
) -> Outcome:
    """Make `references`/`fingerprint` from `fasta` (plain, gzip or BGZF): genome.fa, its .fai and bwa's index.

    All of it is made in a directory of this `attempt` beside it, which then takes the name: whoever sees the directory
    sees it complete. If another attempt was first, its directory stays. What `earlier_attempts` left is removed. Output
    `fai` is a copy in `directory`. FastaError (a ToolError) names file and line of a faulty FASTA.
    """
    final = references / fingerprint
    for name in earlier_attempts:
        shutil.rmtree(_partial(references, fingerprint, name), ignore_errors=True)
    if not is_prepared(final):
        partial = _partial(references, fingerprint, attempt)
        partial.mkdir(parents=True)
        try:
            _make(fasta, partial, memory_mib)
            _promote(partial, final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    fai = directory / FAI
    shutil.copyfile(final / FAI, fai)
    lengths = [int(line.split("\t")[1]) for line in fai.read_text().splitlines()]
    return Outcome(outputs={"fai": fai}, metrics={"contigs": len(lengths), "bases": sum(lengths)})


def _partial(references: Path, fingerprint: str, attempt: str) -> Path:
    return references / ".partial" / f"{fingerprint}.{attempt}"


def _make(fasta: Path, directory: Path, memory_mib: int) -> None:
    contigs = write_checked(fasta, directory / FASTA)
    _log.info("%s: %d contigs, %d bases", fasta.name, len(contigs), sum(contigs.values()))
    run_pipeline(["samtools", "faidx", FASTA], directory=directory)
    algorithm = _algorithm(sum(contigs.values()), memory_mib)
    run_pipeline(["bwa", "index", "-a", algorithm, FASTA], directory=directory)


def _algorithm(bases: int, memory_mib: int) -> str:
    needed_mib = bases * _IS_BYTES_PER_BASE // _MIB
    return "is" if bases <= _IS_MOST_BASES and needed_mib <= memory_mib * 3 // 4 else "bwtsw"


def _promote(partial: Path, final: Path) -> None:
    try:
        partial.rename(final)
    except OSError:
        # A directory that holds files is not replaced. Complete, it is as good as this one.
        if is_prepared(final):
            _log.info("another attempt has prepared %s meanwhile", final.name)
            return
        shutil.rmtree(final)
        partial.rename(final)
