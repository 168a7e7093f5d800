"""A release of ClinVar becomes labelled rows: which, with which label, in which columns."""

import csv
import gzip
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from genomics.contracts.annotated_variants import PUBLISHED_COLUMNS
from genomics.contracts.training_sets import TrainingSetError
from tests.glue_jobs.create_training_set.conftest import AGREE, DISAGREE

_VEP = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: {}">\n'
_NAMES = "Allele|Consequence|IMPACT|SYMBOL|Feature_type|Feature|EXON|Protein_position|SIFT|CANONICAL|NOVEL"
_CSQ = (
    "G|intron_variant|MODIFIER|FIRST|Transcript|NM_1.1||||||,"
    "G|missense_variant&splice_region_variant|MODERATE|BRCA1|Transcript|NM_2.1|3/20|7|tolerated(0.2)|YES|a=b"
).replace("||||||,", "|||||,")


def test_only_variants_with_criteria_of_several_submitters_are_taken(training_sets: Any) -> None:
    statuses = {
        100: (AGREE, "0"),
        200: (DISAGREE, "1"),
        # Until 2023.
        300: ("CLNREVSTAT=criteria_provided,_conflicting_interpretations", "1"),
        # The status has not followed yet.
        400: (f"{AGREE};CLNSIGCONF=Benign(1)|Pathogenic(1)", "1"),
        500: ("CLNREVSTAT=criteria_provided,_single_submitter", None),
        600: ("CLNREVSTAT=reviewed_by_expert_panel", None),
        700: ("CLNREVSTAT=no_assertion_criteria_provided;CLNSIGCONF=Benign(1)|Pathogenic(1)", None),
        800: ("CLNSIG=Benign", None),
    }
    training_sets.records(*((pos, "A", "G", info) for pos, (info, _) in statuses.items()))
    said = training_sets.create()
    labels = {int(row["POS"]): row["CLASS"] for row in training_sets.published()}
    assert labels == {pos: label for pos, (_, label) in statuses.items() if label}
    manifest = training_sets.manifest()
    assert (manifest.conflicting, manifest.agreeing) == (3, 1)
    assert manifest.left_out == {"no criteria of several submitters": 4}
    assert said.startswith("clinvar 2026-02-26 GRCh38: 3 variants in conflict, 1 not; consequences by MC; s3://")


def test_a_release_without_positives_is_an_error(training_sets: Any) -> None:
    training_sets.records((100, "A", "G", AGREE), (200, "A", "G", "CLNREVSTAT=criteria_provided,_renamed_again"))
    with pytest.raises(TrainingSetError, match="no variant is in conflict, of 1 with criteria of several submitters"):
        training_sets.create()


def test_a_release_that_the_lake_lacks_is_an_error(training_sets: Any) -> None:
    with pytest.raises(TrainingSetError, match="no release newest of ClinVar for GRCh38; load one with `genomics"):
        training_sets.create()


def test_the_newest_release_is_taken_unless_another_is_named(training_sets: Any) -> None:
    for release, pos in (("2025-12-01", 100), ("2026-02-26", 200)):
        training_sets.records((pos, "A", "G", DISAGREE), release=release)
    training_sets.create()
    assert [row["POS"] for row in training_sets.published()] == ["200"]
    assert "clinvar 2025-12-01" in training_sets.create(release="2025-12-01")
    assert training_sets.manifest("2025-12-01").conflicting == 1


