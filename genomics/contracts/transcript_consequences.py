"""Consequences on transcripts, as CONSEQUENCE_COLUMNS have them: from VEP, bcftools csq, or ClinVar's own MC.

A variant has many transcripts and a row has one: the one that VEP picked (PICK), else MANE's, else the canonical one,
else the first. Subfields are told by their names, so that further ones do no harm.
"""

import re
from collections.abc import Mapping, Sequence

from genomics.contracts.annotated_variants import CONSEQUENCE_COLUMNS, SEVERITY

Subfields = Mapping[str, str | None]

_CHOSEN = (("PICK", "1"), ("MANE_SELECT", None), ("CANONICAL", "YES"))

_LAST_OF_IMPACT = (("HIGH", "transcript_amplification"), ("MODERATE", "protein_altering_variant"))
_LAST_LOW = "synonymous_variant"

# ClinVar's MC where it does not use VEP's names.
_OF_MC = {
    "nonsense": "stop_gained",
    "initiator_codon_variant": "start_lost",
    "initiatior_codon_variant": "start_lost",
    "2KB_upstream_variant": "upstream_gene_variant",
    "500B_downstream_variant": "downstream_gene_variant",
    "genic_upstream_transcript_variant": "upstream_gene_variant",
    "genic_downstream_transcript_variant": "downstream_gene_variant",
    "non-coding_transcript_variant": "non_coding_transcript_variant",
    "inframe_indel": "protein_altering_variant",
}
# bcftools csq: "BCSQ", https://samtools.github.io/bcftools/howtos/csq-calling.html
_OF_BCFTOOLS = {
    "inframe_altering": "protein_altering_variant",
    "non_coding": "non_coding_transcript_exon_variant",
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
}
_CHANGE = re.compile(r"([0-9]+)([A-Z*]+)(?:>[0-9]+([A-Z*]+))?")


def impact_of(term: str) -> str | None:
    """VEP's IMPACT of a consequence; None of an unknown one."""
    if term not in SEVERITY:
        return None
    place = SEVERITY.index(term)
    for impact, last in _LAST_OF_IMPACT:
        if place <= SEVERITY.index(last):
            return impact
    return "LOW" if place <= SEVERITY.index(_LAST_LOW) else "MODIFIER"


def worst(terms: Sequence[str]) -> str | None:
    """The most severe of the terms that SEVERITY has."""
    return min((term for term in terms if term in SEVERITY), key=SEVERITY.index, default=None)


def chosen(entries: Sequence[Subfields]) -> Subfields | None:
    """The entry that speaks for a variant; None where there is none."""
    for name, value in _CHOSEN:
        for entry in entries:
            if entry.get(name) and value in (None, entry[name]):
                return entry
    return entries[0] if entries else None


def from_vep(entries: Sequence[Subfields]) -> dict[str, str | None]:
    """CONSEQUENCE_COLUMNS from VEP's entries for one allele, by the names of its header."""
    entry = chosen(entries) or {}
    found = {name: entry.get(name) for name in CONSEQUENCE_COLUMNS}
    for name in ("SIFT", "PolyPhen"):
        # VEP's `--sift b` writes tolerated(0.12).
        found[name] = (found[name] or "").partition("(")[0] or None
    return found


def from_bcftools(entries: Sequence[Subfields]) -> dict[str, str | None]:
    """Likewise from bcftools csq's: Consequence, gene, transcript, biotype, strand, amino_acid_change."""
    entry = chosen(entries) or {}
    terms = [_bcftools_term(term.removeprefix("*")) for term in (entry.get("Consequence") or "").split("&") if term]
    leading = worst(terms)
    strand = {"+": "1", "-": "-1"}.get(entry.get("strand") or "")
    change = _CHANGE.fullmatch(entry.get("amino_acid_change") or "")
    residues = "/".join(part for part in change.groups()[1:] if part) if change else None
    return _row(
        Consequence="&".join(terms) or None,
        IMPACT=impact_of(leading) if leading else None,
        SYMBOL=entry.get("gene"),
        Feature_type="Transcript" if entry.get("transcript") else None,
        Feature=entry.get("transcript"),
        BIOTYPE=entry.get("biotype"),
        STRAND=strand,
        Protein_position=change[1] if change else None,
        Amino_acids=residues,
    )


def from_clinvar(names: Sequence[str], genes: Sequence[str]) -> dict[str, str | None]:
    """Likewise from MC's names and GENEINFO's symbols: the worst consequence, and the first gene."""
    leading = worst([_OF_MC.get(name, name) for name in names])
    return _row(
        Consequence=leading,
        IMPACT=impact_of(leading) if leading else None,
        SYMBOL=genes[0] if genes else None,
    )


def _bcftools_term(term: str) -> str:
    named = _OF_BCFTOOLS.get(term, term)
    return named if named in SEVERITY else f"{named}_variant"


def _row(**known: str | None) -> dict[str, str | None]:
    return {**dict.fromkeys(CONSEQUENCE_COLUMNS), **known}
