"""Reading lines together as columns gives the rows that reading them one by one does."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from glue_jobs.vcf.columns.chunks import ChunkReader
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.reader import open_vcf
from glue_jobs.vcf.text import Encoding
from glue_jobs.vcf.values import parse_float

pytestmark = pytest.mark.xdist_group("compiled columns")

_LINES = 150
_HEADER = """##fileformat=VCFv{version}
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=AC,Number=A,Type=Integer,Description="">
##INFO=<ID=AF,Number=A,Type=Float,Description="">
##INFO=<ID=AN,Number=1,Type=String,Description="not as the specification has it">
##INFO=<ID=END,Number=1,Type=Integer,Description="">
##INFO=<ID=DB,Number=0,Type=Flag,Description="">
##INFO=<ID=R,Number=R,Type=Integer,Description="">
##INFO=<ID=TWO,Number=2,Type=Float,Description="">
##INFO=<ID=WORDS,Number=.,Type=String,Description="">
##INFO=<ID=CH,Number=1,Type=Character,Description="">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">
##FORMAT=<ID=GQ,Number=1,Type=Float,Description="not as the specification has it">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="">
##FORMAT=<ID=FT,Number=1,Type=String,Description="">
##FORMAT=<ID=VAF,Number=A,Type=Float,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""
_COLUMNS = {
    "chrom": ["chr1", "chr1", "2", "HLA-A*01:01", "a b", ""],
    "pos": ["1", "100", "100", "0", "123456789012345678", "1234567890123456789", "x", "-1", ""],
    "id": [".", "rs1", "rs1;rs2", "rs1;", "a b", "%3A"],
    "ref": ["A", "AT", "ggc", "N", "ATATAT", "<X>", "", "."],
    "alt": [".", "G", "A,T", "AAT,*", "<DEL>", "<DUP:TANDEM>,C", "G]chr1:5]", "G,", "<a b>", ".A", "ATAT", "GGC"],
    "qual": [
        ".",
        "30",
        "1e3",
        "1.5e-3",
        "nan",
        "-0",
        "1e400",
        "12345678901234567890",
        ".5",
        "5.",
        "e5",
        "1e",
        "+",
        "٣",
    ],
    "filter": [".", "PASS", "q10;s50", ";", "a\u00e9"],
}
_VALUES = [".", "", "1", "-7", "+3", "1,2", "1,.", ".,.", "1.5", "1e-3,2", "x", "x,y", "x|y", "a%3Ab", "%3",
           "2147483648", "99999999999999999999", "0.1,0.2", "1,2,3", "Infinity", "-inf", "A b", "PASS;q10"]  # fmt: skip
_FIELDS = ["DP", "AC", "AF", "AN", "END", "DB", "R", "TWO", "WORDS", "CH", "CLNDN", "NEW", "1000G", "A B", ""]
_FORMATS = [".", "GT", "GT:DP", "GT:AD:DP:GQ:PL", "GT:PS:FT:VAF:NEW", "DP:AD", "DP:GT", "GT:GT", "GT:"]
_GENOTYPES = ["0/0", "0|0", "0", "0/1", "1|0", "1/2", "./.", ".", "./1", "0/0/1", "2|1", "|0|1", "1/", "/", "9/9",
              "00/0", "", "a/b", "0|1/1"]  # fmt: skip


def _info(choice: random.Random) -> str:
    if choice.random() < 0.1:
        return choice.choice([".", "", ";"])
    names = choice.sample(_FIELDS[:-3], choice.randint(1, 4)) + choice.sample(_FIELDS, choice.random() < 0.1)
    entries = []
    for name in names:
        value = "7" if name in ("DP", "END") and choice.random() < 0.7 else choice.choice(_VALUES).replace(";", "")
        entries.append(name if name == "DB" and choice.random() < 0.8 else f"{name}={value}")
    return ";".join(entries) + (";" if choice.random() < 0.1 else "")


def _call(choice: random.Random, form: str) -> str:
    width = form.count(":") + choice.choice([0, 0, 0, 1, 2])
    values = [choice.choice(_VALUES) for _ in range(width)]
    return ":".join([choice.choice(_GENOTYPES), *values[: choice.randint(0, width)]])


