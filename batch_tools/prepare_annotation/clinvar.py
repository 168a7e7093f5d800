"""ClinVar's VCF, allele by allele, left-aligned on a reference and under its contigs' names."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from batch_tools.prepare_annotation.contig_names import own_name
from batch_tools.prepare_annotation.text_files import numbered_lines
from batch_tools.tool_runtime.alleles import normalising
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from genomics.contracts.steps import CLINVAR_FIELDS

VCF = "clinvar.vcf.gz"
_ALLELES = "alleles.vcf"
# More than a few alleles that do not fit are of another genome.
_MOST_MISFITS = 0.1
_DATE = re.compile(r"^##fileDate=(\S+)", re.MULTILINE)


def prepare_clinvar(
    source: Path, *, reference: str, contigs: Mapping[str, int], directory: Path
) -> dict[str, int | str]:
    """Write the alleles of `source` (VCF, plain or gzipped) to VCF in `directory`, with its index (TBI).

    Kept of INFO are CLINVAR_FIELDS. Records on contigs that the reference lacks, without an alternate allele, or whose
    REF is not the reference's are left out and counted. ToolError if it is no ClinVar, or of another genome.
    """
    counts = _write_alleles(source, directory / _ALLELES, contigs)
    if not counts["clinvar_alleles"]:
        raise ToolError(
            f"{source.name}: none of its {counts['clinvar_elsewhere']} records is on the reference's contigs"
        )
    run_pipeline(
        *normalising(reference, source=_ALLELES, drops_misfits=True, output_type="z", output=VCF),
        directory=directory,
    )
    run_pipeline(["bcftools", "index", "--tbi", VCF], directory=directory)
    kept = int(capture(["bcftools", "index", "--nrecords", VCF], directory=directory))
    misfits = counts["clinvar_alleles"] - kept
    if misfits > _MOST_MISFITS * counts["clinvar_alleles"]:
        raise ToolError(
            f"{source.name}: {misfits} of {counts['clinvar_alleles']} alleles do not have the reference's bases as REF:"
            " it is of another genome assembly"
        )
    date = _DATE.search(capture(["bcftools", "view", "--header-only", VCF], directory=directory))
    return {**counts, "clinvar_misfits": misfits, "clinvar_date": date[1] if date else ""}


def _write_alleles(source: Path, target: Path, contigs: Mapping[str, int]) -> dict[str, int]:
    """Copy what is needed; returns how many alleles were written, and how many records were not."""
    names: dict[str, str | None] = {}
    alleles = elsewhere = 0
    with target.open("w") as stream:
        for number, line in _lines(source):
            if line.startswith("#"):
                stream.writelines(_header(source, line, contigs))
                continue
            columns = line.rstrip("\r\n").split("\t", 8)
            if len(columns) < 8:
                raise ToolError(f"{source.name} line {number}: {len(columns)} columns, VCF has 8 or more")
            chrom, pos, identity, ref, alt, _, _, info = columns[:8]
            if chrom not in names:
                names[chrom] = own_name(chrom, contigs)
            if (own := names[chrom]) is None:
                elsewhere += 1
            elif alt != ".":
                alleles += alt.count(",") + 1
                stream.write(f"{own}\t{pos}\t{identity}\t{ref}\t{alt}\t.\t.\t{_kept(info)}\n")
    return {"clinvar_alleles": alleles, "clinvar_elsewhere": elsewhere}


def _header(source: Path, line: str, contigs: Mapping[str, int]) -> Iterator[str]:
    """What becomes of a line of the header."""
    if line.startswith("#CHROM"):
        yield from (f"##contig=<ID={name},length={length}>\n" for name, length in contigs.items())
        yield "\t".join(line.rstrip("\r\n").split("\t")[:8]) + "\n"
    elif line.startswith(("##fileformat=", "##fileDate=")) or _field(line) in CLINVAR_FIELDS:
        yield line


def _field(line: str) -> str:
    return line.removeprefix("##INFO=<ID=").split(",", 1)[0] if line.startswith("##INFO=<ID=") else ""


def _kept(info: str) -> str:
    return ";".join(pair for pair in info.split(";") if pair.partition("=")[0] in CLINVAR_FIELDS) or "."


def _lines(source: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; ToolError if the header is not ClinVar's, or the file is damaged."""
    has_significance = columns = False
    for number, line in numbered_lines(source):
        if number == 1 and not line.startswith("##fileformat=VCF"):
            raise ToolError(f"{source.name} line 1: is not VCF")
        has_significance = has_significance or _field(line) == CLINVAR_FIELDS[0]
        columns = columns or line.startswith("#CHROM")
        if columns and not has_significance:
            raise ToolError(f"{source.name} line {number}: no INFO {CLINVAR_FIELDS[0]} above: is it ClinVar's?")
        if line.strip():
            yield number, line
    if not columns:
        raise ToolError(f"{source.name}: has no line that begins with #CHROM")
