"""What Hail says of records becomes the rows that our reader makes of their lines. What it says is given here."""

from typing import Any

import pytest
from pyspark.sql import Row

from benchmarks.parity.rows import Content, Rows, read_rows
from benchmarks.parity.verdicts import Outcome, Verdict
from benchmarks.parity.with_hail import compared
from glue_jobs.hail.frames import hail_error
from glue_jobs.hail.records import batches
from glue_jobs.vcf.reader import open_vcf

_HEADER = """##fileformat=VCFv4.3
##INFO=<ID=AF,Number=A,Type=Float,Description="">
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=DB,Number=0,Type=Flag,Description="">
##INFO=<ID=NOTE,Number=1,Type=String,Description="">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""
_LINE = "1\t10\trs1;rs2\tAT\tA,GT\t3.5\tq10;s50\tAF=0.25,.;DP=7;DB;NOTE=a%3Bb;CLNDN=one,_two|three\tGT:AD\t{}\t{}\n"
_INFO = {"AF": [0.25, None], "DP": 7, "DB": True, "NOTE": "a%3Bb", "CLNDN": ["one", "_two|three"]}


def calls(*genotypes: tuple[list[int], bool] | None, depths: list[int | None] | None) -> list[Row]:
    said = [given and Row(alleles=given[0], phased=given[1]) for given in genotypes]
    return [Row(GT=genotype, AD=depths) for genotype in said]


def record(**changed: Any) -> Row:
    """What Hail 0.2.139 says of the line."""
    said = {
        "alleles": ["AT", "A", "GT"],
        "rsid": "rs1;rs2",
        "qual": 3.5,
        "filters": ["s50", "q10"],
        "info": Row(**_INFO),
        "entries": calls(([0, 1], False), None, depths=[1, None, 3]),
        "contig": "1",
        "position": 10,
    }
    return Row(**{**said, **changed})


def rows(*records: Row) -> Rows:
    found = Rows()
    for batch in batches(records, open_vcf(Content(_HEADER.encode())).header):
        found.add(batch)
    return found


def verdict(line: str, *records: Row) -> Verdict:
    content = (_HEADER + line).encode()
    return compared(read_rows(content, by_columns=False), rows(*records), open_vcf(Content(content)).header)


def test_the_same_record_has_the_same_rows() -> None:
    assert verdict(_LINE.format("1/0:1,.,3", "./1:1,.,3"), record()) == Verdict(Outcome.EQUAL)


@pytest.mark.parametrize(
    "changed",
    [
        {"position": 11},
        {"qual": None},
        {"filters": []},
        {"filters": None},
        {"info": Row(**{**_INFO, "DP": 8})},
        {"info": Row(**{**_INFO, "AF": [0.25, 0.5]})},
        {"info": Row(**{**_INFO, "CLNDN": ["one"]})},
        {"info": Row(**{**_INFO, "DB": False})},
        {"entries": calls(([0, 2], False), None, depths=[1, None, 3])},
        {"entries": calls(([0, 1], True), None, depths=[1, None, 3])},
        {"entries": [*calls(([0, 1], False), depths=[1, None, 3]), None]},
        {"entries": calls(([0, 1], False), None, depths=None)},
    ],
)
def test_any_difference_fails(changed: dict[str, Any]) -> None:
    assert verdict(_LINE.format("0/1:1,.,3", "./.:1,.,3"), record(**changed)).outcome is Outcome.FAILS


def test_a_record_that_is_missing_fails() -> None:
    line = _LINE.format("0/1:1,.,3", "./.:1,.,3")
    assert verdict(line + line, record()).outcome is Outcome.FAILS
    assert verdict("", record()).outcome is Outcome.FAILS


def test_nothing_but_filter_pass_is_passed_and_order_is_by_name() -> None:
    found = rows(record(filters=[]), record(filters=None), record())
    assert [row["filters"] for row in found.variants[::2]] == [["PASS"], None, ["q10", "s50"]]


def test_a_genotype_is_written_as_hail_knows_it() -> None:
    (one, two) = rows(record(entries=calls(([1], False), ([2, 1], True), depths=None))).genotypes[:2]
    assert (one["genotype"], one["phased"], one["dosage"]) == ("1", None, 1)
    assert (two["genotype"], two["phased"], two["sample"]) == ("2|1", True, "S2")


def test_an_allele_beyond_alt_rejects_the_record() -> None:
    found = rows(record(entries=calls(([0, 3], False), None, depths=None)))
    assert found.variants == found.genotypes == []
    assert found.rejects == [
        {
            "line": None,
            "field": None,
            "reason": "sample S1: GT '0/3' has allele 3, ALT has only 2",
            "text": "1\t10",
        }
    ]


def test_values_that_are_not_as_many_as_declared_are_kept_as_text() -> None:
    found = rows(record(info=Row(**{**_INFO, "AF": [0.25]})))
    assert found.variants[0]["info_strings"]["AF"] == ["0.25"]
    assert [(each["field"], each["reason"]) for each in found.rejects] == [
        ("INFO/AF", "1 values, expected 2 (Number=A); kept as text")
    ]


def test_a_header_without_fields_leaves_records_without_them() -> None:
    said = {name: value for name, value in record().asDict().items() if name not in ("info", "entries")}
    found = rows(Row(**said))
    assert [row["alt"] for row in found.variants] == ["A", "G"]
    assert found.genotypes == []


def test_hails_error_is_one_line_that_names_place_and_field() -> None:
    # Of Hail 0.2.139, through Spark.
    said = (
        "An error occurred while calling o81.localCheckpoint.\n: org.apache.spark.SparkException: Job aborted due to "
        "stage failure: Task 0 in stage 1.0 failed 1 times, most recent failure: is.hail.utils.HailException: "
        "file:/tmp/hail-x/source.vcf:offset 5105: error while parsing line\n1\t10\n\n\tat is.hail.utils.fatal\n"
        "Caused by: is.hail.io.vcf.VCFParseError: error while parsing info field 'DP': invalid character 'm' in "
        "integer literal\n"
    )
    assert str(hail_error(RuntimeError(said))) == (
        "Hail does not read it: source.vcf:offset 5105: error while parsing line: error while parsing info field 'DP': "
        "invalid character 'm' in integer literal"
    )
