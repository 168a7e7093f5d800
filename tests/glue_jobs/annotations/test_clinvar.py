"""ClinVar's records, old and new, as rows."""

import gzip
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysam
import pytest

from genomics.contracts.annotation_tables import CLINVAR
from glue_jobs.annotations.clinvar import check_header, clinvar_rows
from glue_jobs.vcf.reader import RangeReader, open_vcf, ranges
from glue_jobs.vcf.schemas import file_schema

_RELEASE = "clinvar/clinvar_20260226_GRCh38_genes.not_chr17.vcf.gz"
# As the releases of 2018 and of 2026 declare them.
_HEADER = """##fileformat=VCFv4.1
##reference=GRCh38
##INFO=<ID=AF_ESP,Number=1,Type=Float,Description="">
##INFO=<ID=AF_EXAC,Number=1,Type=Float,Description="">
##INFO=<ID=AF_TGP,Number=1,Type=Float,Description="">
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="">
##INFO=<ID=CLNDISDB,Number=.,Type=String,Description="">
##INFO=<ID=CLNHGVS,Number=.,Type=String,Description="">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="">
##INFO=<ID=CLNSIGCONF,Number=.,Type=String,Description="">
##INFO=<ID=CLNVC,Number=1,Type=String,Description="">
##INFO=<ID=CLNVI,Number=.,Type=String,Description="">
##INFO=<ID=GENEINFO,Number=1,Type=String,Description="">
##INFO=<ID=MC,Number=.,Type=String,Description="">
##INFO=<ID=ORIGIN,Number=.,Type=String,Description="">
##INFO=<ID=RS,Number=.,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""
Row = dict[str, Any]


def rows_of(source: Any) -> list[Row]:
    file = open_vcf(source)
    (whole,) = ranges(source, file, source.size)
    found = []
    for batch in RangeReader(source, file, whole):
        assert batch.rejects.num_rows == 0, batch.rejects.to_pylist()
        table = clinvar_rows(batch.variants)
        schema = file_schema(CLINVAR)
        assert [table.schema.field(n).type for n in table.column_names] == [
            schema.field(n).type for n in table.column_names
        ]
        found += table.to_pylist(maps_as_pydicts="strict")
    return found


@pytest.fixture
def row(bytes_source: Callable[[bytes], Any]) -> Callable[[str], Row]:
    """The row of a record with that INFO."""

    def read(info: str, place: str = "1\t100\t12345\tA\tG") -> Row:
        (found,) = rows_of(bytes_source(f"{_HEADER}{place}\t.\t.\t{info}\n".encode()))
        return found

    return read


@pytest.mark.parametrize(
    ("significance", "review", "conflicts"),
    [
        # ClinVar renamed them in January 2024
        ("Conflicting_classifications_of_pathogenicity", "criteria_provided,_conflicting_classifications", True),
        ("Conflicting_interpretations_of_pathogenicity", "criteria_provided,_conflicting_interpretations", True),
        ("Pathogenic", "criteria_provided,_conflicting_interpretations", True),
        ("Pathogenic/Likely_pathogenic", "criteria_provided,_multiple_submitters,_no_conflicts", False),
    ],
)
def test_conflicts_are_recognised_in_the_old_and_the_new_spelling(
    row: Callable[[str], Row], significance: str, review: str, conflicts: bool
) -> None:
    found = row(f"CLNSIG={significance};CLNREVSTAT={review}")
    assert found["clinical_significances"] == [significance]
    assert found["review_status"] == review
    assert found["is_conflicting"] is conflicts
    assert found["info_strings"] is None


@pytest.mark.parametrize("between", ["|", ",", ",_", "%2C", "%3B"])
def test_conflicting_significances_are_counted_by_submissions(row: Callable[[str], Row], between: str) -> None:
    parts = ("Pathogenic(2)", "Pathogenic,_low_penetrance(1)", "Uncertain_significance(10)")
    assert row(f"CLNSIGCONF={between.join(parts)}")["conflicting_significances"] == {
        "Pathogenic": 2,
        "Pathogenic,_low_penetrance": 1,
        "Uncertain_significance": 10,
    }


@pytest.mark.parametrize(
    ("text", "significances"),
    [
        ("Pathogenic|drug_response", ["Pathogenic", "drug_response"]),
        # Releases until 2021 have the comma
        ("Pathogenic,_risk_factor", ["Pathogenic", "risk_factor"]),
        (
            "Pathogenic/Pathogenic,_low_penetrance|other",
            ["Pathogenic/Pathogenic,_low_penetrance", "other"],
        ),
    ],
)
def test_significances_are_split_in_the_old_and_the_new_spelling(
    row: Callable[[str], Row], text: str, significances: list[str]
) -> None:
    assert row(f"CLNSIG={text}")["clinical_significances"] == significances


def test_every_field_that_has_a_column_leaves_the_maps(row: Callable[[str], Row]) -> None:
    found = row(
        "AF_ESP=0.25;AF_EXAC=.;ALLELEID=7;CLNDISDB=MONDO:MONDO:0013342,MedGen:C3150901|.|MedGen:C3661900;"
        "CLNDN=Spastic_paraplegia,_type_48|not_provided|Other;CLNHGVS=NC_000001.11:g.100A>G;CLNVC=Deletion;"
        "CLNVI=ClinGen:CA1|OMIM:2;GENEINFO=BRCA2:675|LOC1:9;"
        "MC=SO:0001583|missense_variant,SO:0001627|intron_variant;ORIGIN=33;RS=123"
    )
    assert (found["variation_id"], found["allele_id"], found["rsids"]) == (12345, 7, ["rs123"])
    assert found["diseases"] == ["Spastic_paraplegia,_type_48", "not_provided", "Other"]
    assert found["disease_ids"] == [["MONDO:MONDO:0013342", "MedGen:C3150901"], None, ["MedGen:C3661900"]]
    assert (found["gene_symbols"], found["gene_ids"]) == (["BRCA2", "LOC1"], [675, 9])
    assert found["consequence_terms"] == ["SO:0001583", "SO:0001627"]
    assert found["consequences"] == ["missense_variant", "intron_variant"]
    assert found["origins"] == ["germline", "de-novo"]
    assert (found["hgvs"], found["variant_type"]) == ("NC_000001.11:g.100A>G", "Deletion")
    assert (found["af_esp"], found["af_exac"], found["af_tgp"]) == (0.25, None, None)
    assert found["info_floats"] is found["info_integers"] is None
    assert found["info_strings"] == {"CLNVI": ["ClinGen:CA1", "OMIM:2"]}
    assert found["is_conflicting"] is None


@pytest.mark.parametrize(
    ("info", "key", "column"),
    [
        ("GENEINFO=BRCA2", "GENEINFO", "gene_symbols"),
        ("CLNSIGCONF=Pathogenic", "CLNSIGCONF", "conflicting_significances"),
        ("MC=missense_variant", "MC", "consequences"),
        ("MC=SO:1|a,.", "MC", "consequence_terms"),
        ("ORIGIN=4096", "ORIGIN", "origins"),
        ("RS=rs12", "RS", "rsids"),
    ],
)
def test_a_value_that_is_not_as_clinvar_writes_it_stays_in_the_map(
    row: Callable[[str], Row], info: str, key: str, column: str
) -> None:
    found = row(f"{info};CLNVC=Deletion")
    assert found[column] is None
    assert list(found["info_strings"]) == [key]
    assert found["variant_type"] == "Deletion"


def test_alleles_and_chromosomes_are_as_joins_want_them(row: Callable[..., Row]) -> None:
    found = row("CLNVC=Deletion", place="chrM\t100\tx\tATG\tAG")
    assert (found["pos"], found["ref"], found["alt"], found["original_ref"]) == (100, "AT", "A", "ATG")
    assert (found["chrom"], found["chromosome"]) == ("chrM", "MT")
    assert found["variation_id"] is None
    assert found["ids"] == ["x"]


def test_another_vcf_is_not_taken_for_clinvars(bytes_source: Callable[[bytes], Any]) -> None:
    content = (
        b"##fileformat=VCFv4.2\n##INFO=<ID=DP,Number=1,Type=Integer>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    with pytest.raises(ValueError, match="is not ClinVar's VCF: its header declares neither CLNSIG nor ALLELEID"):
        check_header(open_vcf(bytes_source(content)).header)


def test_a_release_says_what_pysam_reads_of_it(
    shared_data: Path, bytes_source: Callable[[bytes], Any], tmp_path: Path
) -> None:
    with gzip.open(shared_data / _RELEASE, "rb") as release:
        # The header, and what comes after the first thousands, in which most is alike.
        lines = [line for number, line in enumerate(release) if line.startswith(b"#") or 21_000 < number <= 22_000]
    plain = tmp_path / "release.vcf"
    plain.write_bytes(b"".join(lines))
    rows = rows_of(bytes_source(plain.read_bytes()))
    with pysam.VariantFile(str(plain)) as file:
        records = list(file)
    assert len(rows) == len(records) == 1000
    for found, record in zip(rows, records, strict=True):
        info = {name: text for name in record.info if (text := _text(record.info[name])) != "."}
        assert found["variation_id"] == int(str(record.id))
        assert found["allele_id"] == int(info["ALLELEID"])
        assert found["review_status"] == info["CLNREVSTAT"]
        assert found["is_conflicting"] is ("onflicting_classif" in info.get("CLNSIG", "") + info["CLNREVSTAT"])
        assert found["clinical_significances"] == (info["CLNSIG"].split("|") if "CLNSIG" in info else None)
        counted = [f"{name}({count})" for name, count in (found["conflicting_significances"] or {}).items()]
        assert "|".join(counted) == info.get("CLNSIGCONF", "")
        assert "|".join(name or "." for name in found["diseases"] or ()) == info.get("CLNDN", "")
        assert "|".join(",".join(each or ".") for each in found["disease_ids"] or ()) == info.get("CLNDISDB", "")
        pairs = zip(found["gene_symbols"] or (), found["gene_ids"] or (), strict=True)
        assert "|".join(f"{symbol}:{number}" for symbol, number in pairs) == info.get("GENEINFO", "")
        assert found["af_exac"] == (pytest.approx(float(info["AF_EXAC"])) if "AF_EXAC" in info else None)
    assert Counter(row["is_conflicting"] for row in rows)[True] > 50


@pytest.mark.slow
def test_a_whole_release_has_as_many_rows_and_conflicts_as_bcftools_counts(
    shared_data: Path, bytes_source: Callable[[bytes], Any]
) -> None:
    rows = rows_of(bytes_source((shared_data / _RELEASE).read_bytes()))
    # bcftools view -H | wc -l; bcftools view -H -i 'CLNSIG~"Conflicting_classifications"' | wc -l
    assert len(rows) == 50_483
    assert Counter(row["is_conflicting"] for row in rows)[True] == 7_701
    taken = ("CLNSIG", "CLNREVSTAT", "CLNSIGCONF", "CLNDN", "CLNDISDB", "GENEINFO", "MC", "ORIGIN", "RS", "ALLELEID")
    left = set(itertools.chain.from_iterable(row["info_strings"] or {} for row in rows))
    assert not left & set(taken)


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
