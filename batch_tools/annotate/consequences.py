"""The worst consequence of an allele, in the terms of the Sequence Ontology, as each predictor gives it."""

from collections.abc import Iterable

# From the worst, in Ensembl's order (ensembl.org/info/genome/variation/prediction/predicted_data.html).
SEVERITY = (
    "transcript_ablation",
    "splice_acceptor_variant",
    "splice_donor_variant",
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
    "inframe_insertion",
    "inframe_deletion",
    "missense_variant",
    "protein_altering_variant",
    "splice_region_variant",
    "start_retained_variant",
    "stop_retained_variant",
    "synonymous_variant",
    "coding_sequence_variant",
    "5_prime_UTR_variant",
    "3_prime_UTR_variant",
    "non_coding_transcript_exon_variant",
    "intron_variant",
    "non_coding_transcript_variant",
    "upstream_gene_variant",
    "downstream_gene_variant",
    "intergenic_variant",
)
INTERGENIC = SEVERITY[-1]
# What only one of the predictors speaks of: csq is silent about what lies beside genes.
BESIDE_GENES = frozenset(SEVERITY[-3:])
_RANKS = {term: rank for rank, term in enumerate(SEVERITY)}

_CSQ_TERMS = {
    **{name: f"{name}_variant" for name in ("frameshift", "intron", "missense", "splice_acceptor", "splice_donor")},
    **{name: f"{name}_variant" for name in ("splice_region", "start_retained", "stop_retained", "synonymous")},
    "coding_sequence": "coding_sequence_variant",
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
    "non_coding": "non_coding_transcript_variant",
    "inframe_altering": "protein_altering_variant",
}
_SNPEFF_TERMS = {
    "conservative_inframe_insertion": "inframe_insertion",
    "disruptive_inframe_insertion": "inframe_insertion",
    "conservative_inframe_deletion": "inframe_deletion",
    "disruptive_inframe_deletion": "inframe_deletion",
    "initiator_codon_variant": "start_retained_variant",
    "5_prime_UTR_premature_start_codon_gain_variant": "5_prime_UTR_variant",
    "intergenic_region": INTERGENIC,
    "intragenic_variant": "intron_variant",
    "exon_variant": "non_coding_transcript_exon_variant",
}


# Those of Ensembl's own that say more than a term of SEVERITY.
_VEP_TERMS = {
    "splice_donor_5th_base_variant": "splice_region_variant",
    "splice_donor_region_variant": "splice_region_variant",
    "splice_polypyrimidine_tract_variant": "splice_region_variant",
    "mature_miRNA_variant": "non_coding_transcript_exon_variant",
    "NMD_transcript_variant": "non_coding_transcript_variant",
}


def worst_of_csq(field: str) -> str:
    """Of a record's BCSQ; INTERGENIC where it is missing (`.`)."""
    terms = (term.lstrip("*") for each in _given(field) for term in each.split("|", 1)[0].split("&"))
    return _worst(_CSQ_TERMS.get(term, term) for term in terms if not term.startswith("@"))


def worst_of_snpeff(field: str) -> str:
    """Of a record's ANN; INTERGENIC where it is missing (`.`)."""
    terms = (term for each in _given(field) for term in each.split("|", 2)[1].split("&"))
    return _worst(_SNPEFF_TERMS.get(term, term) for term in terms)


def worst_of_vep(field: str) -> str:
    """Of a record's CSQ, in which the consequence stands second; INTERGENIC where it is missing (`.`)."""
    terms = (term for each in _given(field) for term in each.split("|", 2)[1].split("&"))
    return _worst(_VEP_TERMS.get(term, term) for term in terms)


def _given(field: str) -> list[str]:
    return [] if field == "." else field.split(",")


def _worst(terms: Iterable[str]) -> str:
    return min(terms, key=lambda term: _RANKS.get(term, _RANKS["coding_sequence_variant"]), default=INTERGENIC)
