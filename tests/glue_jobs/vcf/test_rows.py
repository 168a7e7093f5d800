"""How a record becomes rows: docs/data-model.md, rule by rule."""

import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_FIELDS = """\
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=AC,Number=A,Type=Integer,Description="">
##INFO=<ID=AF,Number=A,Type=Float,Description="">
##INFO=<ID=AN,Number=1,Type=Integer,Description="">
##INFO=<ID=END,Number=1,Type=Integer,Description="">
##INFO=<ID=DB,Number=0,Type=Flag,Description="">
##INFO=<ID=PERA,Number=A,Type=String,Description="">
##INFO=<ID=PERR,Number=R,Type=Integer,Description="">
##INFO=<ID=PERG,Number=G,Type=Float,Description="">
##INFO=<ID=TWO,Number=2,Type=Float,Description="">
##INFO=<ID=ANY,Number=.,Type=Integer,Description="">
##INFO=<ID=WORDS,Number=.,Type=String,Description="">
##INFO=<ID=TEXT,Number=1,Type=String,Description="">
##INFO=<ID=CH,Number=1,Type=Character,Description="">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="">
##FORMAT=<ID=FT,Number=1,Type=String,Description="">
##FORMAT=<ID=VAF,Number=A,Type=Float,Description="">
##FORMAT=<ID=HQ,Number=2,Type=Integer,Description="">
##FORMAT=<ID=NOTE,Number=1,Type=String,Description="">
"""


def vcf(*records: str, samples: tuple[str, ...] = (), version: str = "4.2") -> bytes:
    """Records are written with spaces in place of tabs."""
    columns = [
        "#CHROM",
        "POS",
        "ID",
        "REF",
        "ALT",
        "QUAL",
        "FILTER",
        "INFO",
        *(["FORMAT", *samples] if samples else []),
    ]
    lines = [f"##fileformat=VCFv{version}", _FIELDS.rstrip(), *(" ".join(columns), *records)]
    head, body = "\n".join(lines[:2]), "\n".join(lines[2:])
    return f"{head}\n{body.replace(' ', chr(9))}\n".encode()


@pytest.fixture
def variants(read: Callable[..., Any]) -> Callable[..., list[dict[str, Any]]]:
    """Rows of sites-only records, none of which is rejected."""

    def rows(*records: str, version: str = "4.2") -> list[dict[str, Any]]:
        found = read(vcf(*records, version=version))
        assert found.rejects == []
        return list(found.variants)

    return rows


@pytest.fixture
def genotypes(read: Callable[..., Any]) -> Callable[..., list[dict[str, Any]]]:
    """Rows of calls at one record."""

    def rows(alt: str, form: str, *calls: str, version: str = "4.2") -> list[dict[str, Any]]:
        samples = tuple(f"S{i}" for i in range(len(calls)))
        record = f"chr1 10 . A {alt} . . . {form} {' '.join(calls)}"
        found = read(vcf(record, samples=samples, version=version))
        assert found.rejects == []
        return list(found.genotypes)

    return rows


