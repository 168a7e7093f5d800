"""TSVs of declared columns, and what becomes of lines that are not as declared."""

import gzip
import itertools
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from genomics.contracts.annotation_tables import (
    CLINVAR_SUMMARY,
    CLINVAR_SUMMARY_SCHEMA,
    AnnotationSchema,
    DeclaredColumn,
    Location,
    declared_table,
)
from glue_jobs.annotations.tsv import TsvReader, open_tsv
from glue_jobs.vcf.schemas import file_schema
from glue_jobs.vcf.text import ByteRange, plan

Row = dict[str, Any]
_SCHEMA = AnnotationSchema(
    name="regions",
    nulls=("", "NA"),
    location=Location("contig", "start", "end", base=0),
    columns=(
        DeclaredColumn("contig", "string", "Chrom"),
        DeclaredColumn("start", "bigint", "From"),
        DeclaredColumn("end", "bigint", "To"),
        DeclaredColumn("score", "double"),
        DeclaredColumn("scores", "array<int>", separator=",", nulls=("-1",)),
        DeclaredColumn("is_coding", "boolean"),
        DeclaredColumn("seen", "date", optional=True),
    ),
)
_HEADER = "## made by hand\n#Chrom\tFrom\tTo\tscore\tscores\tis_coding\tnote\n"
# https://ftp.ncbi.nlm.nih.gov/pub/clinvar/README.txt, section variant_summary.txt, describes these columns. The first
# record is that of allele 15041, shortened; the second has what is written where nothing is known.
_SUMMARY = (
    "#AlleleID\tType\tName\tGeneID\tGeneSymbol\tHGNC_ID\tClinicalSignificance\tClinSigSimple\tLastEvaluated\t"
    "RS# (dbSNP)\tnsv/esv (dbVar)\tRCVaccession\tPhenotypeIDS\tPhenotypeList\tOrigin\tOriginSimple\tAssembly\t"
    "ChromosomeAccession\tChromosome\tStart\tStop\tReferenceAllele\tAlternateAllele\tCytogenetic\tReviewStatus\t"
    "NumberSubmitters\tGuidelines\tTestedInGTR\tOtherIDs\tSubmitterCategories\tVariationID\tPositionVCF\t"
    "ReferenceAlleleVCF\tAlternateAlleleVCF\n"
)
_INDEL = (
    "15041\tIndel\tNM_014855.3(AP5Z1):c.80_83delinsTGCTGTAAACTGTAACTGTAAA (p.Arg27_Ile28delinsLeuLeuTer)\t9907\tAP5Z1\t"
    "HGNC:22197\tPathogenic/Likely pathogenic\t1\tDec 17, 2024\t397704705\t-\tRCV000000012|RCV005255549\t"
    "MONDO:MONDO:0013342,MedGen:C3150901|\tHereditary spastic paraplegia 48|not provided\tgermline;unknown\tgermline\t"
    "GRCh38\tNC_000007.14\t7\t4781213\t4781216\tna\tna\t7p22.1\tcriteria provided, single submitter\t4\t-\tN\t"
    "ClinGen:CA215070,OMIM:613653.0001\t3\t2\t4781213\tGGAT\tTGCTG\n"
)
_UNKNOWN = (
    "15042\tprotein only\tname\t-1\tA;B\t-\t-\t-1\t-\t-1\t-\t-\t-\t-\t-\t-\tna\t-\tna\t-1\t-1\tna\tna\t-\t"
    "no classification provided\t0\t-\tY\t-\t4\t3\t-1\tna\tna\n"
)


