"""What VEP, bcftools csq and ClinVar say of a variant becomes one row of one transcript."""

import pytest

from genomics.contracts.annotated_variants import CONSEQUENCE_COLUMNS
from genomics.contracts.transcript_consequences import from_bcftools, from_clinvar, from_vep, impact_of, worst


# https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html#consequences
@pytest.mark.parametrize(
    ("term", "impact"),
    [
        ("transcript_ablation", "HIGH"),
        ("start_lost", "HIGH"),
        ("inframe_insertion", "MODERATE"),
        ("missense_variant", "MODERATE"),
        ("splice_region_variant", "LOW"),
        ("synonymous_variant", "LOW"),
        ("5_prime_UTR_variant", "MODIFIER"),
        ("intergenic_variant", "MODIFIER"),
        ("no_such_term", None),
    ],
)
def test_impacts_are_those_of_vep(term: str, impact: str | None) -> None:
    assert impact_of(term) == impact


def test_the_worst_of_several_terms_counts() -> None:
    assert worst(["intron_variant", "stop_gained", "unheard_of"]) == "stop_gained"
    assert worst(["unheard_of"]) is None


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([{}, {}], "T0"),
        ([{}, {"CANONICAL": "YES"}], "T1"),
        ([{"CANONICAL": "YES"}, {"MANE_SELECT": "NM_1.1"}], "T1"),
        ([{"MANE_SELECT": "NM_1.1"}, {"PICK": "1"}], "T1"),
    ],
)
def test_one_transcript_speaks_for_a_variant(marks: list[dict[str, str]], expected: str) -> None:
    entries = [{"Feature": f"T{number}", **mark} for number, mark in enumerate(marks)]
    assert from_vep(entries)["Feature"] == expected


def test_scores_of_vep_lose_their_numbers_and_unknown_subfields_do_no_harm() -> None:
    row = from_vep([{"SIFT": "deleterious(0.01)", "PolyPhen": "benign", "NOVEL": "x"}])
    assert (row["SIFT"], row["PolyPhen"]) == ("deleterious", "benign")
    assert list(row) == list(CONSEQUENCE_COLUMNS)


# "BCSQ", https://samtools.github.io/bcftools/howtos/csq-calling.html
@pytest.mark.parametrize(
    ("said", "terms", "impact"),
    [
        ("missense", "missense_variant", "MODERATE"),
        ("*stop_gained&splice_region", "stop_gained&splice_region_variant", "HIGH"),
        ("3_prime_utr", "3_prime_UTR_variant", "MODIFIER"),
        ("non_coding", "non_coding_transcript_exon_variant", "MODIFIER"),
    ],
)
def test_bcftools_terms_are_vep_s(said: str, terms: str, impact: str) -> None:
    row = from_bcftools([{"Consequence": said, "gene": "BRCA2", "transcript": "ENST1", "strand": "-"}])
    assert (row["Consequence"], row["IMPACT"]) == (terms, impact)
    assert (row["SYMBOL"], row["Feature"], row["STRAND"]) == ("BRCA2", "ENST1", "-1")


@pytest.mark.parametrize(
    ("change", "place", "residues"),
    [("174E>174D", "174", "E/D"), ("99R>99*", "99", "R/*"), ("12K", "12", "K"), (None, None, None)],
)
def test_residues_of_bcftools_are_vep_s(change: str | None, place: str | None, residues: str | None) -> None:
    row = from_bcftools([{"Consequence": "missense", "amino_acid_change": change}])
    assert (row["Protein_position"], row["Amino_acids"]) == (place, residues)


def test_mc_gives_its_worst_consequence_in_vep_s_words() -> None:
    row = from_clinvar(["intron_variant", "nonsense", "2KB_upstream_variant"], ["BRCA1", "NBR2"])
    assert (row["Consequence"], row["IMPACT"], row["SYMBOL"]) == ("stop_gained", "HIGH", "BRCA1")
    assert from_clinvar([], []) == dict.fromkeys(CONSEQUENCE_COLUMNS)
