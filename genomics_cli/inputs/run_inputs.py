"""Checks a run's whole input and says, in one line with file and line number, what is wrong with it."""

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from genomics.contracts.parameters import RunParameters
from genomics.contracts.regions import Region, parse_regions, read_bed
from genomics.contracts.runs import TOLERANCE_RULE, tolerated_failures
from genomics.contracts.samples import NAME_RULE, SheetRow, is_name, read_sample_sheet
from genomics_cli.accuracy import contigs_of, require_bcftools, sample_column
from genomics_cli.errors import UserError
from genomics_cli.inputs.fastq_files import FastqError, FileFacts, inspect_fastq, inspect_file
from genomics_cli.inputs.known_files import KnownFiles
from genomics_cli.inputs.reference_genome import IndexedReference, index_reference

# A comma between regions, not one inside 10,000,000.
_BETWEEN_REGIONS = re.compile(r",(?!\d{3}(?:\D|$))")


@dataclass(frozen=True)
class RunOptions:
    """What the user asks for.

    `reference` is a path or an s3:// URI, `regions` a BED file or a list, `truths` are `VCF`, for every sample, or
    `SAMPLE=VCF`. `genes` (GFF3) and `clinvar` (VCF) are what variants are annotated with. `tolerate`, `urgent`
    and `sign_off` are those of a RunRequest.
    """

    sheet: Path
    reference: str
    regions: str | None = None
    truths: tuple[str, ...] = ()
    confident: Path | None = None
    study: str = "default"
    parameters: tuple[str, ...] = ()
    genes: Path | None = None
    clinvar: Path | None = None
    tolerate: str = "0"
    urgent: bool = False
    sign_off: bool = False


@dataclass(frozen=True)
class BroughtFile:
    """A file that goes to the references as it is."""

    path: Path
    facts: FileFacts


@dataclass(frozen=True)
class RunInputs:
    """What a checked input holds. `reads` has the facts of every FASTQ that is not in S3 yet, by its path."""

    study: str
    rows: tuple[SheetRow, ...]
    reads: Mapping[str, FileFacts]
    reference: IndexedReference
    reference_facts: FileFacts
    regions: tuple[Region, ...]
    truths: Mapping[str, Path]
    confident: tuple[Region, ...]
    parameters: RunParameters
    genes: BroughtFile | None = None
    clinvar: BroughtFile | None = None
    tolerate: str = "0"
    urgent: bool = False
    sign_off: bool = False

    @property
    def scored_regions(self) -> tuple[Region, ...]:
        """Where calls are made: the regions asked for, else every contig."""
        return self.regions or tuple(Region(name, 1, length) for name, length in self.reference.contigs.items())


def check_inputs(options: RunOptions, *, reference_file: Path, known: KnownFiles, workspace: Path) -> RunInputs:
    """Read and check everything; what has to be made for it lies in `workspace`. `reference_file` is the local one.

    Raises UserError, SampleSheetError, RegionError or ContractError, each with a message that stands alone.
    """
    parameters = RunParameters().changed(options.parameters)
    if not is_name(options.study):
        raise UserError(f"--study {options.study!r} {NAME_RULE}")
    rows = read_sample_sheet(options.sheet)
    try:
        tolerated_failures(options.tolerate, len(rows))
    except ValueError as error:
        raise UserError(f"--tolerate {options.tolerate!r} {TOLERANCE_RULE}") from error
    require_files(options.sheet, rows)
    reference = index_reference(reference_file, workspace)
    regions = find_regions(options.regions, reference.contigs)
    truths = _truths(options.truths, [row.sample for row in rows], reference)
    confident: tuple[Region, ...] = ()
    if options.confident:
        if not truths:
            raise UserError("--confident says where the truth can be believed; give the truth with --truth")
        confident = read_bed(_readable(options.confident), reference.contigs, skip_other_contigs=True)
    genes = _brought("--genes", options.genes, known)
    clinvar = _brought("--clinvar", options.clinvar, known)
    reads = _inspect_reads(options.sheet, rows, known)
    reference_facts = known.facts(reference_file, inspect_file)
    known.save()
    return RunInputs(
        study=options.study,
        rows=rows,
        reads=reads,
        reference=reference,
        reference_facts=reference_facts,
        regions=regions,
        truths=truths,
        confident=confident,
        parameters=parameters,
        genes=genes,
        clinvar=clinvar,
        tolerate=options.tolerate,
        urgent=options.urgent,
        sign_off=options.sign_off,
    )