def _line(choice: random.Random) -> str:
    """A record; about half of its kind have something odd about them."""
    columns = [
        choice.choice(values) if choice.random() < 0.12 else choice.choice(values[: max(3, len(values) // 2)])
        for values in _COLUMNS.values()
    ]
    form = choice.choice(_FORMATS if choice.random() < 0.3 else _FORMATS[1:5])
    line = "\t".join([*columns, _info(choice), form, _call(choice, form), _call(choice, form)])
    return choice.choice(["", "#", "chr1\t5", line + "\t0/1"]) if choice.random() < 0.03 else line


def _equal(one: Any, other: Any) -> bool:
    """Not a number is equal to itself here."""
    return repr(one) == repr(other)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), version=st.sampled_from(["4.2", "4.3"]), end=st.sampled_from(["\n", "\r\n"]))
def test_odd_records_give_the_same_rows_both_ways(rows_of: Any, seed: int, version: str, end: str) -> None:
    choice = random.Random(seed)  # noqa: S311 - test data
    body = "".join(_line(choice) + end for _ in range(40))
    content = (_HEADER.format(version=version) + body).encode()
    by_line, by_columns = (rows_of(content, by_columns=way) for way in (False, True))
    assert by_line.variants or by_line.rejects
    for table in ("variants", "genotypes", "consequences", "rejects"):
        assert _equal(getattr(by_columns, table), getattr(by_line, table)), table


@given(
    text=st.one_of(
        st.floats().map(repr), st.decimals(allow_nan=False).map(str), st.text("0123456789.+-eE", max_size=12)
    )
)
@example(text="9007199254740993")
@example(text="1e22")
@example(text="1e23")
@example(text="123456789012345e22")
@example(text="0.000000000000000000000001")
@example(text="iNfInItY")
@example(text="")
def test_numbers_are_what_python_reads(rows_of: Any, text: str) -> None:
    assume(text != ".")  # is no number, but none given
    line = f"chr1\t1\t.\tA\tC\t{text}\t.\tTWO={text},.\tGT\t0/0\t0/0\n"
    rows = rows_of((_HEADER.format(version="4.2") + line).encode(), by_columns=True)
    try:
        expected = parse_float(text)
    except ValueError:
        assert rows.variants == []
        return
    (row,) = rows.variants
    assert _equal((row["qual"], row["info_floats"]["TWO"][0]), (expected, expected))


@pytest.mark.parametrize("samples", [0, 3])
def test_plain_records_are_all_read_as_columns(bytes_source: Any, samples: int) -> None:
    header, columns = _HEADER.format(version="4.2").rsplit("#CHROM", 1)
    fixed = columns.split("\t")[:8]
    names = [f"S{i}" for i in range(samples)]
    content = header + "\t".join(["#CHROM", *fixed[1:], *(["FORMAT", *names] if samples else [])]) + "\n"
    calls = "\tGT:AD:DP:GQ:PL" + "\t0/1:1,2,3:6:9.5:1,2,3,4,5,6" * samples if samples else ""
    record = f"chr1\t10\trs1;x\tAT\tA,*\t3.5\tPASS\tDP=7;AC=1,2;DB;WORDS=a,b;NEW=x{calls}\n"
    source = bytes_source((content + record * 5).encode())
    found = ChunkReader(open_vcf(source).header).read(record.encode() * 5)
    assert (found.variants.num_rows, len(found.slow)) == (10, 0)
    assert (found.genotypes.num_rows if found.genotypes else 0) == 5 * samples


@pytest.mark.shared_data
@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2, 3))])
def test_real_files_give_the_same_rows_both_ways(shared_data: Path, rows_of: Any, bytes_source: Any, part: int) -> None:
    compared = 0
    paths = [*(shared_data / "vcf").rglob("*.vcf*"), *(shared_data / "bad_inputs").rglob("*.vcf")]
    for path in sorted(paths)[part::4]:
        content = path.read_bytes()
        try:
            if open_vcf(bytes_source(content)).encoding is not Encoding.PLAIN:
                continue
        except VcfError:
            continue
        content = b"".join(content.splitlines(keepends=True)[:_LINES])
        try:
            by_line = rows_of(content, by_columns=False)
        except VcfError:
            continue  # a header of more lines
        by_columns = rows_of(content, by_columns=True)
        for table in ("variants", "genotypes", "consequences", "rejects"):
            assert _equal(getattr(by_columns, table), getattr(by_line, table)), (path.name, table)
        compared += 1
    assert compared > 80
