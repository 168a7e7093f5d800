"""How INFO fields tell what alleles do to genes: what a header says of the fields of VEP, bcftools csq and snpEff.

VEP: https://www.ensembl.org/info/docs/tools/vep/vep_formats.html#vcfout. bcftools csq: its manual, and the header it
writes. snpEff: "Variant annotations in VCF format", version 1.0.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass


class Program(enum.Enum):
    """Who writes an entry, and so how it names its allele."""

    VEP = "VEP"
    BCFTOOLS = "bcftools csq"
    SNPEFF = "snpEff"


# By name of the field: gnomAD calls VEP's `vep`.
_PROGRAMS = {"CSQ": Program.VEP, "vep": Program.VEP, "BCSQ": Program.BCFTOOLS, "ANN": Program.SNPEFF}
_SAYS_FORMAT = re.compile(r"Format:\s*(?:'([^']*)'|([^'\"]*))", re.IGNORECASE)
# snpEff says `Functional annotations: 'Allele | Annotation | ...'`.
_QUOTED = re.compile(r"'([^']*\|[^']*)'")
# bcftools marks what may stand there and what may be left out.
_MARKS = re.compile(r"\[\*\]|[\[\]]")
# bcftools leaves out the strand and what follows where there is nothing to say.
_LEAST_OF_BCFTOOLS = 4

# The table's columns by subfields' names, in lower case.
_COLUMNS = {
    "allele": "allele",
    **dict.fromkeys(("consequence", "annotation"), "terms"),
    **dict.fromkeys(("impact", "annotation_impact"), "impact"),
    **dict.fromkeys(("symbol", "gene_name"), "gene_symbol"),
    **dict.fromkeys(("gene", "gene_id"), "gene_id"),
    "feature_type": "feature_type",
    **dict.fromkeys(("feature", "feature_id"), "feature"),
    **dict.fromkeys(("biotype", "transcript_biotype"), "biotype"),
    "exon": "exon",
    "intron": "intron",
    **dict.fromkeys(("hgvsc", "hgvs.c"), "hgvs_c"),
    **dict.fromkeys(("hgvsp", "hgvs.p"), "hgvs_p"),
    **dict.fromkeys(("cdna_position", "cdna.pos / cdna.length"), "cdna_position"),
    **dict.fromkeys(("cds_position", "cds.pos / cds.length"), "cds_position"),
    **dict.fromkeys(("protein_position", "aa.pos / aa.length"), "protein_position"),
}
_COLUMNS_OF_BCFTOOLS = {"consequence": "terms", "gene": "gene_symbol", "transcript": "feature", "biotype": "biotype"}
COLUMNS = tuple(dict.fromkeys(_COLUMNS.values()))


@dataclass(frozen=True)
class ConsequenceFormat:
    """What the entries of an INFO field hold.

    `names` are the subfields', in order, no two alike; `columns` tells which of them have a column of the table, by its
    name. An entry has from `least` subfields to all of them.
    """

    field: str
    program: Program
    names: tuple[str, ...]
    columns: Mapping[str, int]
    least: int

    @property
    def allele_number(self) -> int | None:
        """Which subfield is VEP's ALLELE_NUM, the number of the ALT counted from 1."""
        return self.names.index("ALLELE_NUM") if "ALLELE_NUM" in self.names else None


def consequence_format(field: str, kind: str, description: str) -> ConsequenceFormat | None:
    """The format that an INFO field's Description tells; None where it tells none, or the field is no such one."""
    program = _PROGRAMS.get(field)
    if program is None or kind != "String":
        return None
    if "bcftools/csq" in description.lower():
        program = Program.BCFTOOLS
    said = _SAYS_FORMAT.search(description) or _QUOTED.search(description)
    text = next((group for group in said.groups() if group), "") if said else ""
    names = [name.strip() for name in _MARKS.sub("", text).split("|")]
    if len(names) < 2 or "" in names:
        return None
    known = _COLUMNS_OF_BCFTOOLS if program is Program.BCFTOOLS else _COLUMNS
    columns: dict[str, int] = {}
    for index, name in enumerate(names):
        if column := known.get(name.lower()):
            columns.setdefault(column, index)
    least = min(_LEAST_OF_BCFTOOLS, len(names)) if program is Program.BCFTOOLS else len(names)
    return ConsequenceFormat(field, program, _distinct(names), columns, least)


def _distinct(names: list[str]) -> tuple[str, ...]:
    """The names; a repeated one gets a number."""
    found: dict[str, None] = {}
    for name in names:
        number, own = 2, name
        while own in found:
            own, number = f"{name}_{number}", number + 1
        found[own] = None
    return tuple(found)