def test_a_multi_allelic_record_gives_a_row_for_each_alt(variants: Any) -> None:
    rows = variants("chr1 100 rs1;rs2 CAA C,CA,GAA 50.5 q10;s50 DP=9;AC=1,2,3;AF=0.1,.,0.3;AN=8")
    assert [(r["pos"], r["ref"], r["alt"], r["alt_index"]) for r in rows] == [
        (100, "CAA", "C", 1),
        (100, "CA", "C", 2),
        (100, "C", "G", 3),
    ]
    assert {(r["original_pos"], r["original_ref"], tuple(r["original_alts"])) for r in rows} == {
        (100, "CAA", ("C", "CA", "GAA"))
    }
    assert [(r["allele_count"], r["allele_frequency"]) for r in rows] == [(1, 0.1), (2, None), (3, 0.3)]
    assert all(r["depth"] == 9 and r["allele_number"] == 8 and r["qual"] == 50.5 for r in rows)
    assert all(r["ids"] == ["rs1", "rs2"] and r["filters"] == ["q10", "s50"] for r in rows)


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        ("A", "T", (10, "A", "T")),
        ("acgt", "aggt", (11, "C", "G")),
        ("ATTT", "AT", (10, "ATT", "A")),  # the end goes first, so what repeats stays on the left
        ("AT", "ATTT", (10, "A", "ATT")),
        ("GCACA", "GCA", (10, "GCA", "G")),
        ("AC", "GT", (10, "AC", "GT")),
        ("A", "<DEL>", (10, "A", "<DEL>")),
        ("AT", "*", (10, "AT", "*")),
        ("T", "TCC[chr2:5[", (10, "T", "TCC[chr2:5[")),
        ("T", "]HLA-A*01:01:5]T", (10, "T", "]HLA-A*01:01:5]T")),
        ("T", "TA.", (10, "T", "TA.")),
        ("AN", "RN", (10, "A", "R")),
    ],
)
def test_alleles_come_out_in_their_shortest_form(
    variants: Any, ref: str, alt: str, expected: tuple[int, str, str]
) -> None:
    (row,) = variants(f"chr1 10 . {ref} {alt} . . .")
    assert (row["pos"], row["ref"], row["alt"]) == expected
    assert (row["original_ref"], row["original_alts"]) == (ref, [alt])


@pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed")
def test_shortest_forms_are_those_of_bcftools_norm(variants: Any, tmp_path: Path) -> None:
    reference = tmp_path / "ref.fa"
    reference.write_text(">chr1\nGATTACAGATTACACCGTGTGA\n")
    # Placed as far to the left as they go, so that the reference has nothing to add.
    records = (
        "chr1 1 . GATTAC G,GATTAG,TATTAC . . .",
        "chr1 7 . AG A,AGG,CG,AC . . .",
        "chr1 15 . CCGTGT CCGT,C . . .",
    )
    content = vcf(*records).replace(b"#CHROM", b"##contig=<ID=chr1>\n#CHROM")
    (tmp_path / "in.vcf").write_bytes(content)
    norm = ["bcftools", "norm", "-m-", "-f", str(reference), str(tmp_path / "in.vcf")]
    text = subprocess.run(norm, capture_output=True, text=True, check=True).stdout
    expected = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    rows = variants(*records)
    assert sorted((r["pos"], r["ref"], r["alt"]) for r in rows) == sorted((int(x[1]), x[3], x[4]) for x in expected)


def test_a_record_without_alt_gives_one_row(variants: Any) -> None:
    (row,) = variants("chr1 10 . A . . . DP=3;PERR=7")
    assert (row["alt"], row["alt_index"], row["original_alts"]) == (None, None, None)
    assert (row["depth"], row["info_integers"]) == (3, {"PERR": [7]})


def test_missing_is_null_and_never_an_empty_string(variants: Any) -> None:
    rows = variants(
        "chr1 10 . A C . . .",
        "chr1 11 . A C . PASS DP=.;ANY=.;WORDS=.,.;TEXT=.",
        "chr1 12 . A C . 0 ANY=1,.,3;WORDS=a,,b",
    )
    assert {name for name, value in rows[0].items() if value is not None} == {
        *("chrom", "pos", "ref", "alt", "alt_index", "original_pos", "original_ref", "original_alts", "end")
    }
    assert (rows[1]["filters"], rows[1]["depth"]) == (["PASS"], None)
    assert rows[1]["info_integers"] == {"ANY": None}
    assert rows[1]["info_strings"] == {"WORDS": None, "TEXT": None}
    assert rows[2]["info_integers"] == {"ANY": [1, None, 3]}
    assert rows[2]["info_strings"] == {"WORDS": ["a", None, "b"]}


