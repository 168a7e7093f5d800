"""What each feature says of a variant, and which tier it may be in."""

import math

import pytest

from genomics.contracts.annotated_variants import PUBLISHED_COLUMNS, AnnotatedVariant, RowError
from genomics.contracts.features import Tier, values_of
from genomics.contracts.submission_features import SUBMISSION_FEATURES
from genomics.contracts.variant_features import VARIANT_FEATURES
from genomics.ml.condition_context import CONDITION_CONTEXT_FEATURES
from genomics.ml.encodings import ENCODED_FEATURES
from genomics.ml.gene_context import GENE_CONTEXT_FEATURES

FEATURES = (
    *VARIANT_FEATURES,
    *SUBMISSION_FEATURES,
    *GENE_CONTEXT_FEATURES,
    *CONDITION_CONTEXT_FEATURES,
    *ENCODED_FEATURES,
)
# The first row of the published table.
ROW = {
    "CHROM": "1", "POS": "1168180", "REF": "G", "ALT": "C", "AF_ESP": "0.0771", "AF_EXAC": "0.10020",
    "AF_TGP": "0.1066",
    "CLNDN": "not_specified", "CLNDISDB": "MedGen:CN169374", "CLNDNINCL": "nan",
    "CLNVI": "UniProtKB_(protein):Q96L58#VAR_059317", "MC": "SO:0001583|missense_variant",
    "Consequence": "missense_variant",
    "IMPACT": "MODERATE", "SYMBOL": "B3GALT6", "Feature": "NM_080605.3", "EXON": "1/1", "INTRON": "",
    "cDNA_position": "552",
    "CDS_position": "522", "Protein_position": "174", "Amino_acids": "E/D", "Codons": "gaG/gaC", "STRAND": "1",
    "SIFT": "tolerated", "PolyPhen": "benign", "CADD_PHRED": "1.053", "BLOSUM62": "2",
}  # fmt: skip


def told(**changes: str | None) -> dict[str, float]:
    features = (*VARIANT_FEATURES, *SUBMISSION_FEATURES)
    values = values_of(AnnotatedVariant({**ROW, **changes}), features)
    return dict(zip((feature.name for feature in features), values, strict=True))


def test_tier_a_reads_nothing_that_a_submission_brings() -> None:
    forbidden = [name for name in PUBLISHED_COLUMNS if name.startswith("CLN")] + ["SSR", "ORIGIN"]
    for feature in FEATURES:
        if feature.tier is Tier.A:
            assert not set(feature.source.split(", ")) & set(forbidden), feature.name


def test_the_only_labels_in_tier_a_are_those_of_genes() -> None:
    labelled = {feature.name for feature in FEATURES if feature.tier is Tier.A and "CLASS" in feature.source}
    assert labelled == {"gene_conflict_share", "kind_conflict_share", "family_conflict_share"}


def test_tier_a_stays_the_same_whatever_a_submission_says() -> None:
    without = told(**{name: None for name in PUBLISHED_COLUMNS if name.startswith("CLN")}, ORIGIN=None, SSR=None)
    with_all = told(CLNDN="x|y", CLNVC="Deletion", CLNHGVS="h", CLNSIGINCL="s", ORIGIN="33", SSR="1")
    for name in (feature.name for feature in VARIANT_FEATURES):
        assert without[name] == with_all[name] or (math.isnan(without[name]) and math.isnan(with_all[name])), name


def test_names_of_features_are_unique() -> None:
    names = [feature.name for feature in FEATURES]
    assert len(names) == len(set(names))


def test_values_are_those_of_the_row() -> None:
    found = told()
    assert found["af_max_log10"] == pytest.approx(math.log10(0.1066))
    assert (found["af_known"], found["af_pattern"]) == (3, 7)
    assert (found["is_missense_variant"], found["impact_level"], found["is_transition"]) == (1, 2, 0)
    assert (found["place_in_protein"], found["utr5_length"], found["exon_share"]) == (174, 30, 1)
    # Grantham 1974, table 2: Glu and Asp are 45 apart.
    assert found["grantham"] == pytest.approx(45, abs=0.5)
    # BLOSUM62 and Kyte and Doolittle 1982, table 2: Glu and Asp both have -3.5.
    assert (found["blosum62_score"], found["hydropathy_change"]) == (2, 0)
    assert (found["codon_place"], found["is_cpg_in_codon"]) == (2, 0)
    assert (found["conditions"], found["conditions_named"], found["is_not_specified"]) == (1, 0, 1)


@pytest.mark.parametrize(("codons", "expected"), [("aCg/aTg", 1), ("cGa/cAa", 1), ("aCa/aTa", 0), ("aCg/aAg", 0)])
def test_a_cpg_transition_is_seen_in_the_codon(codons: str, expected: int) -> None:
    assert told(Codons=codons)["is_cpg_in_codon"] == expected


@pytest.mark.parametrize("missing", [None, "", "nan", "."])
def test_what_is_missing_is_unknown_not_zero(missing: str | None) -> None:
    found = told(AF_ESP=missing, AF_EXAC=missing, AF_TGP=missing, CADD_PHRED=missing, EXON=missing, STRAND=missing)
    for name in ("af_esp_log10", "af_max_log10", "ac_tgp", "cadd_phred_score", "exon_number", "transcript_strand"):
        assert math.isnan(found[name]), name
    assert found["af_known"] == 0


def test_a_frequency_of_zero_is_one_that_nobody_carries() -> None:
    assert told(AF_ESP="0")["af_known"] == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"POS": "x"}, "POS is 'x'; expected a position, counted from 1"),
        ({"POS": "0"}, "POS is '0'"),
        ({"REF": None}, "REF is missing"),
        ({"ALT": "<DEL>"}, "ALT is '<DEL>'; expected bases"),
        ({"AF_EXAC": "2"}, "AF_EXAC is 2; expected a frequency between 0 and 1"),
        ({"CADD_PHRED": "high"}, "CADD_PHRED is 'high'; expected a number"),
    ],
)
def test_a_malformed_row_is_named(changes: dict[str, str | None], message: str) -> None:
    with pytest.raises(RowError, match=message):
        told(**changes)