def test_values_are_those_of_the_release_and_what_is_missing_is_empty(training_sets: Any) -> None:
    info = (
        f"AF_ESP=.;AF_EXAC=0.00012;CLNDISDB=MONDO:MONDO:1,MedGen:C1|.|MedGen:C2;CLNDN=A,_type_2|.|not_provided;{DISAGREE};"
        "CLNVI=OMIM:1&base_change%3Ddel_TG|X_lab,X:2;GENEINFO=BRCA1:672|NBR2:10230;"
        "MC=SO:0001587|nonsense,SO:0001619|non-coding_transcript_variant;ORIGIN=33;PM"
    )
    training_sets.records(
        (100, "A", "G", info), (100, "A", "G", info), (110, "CTG", "C", info), (120, "A", "<DEL>", info)
    )
    training_sets.create()
    row, deletion = training_sets.published()
    assert tuple(row) == PUBLISHED_COLUMNS
    expected = {
        "CHROM": "17", "POS": "100", "REF": "A", "ALT": "G", "AF_ESP": "", "AF_EXAC": "0.00012", "AF_TGP": "",
        "CLNDISDB": "MONDO:MONDO:1,MedGen:C1|.|MedGen:C2", "CLNDN": "A,_type_2|.|not_provided",
        "MC": "SO:0001587|nonsense,SO:0001619|non-coding_transcript_variant", "ORIGIN": "33", "SSR": "",
        "CLASS": "1", "Consequence": "stop_gained", "IMPACT": "HIGH", "SYMBOL": "BRCA1", "Feature": "",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert row["CLNVI"].split("|")[1] == "X_lab,X:2"
    # As the release has it, not trimmed.
    assert (deletion["POS"], deletion["REF"], deletion["ALT"]) == ("110", "CTG", "C")
    assert training_sets.manifest().left_out == {"alleles that are not spelled out": 1, "the same variant again": 1}
    table = training_sets.table().to_pylist()
    assert [each["variation_id"] for each in table] == [1, 3]
    assert (table[0]["AF_ESP"], table[0]["af_known"], table[0]["is_stop_gained"]) == (None, 1.0, 1.0)


def test_columns_of_the_table_differ_by_more_than_case(training_sets: Any) -> None:
    training_sets.records((100, "A", "G", DISAGREE))
    training_sets.create()
    names = [name.lower() for name in training_sets.table().column_names]
    assert len(names) == len(set(names)), "Athena has no capitals"


@pytest.mark.parametrize("apart", [False, True], ids=["in the release", "in a file of its own"])
def test_consequences_are_those_of_vep_where_there_are_any(training_sets: Any, apart: bool) -> None:
    header = _VEP.format(_NAMES)
    records = [(100, "A", "G", f"{DISAGREE};CSQ={_CSQ}"), (200, "A", "G", f"{AGREE};MC=SO:1|synonymous_variant")]
    options = {}
    if apart:
        training_sets.records(*records, more_header=header, release="2020-01-01")
        options["consequences"] = f"s3://{training_sets.lake.bucket}/annotations/brought/2020-01-01/clinvar.vcf"
        training_sets.records(*((pos, ref, alt, info.partition(";CSQ")[0]) for pos, ref, alt, info in records))
    else:
        training_sets.records(*records, more_header=header)
    training_sets.create(**options)
    assert training_sets.manifest().consequences == "VEP"
    told, untold = training_sets.published()
    # The canonical transcript's, though another comes first.
    assert (told["SYMBOL"], told["Feature"], told["EXON"]) == ("BRCA1", "NM_2.1", "3/20")
    assert told["Consequence"] == "missense_variant&splice_region_variant"
    assert told["SIFT"] == "tolerated"
    assert untold["Consequence"] == "synonymous_variant"


def test_consequences_are_those_of_bcftools_csq_where_the_release_has_them(training_sets: Any) -> None:
    form = "Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change"
    described = f"Haplotype-aware consequence annotation from BCFtools/csq. Format: {form}"
    said = "missense|BRCA1|ENST1|protein_coding|-|174E>174D|100A>G"
    header = f'##INFO=<ID=BCSQ,Number=.,Type=String,Description="{described}">\n'
    training_sets.records((100, "A", "G", f"{DISAGREE};BCSQ={said}"), more_header=header)
    training_sets.create()
    assert training_sets.manifest().consequences == "bcftools csq"
    (row,) = training_sets.published()
    assert (row["Consequence"], row["SYMBOL"], row["Feature"]) == ("missense_variant", "BRCA1", "ENST1")
    assert (row["STRAND"], row["Protein_position"], row["Amino_acids"]) == ("-1", "174", "E/D")


def test_bcftools_csq_is_run_where_reference_and_genes_are_given(training_sets: Any) -> None:
    # A protein of 80 residues: Met, 78 Glu, and a stop; the eleventh codon's last base is the 63rd.
    sequence = "A" * 30 + "ATG" + "GAA" * 78 + "TAA" + "A" * 30
    parts = (
        ("gene", "ID=gene:G1;Name=BRCA1;biotype=protein_coding"),
        ("mRNA", "ID=transcript:T1;Parent=gene:G1;biotype=protein_coding"),
        ("exon", "Parent=transcript:T1"),
        ("CDS", "ID=CDS:P1;Parent=transcript:T1"),
    )
    genes = "".join(f"17\tensembl\t{part}\t31\t270\t.\t+\t0\t{what}\n" for part, what in parts)
    given = {
        "reference": training_sets.put("annotations/brought/genome.fa", f">17\n{sequence}\n".encode()),
        "gff": training_sets.put("annotations/brought/genes.gff3", f"##gff-version 3\n{genes}".encode()),
    }
    training_sets.records((63, "A", "C", f"{DISAGREE};MC=SO:0001819|synonymous_variant"))
    training_sets.create(**given)
    assert training_sets.manifest().consequences == "bcftools csq"
    (row,) = training_sets.published()
    assert (row["Consequence"], row["SYMBOL"], row["Feature"]) == ("missense_variant", "BRCA1", "T1")
    assert (row["Protein_position"], row["Amino_acids"]) == ("11", "E/D")

    broken = training_sets.put("annotations/brought/none.gff3", b"nothing\n")
    with pytest.raises(
        TrainingSetError, match=r"none\.gff3, .*genome\.fa: bcftools csq stopped: .*Could not parse the line: nothing"
    ):
        training_sets.create(reference=given["reference"], gff=broken)


def test_a_file_of_consequences_that_tells_none_is_an_error(training_sets: Any) -> None:
    training_sets.records((100, "A", "G", DISAGREE))
    plain = f"s3://{training_sets.lake.bucket}/annotations/brought/2026-02-26/clinvar.vcf"
    with pytest.raises(TrainingSetError, match=r"clinvar\.vcf: its header describes neither CSQ nor BCSQ"):
        training_sets.create(consequences=plain)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("13:32316000-32319999", {"1": 75, "0": 215}),
        # From `bcftools query -f '%CLNREVSTAT\n' | sort | uniq -c` on the file.
        pytest.param("", {"1": 7701, "0": 14736}, marks=pytest.mark.slow),
    ],
    ids=["a part", "all"],
)
def test_labels_of_the_real_release_are_as_bcftools_counts_them(
    training_sets: Any, shared_data: Path, tmp_path: Path, region: str, expected: dict[str, int]
) -> None:
    release = tmp_path / "clinvar.vcf.gz"
    whole = shared_data / "clinvar" / "clinvar_20260226_GRCh38_genes.not_chr17.vcf.gz"
    subprocess.run(["bcftools", "view", "-Oz", "-o", release, whole, *([region] if region else [])], check=True)
    columns = r"%CHROM\t%POS\t%REF\t%ALT\t%INFO/CLNREVSTAT\t%INFO/CLNSIGCONF\n"
    listed = subprocess.run(["bcftools", "query", "-f", columns, release], capture_output=True, text=True, check=True)
    counts = Counter(_label(*line.split("\t")[4:]) for line in set(listed.stdout.splitlines()))

    training_sets.load(release.read_bytes(), name=release.name)
    training_sets.create()
    found = Counter(row["CLASS"] for row in training_sets.published())
    assert dict(found) == {label: count for label, count in counts.items() if label}
    assert dict(found) == expected


def _label(review_status: str, conflict: str) -> str:
    if "conflicting" in review_status:
        return "1"
    if "multiple_submitters" not in review_status:
        return ""
    return "0" if conflict == "." else "1"


@pytest.mark.shared_data
def test_the_columns_are_those_of_the_published_table(shared_data: Path) -> None:
    with gzip.open(shared_data / "clinvar" / "clinvar_conflicting.dev80.csv.gz", "rt") as lines:
        assert tuple(next(csv.reader(lines))) == PUBLISHED_COLUMNS