def test_fields_of_each_allele_are_cut_and_others_stay_whole(variants: Any) -> None:
    rows = variants("chr1 10 . A C,G . . PERA=x,.;PERR=1,2,3;PERG=1,2,3,4,5,6;TWO=0.5,1e-3")
    assert [r["info_strings"] for r in rows] == [{"PERA": ["x"]}, {"PERA": None}]
    assert [r["info_integers"] for r in rows] == [{"PERR": [1, 2]}, {"PERR": [1, 3]}]
    assert [r["info_floats"] for r in rows] == [{"PERG": [1, 2, 3, 4, 5, 6], "TWO": [0.5, 0.001]}] * 2


def test_numbers_keep_what_the_text_says(variants: Any) -> None:
    (row,) = variants("chr1 10 . A C 1e-320 . ANY=-5,+7,42949672950;TWO=-Inf,.5")
    assert row["qual"] == 1e-320
    assert row["info_integers"] == {"ANY": [-5, 7, 42949672950]}
    assert row["info_floats"] == {"TWO": [-math.inf, 0.5]}
    (row,) = variants("chr1 10 . A C NaN . TWO=nan,infinity")
    assert math.isnan(row["qual"])
    assert math.isnan(row["info_floats"]["TWO"][0])


def test_flags_are_listed_and_a_value_of_theirs_is_kept(variants: Any) -> None:
    rows = variants("chr1 10 . A C . . DB;NEW", "chr1 11 . A C . . DB=0", "chr1 12 . A C . . DP=1;")
    assert [r["info_flags"] for r in rows] == [["DB", "NEW"], ["DB"], None]
    assert rows[1]["info_strings"] == {"DB": ["0"]}


def test_undeclared_fields_are_undivided_strings_unless_the_specification_knows_them(read: Any) -> None:
    record = "1\t5\t.\tA\tC,G\t.\t.\tX=1,2;AC=3,4;AF=0.5,.;DP=many;END=9\tGT:AD:Y\t0/1:7,8,9:1,2\n"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    rows = read(f"##fileformat=VCFv4.2\n{columns}{record}".encode())
    assert [(r["allele_count"], r["allele_frequency"], r["depth"], r["end"]) for r in rows.variants] == [
        (3, 0.5, None, 9),
        (4, None, None, 9),
    ]
    assert rows.variants[0]["info_strings"] == {"X": ["1,2"], "DP": ["many"]}
    assert rows.variants[0]["info_integers"] == {"END": [9]}
    assert (rows.genotypes[0]["allele_depths"], rows.genotypes[0]["format_strings"]) == ([7, 8], {"Y": ["1,2"]})


def test_strings_of_one_value_are_not_split_and_clinvars_are_split_at_bars(variants: Any) -> None:
    (row,) = variants("chr1 10 . A C . . TEXT=a,b;WORDS=a,b;CLNDN=Cancer,_familial,_1|not_provided|.;CH=x")
    assert row["info_strings"] == {
        "TEXT": ["a,b"],
        "WORDS": ["a", "b"],
        "CLNDN": ["Cancer,_familial,_1", "not_provided", None],
        "CH": ["x"],
    }


def test_values_are_percent_decoded_from_version_4_3_on(variants: Any) -> None:
    record = "chr1 10 . A C . . TEXT=50%25%3A%3B%3D%2C%0A%3a%41;WORDS=a%2Cb,c"
    assert variants(record, version="4.3")[0]["info_strings"] == {"TEXT": ["50%:;=,\n%3a%41"], "WORDS": ["a,b", "c"]}
    assert variants(record)[0]["info_strings"]["WORDS"] == ["a%2Cb", "c"]


def test_the_end_is_info_end_unless_it_lies_before_the_record(variants: Any) -> None:
    rows = variants("chr1 10 . A <DEL> . . END=20", "chr1 10 . ACG C . . .", "chr1 10 . AC A . . END=3")
    assert [r["end"] for r in rows] == [20, 12, 11]
    assert [r["info_integers"] for r in rows] == [{"END": [20]}, None, {"END": [3]}]