@pytest.fixture
def read(bytes_source: Callable[[bytes], Any]) -> Callable[..., tuple[list[Row], list[Row]]]:
    """Rows and rejects of a file, read in so many ranges; lines of rejects count from the file's first."""

    def everything(
        content: bytes | str, schema: AnnotationSchema = _SCHEMA, pieces: int = 1
    ) -> tuple[list[Row], list[Row]]:
        source = bytes_source(content.encode() if isinstance(content, str) else content)
        file = open_tsv(source, schema)
        rows, rejects, lines, position = [], [], file.lines, 0
        for part in plan(source, file.encoding, max(1, source.size // pieces)):
            reader = TsvReader(source, file, part)
            for batch in reader:
                rows += batch.rows.to_pylist(maps_as_pydicts="strict")
                rejects += [{**each, "line": each["line"] + lines} for each in batch.rejects.to_pylist()]
            lines += reader.lines
            assert reader.first == position
            position = reader.next
        return rows, rejects

    return everything


def test_values_are_of_the_declared_types_and_places_count_from_one(read: Any) -> None:
    rows, rejects = read(_HEADER + "chr1\t99\t200\t0.5\t1,-1,3\tyes\thello\nchrM\t0\t1\tNA\t-1\t\t\n")
    assert rejects == []
    assert rows == [
        {
            "contig": "chr1", "chromosome": "1", "start": 100, "end": 200, "score": 0.5, "scores": [1, None, 3],
            "is_coding": True, "seen": None, "other_columns": {"note": "hello"},
        },
        {
            "contig": "chrM", "chromosome": "MT", "start": 1, "end": 1, "score": None, "scores": None,
            "is_coding": None, "seen": None, "other_columns": {"note": None},
        },
    ]  # fmt: skip


def test_a_bad_line_is_rejected_and_a_bad_field_kept_as_text(read: Any) -> None:
    rows, rejects = read(
        _HEADER.encode()
        + b"1\t1\t2\t0.5\t1\tyes\n"  # line 3 lacks a column
        + b"1\there\tthere\thigh\t1\tyes\tx\n"
        + b"\n"
        + b"1\t1\t2\thigh\t1,x\tmaybe\tx\r\n"
        + b"1\t1\t2\t0.5\t1\tyes\t\xff\n"
        + b"1\t1\t2\t0.5\t5000000000\tyes\tlast line without a break"
    )
    assert [(row["score"], row["scores"], row["is_coding"]) for row in rows] == [(None, None, None), (0.5, None, True)]
    assert rows[0]["other_columns"] == {"score": "high", "scores": "1,x", "is_coding": "maybe", "note": "x"}
    assert [(each["line"], each["field"], each["reason"]) for each in rejects] == [
        (3, None, "6 columns, expected 7"),
        (4, None, "From: 'here' is not an integer"),
        (6, "score", "'high' is not a number; kept as text"),
        (6, "scores", "'x' is not an integer; kept as text"),
        (6, "is_coding", "'maybe' is neither true nor false; kept as text"),
        (7, None, "is not UTF-8 text"),
        (8, "scores", "'5000000000' is not an integer of this size; kept as text"),
    ]
    assert rejects[1]["text"] == "1\there\tthere\thigh\t1\tyes\tx"


@pytest.mark.parametrize("pack", ["plain", "gzip", "bgzf"])
def test_the_number_of_ranges_changes_no_row(read: Any, bgzf: Callable[..., bytes], pack: str) -> None:
    lines = (f"chr{i % 3}\t{i}\t{i + 5}\t{i / 7}\t1,2\tno\tn{'x' * (i % 50)}\n" for i in range(400))
    content = (_HEADER + "".join(itertools.chain(lines, ["bad\n"]))).encode()
    packed = {"plain": content, "gzip": gzip.compress(content), "bgzf": bgzf(content, block=700)}[pack]
    expected = read(content)
    assert (len(expected[0]), [each["line"] for each in expected[1]]) == (400, [403])
    for pieces in (1, 3, 17):
        assert read(packed, pieces=pieces) == expected


def test_a_bed_without_a_header_is_read_by_the_columns_order(read: Any) -> None:
    schema = AnnotationSchema(
        name="targets",
        has_header=False,
        location=Location("chrom", "start", "end", base=0),
        columns=(
            DeclaredColumn("chrom", "string"),
            DeclaredColumn("start", "bigint"),
            DeclaredColumn("end", "bigint"),
        ),
    )
    rows, rejects = read("chr2\t0\t10\n", schema)
    assert rejects == []
    assert rows == [{"chrom": "chr2", "chromosome": "2", "start": 1, "end": 10, "other_columns": None}]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "is empty"),
        ("Chrom\tFrom\n1\t2\n", "line 1: has no column 'To'; the schema regions declares it"),
        ("##c\nChrom\tChrom\n", "line 2: column 'Chrom' stands there twice"),
        ("Chrom\tFrom\t\n", "line 1: column 3 has no name"),
        ("Chrom\tFrom\tTo", "has no line of column names with rows below"),
    ],
)
def test_a_file_that_is_not_as_declared_is_an_error(read: Any, content: str, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        read(content)


def test_clinvars_summary_has_types_and_nulls_for_what_is_not_known(read: Any) -> None:
    (indel, unknown), rejects = read(_SUMMARY + _INDEL + _UNKNOWN, CLINVAR_SUMMARY_SCHEMA)
    assert rejects == []
    assert (indel["allele_id"], indel["variation_id"], indel["gene_id"], indel["rs_number"]) == (
        15041, 2, 9907, 397704705,
    )  # fmt: skip
    assert (indel["chrom"], indel["pos"], indel["ref"], indel["alt"]) == ("7", 4781213, "GGAT", "TGCTG")
    assert indel["last_evaluated"] == date(2024, 12, 17)
    assert indel["clinical_significances"] == ["Pathogenic/Likely pathogenic"]
    assert (indel["is_pathogenic"], indel["is_tested_in_gtr"]) == (True, False)
    assert indel["diseases"] == ["Hereditary spastic paraplegia 48", "not provided"]
    assert indel["disease_ids"] == ["MONDO:MONDO:0013342,MedGen:C3150901", None]
    assert indel["origins"] == ["germline", "unknown"]
    # The columns of later releases
    assert indel["oncogenicity"] is indel["scvs_germline"] is indel["other_columns"] is None
    known = {name: value for name, value in unknown.items() if value is not None}
    assert known == {
        "allele_id": 15042, "variant_type": "protein only", "name": "name", "gene_symbols": ["A", "B"],
        "review_status": "no classification provided", "submitters": 0, "is_tested_in_gtr": True,
        "submitter_categories": 4, "variation_id": 3,
    }  # fmt: skip


def test_columns_that_clinvar_adds_are_kept(read: Any) -> None:
    header, record = (f"{text.rstrip()}\t{more}\n" for text, more in ((_SUMMARY, "Invented"), (_INDEL, "new")))
    (row,), rejects = read(header + record, CLINVAR_SUMMARY_SCHEMA)
    assert row["other_columns"] == {"Invented": "new"}
    assert rejects == []


def test_a_real_table_is_loaded_line_by_line(read: Any, shared_data: Path) -> None:
    content = gzip.decompress((shared_data / "clinvar/clinvar_alleles_example_750_rows.single.b37.tsv.gz").read_bytes())
    schema = AnnotationSchema(
        name="alleles",
        location=Location("chrom", "pos"),
        columns=(
            DeclaredColumn("chrom", "string"),
            DeclaredColumn("pos", "bigint"),
            DeclaredColumn("allele_id", "bigint"),
            DeclaredColumn("gold_stars", "int"),
            DeclaredColumn("is_conflicted", "boolean", "conflicted"),
            DeclaredColumn("dates", "array<date>", "dates_ordered", separator=";", nulls=("0000-00-00",)),
        ),
    )
    rows, rejects = read(content, schema)
    lines = content.decode().splitlines()
    names = lines[0].split("\t")
    assert rejects == []
    assert len(rows) == len(lines) - 1
    for row, line in zip(rows, lines[1:], strict=True):
        fields = dict(zip(names, line.split("\t"), strict=True))
        assert (row["chrom"], str(row["pos"]), str(row["allele_id"])) == (
            fields["chrom"], fields["pos"], fields["allele_id"],
        )  # fmt: skip
        assert row["is_conflicted"] is (fields["conflicted"] == "1")
        assert (row["dates"] or [None])[0] == (
            date.fromisoformat(fields["dates_ordered"].split(";")[0]) if row["dates"] and row["dates"][0] else None
        )
        assert row["other_columns"]["symbol"] == (fields["symbol"] or None)


def test_rows_have_the_columns_that_the_table_has(bytes_source: Callable[[bytes], Any]) -> None:
    of_the_load = {"source_uri", "source_sha256", "run_id"}
    for schema, table, content in (
        (_SCHEMA, declared_table(_SCHEMA), _HEADER + "1\t1\t2\t0.5\t1\tyes\tx\n"),
        (CLINVAR_SUMMARY_SCHEMA, CLINVAR_SUMMARY, _SUMMARY + _INDEL),
    ):
        source = bytes_source(content.encode())
        file = open_tsv(source, schema)
        (batch,) = TsvReader(source, file, ByteRange(0, source.size))
        fields = {field.name: field.type for field in file_schema(table) if field.name not in of_the_load}
        assert {field.name: field.type for field in batch.rows.schema} == fields