def is_remote(name: str) -> bool:
    """True for what is in S3 already."""
    return name.startswith("s3://")


def require_files(sheet: Path, rows: Sequence[SheetRow]) -> None:
    """UserError for the first local file of the sheet that is not there: noticed before anything is read."""
    for row in rows:
        for column, read in _columns(row):
            if not is_remote(read) and not Path(read).is_file():
                problem = "is no file" if Path(read).exists() else "does not exist"
                raise UserError(f"{sheet}:{row.line}: {column} {read} {problem}")


def _inspect_reads(sheet: Path, rows: Sequence[SheetRow], known: KnownFiles) -> dict[str, FileFacts]:
    def inspect(row: SheetRow, column: str, read: str) -> FileFacts:
        try:
            return known.facts(Path(read), inspect_fastq)
        except FastqError as error:
            raise UserError(f"{sheet}:{row.line}: {column} {read} {error}") from error
        except OSError as error:
            raise UserError(f"{sheet}:{row.line}: {column} {read} cannot be read ({error.strerror})") from error

    files = [(row, column, read) for row in rows for column, read in _columns(row) if not is_remote(read)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(lambda file: inspect(*file), files))
    facts = {read: fact for (_, _, read), fact in zip(files, found, strict=True)}
    _refuse_copies(sheet, files, facts)
    return facts


def _refuse_copies(sheet: Path, files: Sequence[tuple[SheetRow, str, str]], facts: Mapping[str, FileFacts]) -> None:
    seen: dict[str, tuple[int, str]] = {}
    for row, column, read in files:
        line, other = seen.setdefault(facts[read].sha256, (row.line, read))
        if other != read:
            raise UserError(f"{sheet}:{row.line}: {column} {read} has the same content as {other} on line {line}")


def find_regions(text: str | None, contigs: Mapping[str, int]) -> tuple[Region, ...]:
    """The regions that `--regions` names, a BED file or a list; none without it. UserError or RegionError."""
    if not text:
        return ()
    # Path.is_file raises on what is too long to be a name, as a list of regions may be.
    if os.path.isfile(text):  # noqa: PTH113
        return read_bed(Path(text), contigs)
    if text.endswith(".bed"):
        raise UserError(f"{text}: does not exist")
    return parse_regions(_BETWEEN_REGIONS.split(text), contigs)


def _truths(texts: Sequence[str], samples: Sequence[str], reference: IndexedReference) -> dict[str, Path]:
    """Truth VCF by sample."""
    truths: dict[str, Path] = {}
    for text in texts:
        require_bcftools()
        name, separator, rest = text.partition("=")
        named = bool(separator) and not Path(text).exists()
        if named and name not in samples:
            raise UserError(f"--truth {text}: the sample sheet has no sample {name}")
        vcf = _readable(Path(rest if named else text))
        declared = contigs_of(vcf)
        if declared and not set(declared) & set(reference.contigs):
            known = _some(tuple(reference.contigs))
            raise UserError(f"{vcf}: none of its contigs ({_some(declared)}) is in the reference ({known})")
        for sample in [name] if named else dict.fromkeys(samples):
            sample_column(vcf, sample)
            truths[sample] = vcf
    return truths


def _brought(option: str, path: Path | None, known: KnownFiles) -> BroughtFile | None:
    if path is None:
        return None
    facts = known.facts(_readable(path), inspect_file)
    if not facts.size:
        raise UserError(f"{option} {path}: is empty")
    return BroughtFile(path, facts)


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _columns(row: SheetRow) -> tuple[tuple[str, str], tuple[str, str]]:
    return (("fastq_1", row.fastq_1), ("fastq_2", row.fastq_2))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