def test_only_calls_that_carry_the_alt_or_are_missing_have_rows(genotypes: Any) -> None:
    rows = genotypes("C,G", "GT", "0/0", "0/1", "1|2", "./.", "0/.", "2/.", ".", "0", "2", "1/1/2")
    assert [(r["sample"], r["alt"], r["dosage"]) for r in rows] == [
        ("S1", "C", 1),
        ("S2", "C", 1),
        ("S2", "G", 1),
        ("S3", "C", None),
        ("S3", "G", None),
        ("S4", "C", None),
        ("S4", "G", None),
        ("S5", "C", None),
        ("S5", "G", None),
        ("S6", "C", None),
        ("S6", "G", None),
        ("S8", "G", 1),
        ("S9", "C", 2),
        ("S9", "G", 1),
    ]


@pytest.mark.parametrize(
    ("text", "alleles", "phased"),
    [
        ("0/1", [0, 1], False),
        ("1|1", [1, 1], True),
        ("0|1/1", [0, 1, 1], False),
        ("1", [1], None),
        ("./.", None, False),
        (".|1", [None, 1], True),
        ("|0|1", [0, 1], True),
        ("/0|1", [0, 1], False),
        ("/1", [1], None),
    ],
)
def test_genotypes_tell_alleles_and_phase(genotypes: Any, text: str, alleles: list[int], phased: bool) -> None:
    (row,) = genotypes("C", "GT", text, version="4.4")
    assert (row["genotype"], row["alleles"], row["phased"]) == (text, alleles, phased)


def test_format_fields_are_typed_and_cut_to_the_alt(genotypes: Any) -> None:
    rows = genotypes("C,G", "GT:AD:DP:GQ:PL:PS:FT:VAF:HQ:NOTE", "1|2:0,7,.:14:99:5,4,3,2,1,0:10:q10;s50:.,0.5:1,.:x,y")
    assert [r["allele_depths"] for r in rows] == [[0, 7], [0, None]]
    assert [r["format_floats"] for r in rows] == [{"VAF": None}, {"VAF": [0.5]}]
    for row in rows:
        assert (row["depth"], row["genotype_quality"], row["phase_set"]) == (14, 99, 10)
        assert row["genotype_likelihoods"] == [5, 4, 3, 2, 1, 0]
        assert row["sample_filters"] == ["q10", "s50"]
        assert row["format_integers"] == {"HQ": [1, None]}
        assert row["format_strings"] == {"NOTE": ["x,y"]}


def test_fields_that_a_call_drops_at_its_end_are_missing(genotypes: Any) -> None:
    (row,) = genotypes("C", "GT:DP:HQ", "0/1")
    assert (row["depth"], row["format_integers"]) == (None, {"HQ": None})


def test_a_record_without_gt_has_a_row_for_each_sample(genotypes: Any) -> None:
    rows = genotypes("C", "DP:HQ", "5:1,2", ".")
    assert [(r["genotype"], r["alleles"], r["dosage"], r["depth"]) for r in rows] == [
        (None, None, None, 5),
        (None, None, None, None),
    ]


def test_gt_need_not_come_first(genotypes: Any) -> None:
    (row,) = genotypes("C", "DP:GT", "5:0/1", "6:0/0")
    assert (row["genotype"], row["depth"], row["format_integers"]) == ("0/1", 5, None)


def test_a_field_that_is_not_as_declared_is_kept_as_text_and_reported(read: Any) -> None:
    rows = read(vcf("chr1 10 . A C . . DP=3.5;AC=1,2;TEXT", "chr1 11 . A C . . DP=7"))
    assert [r["depth"] for r in rows.variants] == [None, 7]
    assert rows.variants[0]["info_strings"] == {"DP": ["3.5"], "AC": ["1,2"]}
    assert rows.variants[0]["info_flags"] == ["TEXT"]
    assert rows.rejects == [
        {"line": 28, "field": "INFO/DP", "reason": "'3.5' is not an integer; kept as text", "text": "3.5"},
        {"line": 28, "field": "INFO/AC", "reason": "2 values, expected 1 (Number=A); kept as text", "text": "1,2"},
        {
            "line": 28,
            "field": "INFO/TEXT",
            "reason": "has no value, its type is String; kept as a flag",
            "text": "TEXT",
        },
    ]


def test_a_field_declared_without_values_is_a_flag_whatever_its_type(read: Any) -> None:
    declared = '##INFO=<ID=FR,Number=0,Type=Float,Description="">'
    rows = read(vcf("chr1 10 . A C . . FR;DP=3").replace(b"#CHROM", declared.encode() + b"\n#CHROM"))
    assert rows.variants[0]["info_flags"] == ["FR"]
    assert rows.rejects == []


def test_such_a_field_of_many_samples_is_reported_once_for_a_record(read: Any) -> None:
    rows = read(vcf("chr1 10 . A C . . . GT:DP 0/1:x 1/1:y", samples=("S0", "S1")))
    assert [r["format_strings"] for r in rows.genotypes] == [{"DP": ["x"]}, {"DP": ["y"]}]
    assert [(r["field"], r["reason"]) for r in rows.rejects] == [
        ("FORMAT/DP", "sample S0: 'x' is not an integer; kept as text")
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("chr1 10 . A C", "5 columns, the header has 10"),
        ("chr1 ten . A C . . . GT 0/1", "POS 'ten' is not a position"),
        ("chr1 -1 . A C . . . GT 0/1", "POS '-1' is not a position"),
        ("<a 10 . A C . . . GT 0/1", "CHROM '<a' is not a contig's name"),
        ("chr1 10 . . C . . . GT 0/1", "REF '.' is not a sequence of bases"),
        ("chr1 10 . A C,, . . . GT 0/1", "ALT '' is neither bases, nor <ID>, nor a breakend, nor *"),
        ("chr1 10 . A <DEL . . . GT 0/1", "ALT '<DEL' is neither bases, nor <ID>, nor a breakend, nor *"),
        ("chr1 10 . A C high . . GT 0/1", "QUAL: 'high' is not a number"),
        ("chr1 10 . A C . a;;b . GT 0/1", "FILTER 'a;;b' holds white space or an empty name"),
        ("chr1 10 . A C . . DP=1;DP=2 GT 0/1", "INFO has DP twice"),
        ("chr1 10 . A C . . DP=1;=2 GT 0/1", "INFO has an entry without a name: '=2'"),
        ("chr1 10 . A C . . . GT:GT 0/1", "FORMAT 'GT:GT' has a field twice, or one without a name"),
        ("chr1 10 . A C . . . GT 0/2", "sample S: GT '0/2' has allele 2, ALT has only 1"),
        ("chr1 10 . A C . . . GT 0/1/", "sample S: GT '0/1/' is malformed"),
        ("chr1 10 . A C . . . GT 0/1:5", "sample S: 2 values, FORMAT has 1"),
        ("chr1 10 . A C . . . GT ", "sample S: is empty"),
    ],
)
def test_a_record_that_cannot_be_read_is_rejected_with_line_and_reason(read: Any, record: str, reason: str) -> None:
    rows = read(vcf("chr1 9 . A C . . . GT 0/1", record, "chr1 11 . A C . . . GT 0/1", samples=("S",)))
    assert [r["pos"] for r in rows.variants] == [9, 11]
    assert [r["pos"] for r in rows.genotypes] == [9, 11]
    text = record.replace(" ", "\t")
    assert rows.rejects == [{"line": 29, "field": None, "reason": reason, "text": text}]
