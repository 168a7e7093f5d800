"""Entries of CSQ, BCSQ and ANN become rows of `consequences`: docs/data-model.md, rule by rule, and on real files."""

import gzip
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue_jobs.vcf.consequence_formats import ConsequenceFormat, Program, consequence_format
from glue_jobs.vcf.reader import open_vcf

Row = dict[str, Any]
_VEP = "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|HGVSp|Protein_position|SIFT|SIFT|FLAGS"
_CSQ = f"Consequence annotations from Ensembl VEP. Format: {_VEP}"
# The header that bcftools csq 1.16 writes.
_BCSQ = (
    "Local consequence annotation from BCFtools/csq, see http://samtools.github.io/bcftools/howtos/csq-calling.html "
    "for details. Format: Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change"
)
# And that of version 1.4.
_OLD_BCSQ = (
    "Local consequence annotation from BCFtools/csq. Format: "
    "'[*]consequence|gene|transcript|biotype[|strand|amino_acid_change|dna_change]' or, for consequences of variants "
    "split across multiple sites, a pointer to the record storing the consequences '@position'."
)
# snpEff, "Variant annotations in VCF format" 1.0, page 2.
_ANN = (
    "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | "
    "Feature_ID | Transcript_BioType | Rank | HGVS.c | HGVS.p | cDNA.pos / cDNA.length | CDS.pos / CDS.length | "
    "AA.pos / AA.length | Distance | ERRORS / WARNINGS / INFO'"
)
_HEADER = f"""##fileformat=VCFv{{version}}
##INFO=<ID=CSQ,Number=.,Type=String,Description="{{csq}}">
##INFO=<ID=BCSQ,Number=.,Type=String,Description="{_BCSQ}">
##INFO=<ID=ANN,Number=.,Type=String,Description="{_ANN}">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""


def vcf(*records: str, csq: str = _CSQ, version: str = "4.2") -> bytes:
    """A file of records, written as `REF ALT INFO`, all at chr1:100."""
    lines = ["\t".join(["chr1", "100", ".", ref, alt, ".", ".", info]) for ref, alt, info in map(str.split, records)]
    return (_HEADER.format(version=version, csq=csq) + "".join(f"{line}\n" for line in lines)).encode()


def told(row: Row) -> Row:
    """What a row says, without nulls and its place."""
    place = ("chrom", "pos", "ref", "alt", "alt_index", "original_pos", "field", "entry")
    return {name: value for name, value in row.items() if value is not None and name not in place}


@pytest.mark.parametrize("description", [_BCSQ, _OLD_BCSQ])
def test_bcftools_headers_of_any_version_tell_the_format(description: str) -> None:
    form = consequence_format("BCSQ", "String", description)
    assert form is not None
    assert [name.lower() for name in form.names] == [
        "consequence", "gene", "transcript", "biotype", "strand", "amino_acid_change", "dna_change",
    ]  # fmt: skip
    assert (form.program, form.least) == (Program.BCFTOOLS, 4)


@pytest.mark.parametrize(
    ("field", "kind", "description"),
    [
        ("ANN", "String", "Some annotation"),
        ("CSQ", "String", "Format: Allele||Consequence"),
        ("CSQ", "Integer", _CSQ),
        ("EFF", "String", _CSQ),
    ],
)
def test_other_fields_tell_no_format(field: str, kind: str, description: str) -> None:
    assert consequence_format(field, kind, description) is None


def test_an_entry_of_vep_is_a_row_with_all_its_subfields(read: Callable[..., Any]) -> None:
    entry = "T|missense_variant&splice_region_variant|MODERATE|KRAS|ENSG1|Transcript|ENST1|p.Lys5%3D|5-6|0.1|x|."
    rows = read(vcf(f"C T DP=3;CSQ={entry},T|intron_variant||||||||||", version="4.3"))
    first, second = rows.consequences
    assert (first["chrom"], first["pos"], first["ref"], first["alt"], first["alt_index"]) == ("chr1", 100, "C", "T", 1)
    assert [(row["field"], row["entry"], row["original_pos"]) for row in (first, second)] == [
        ("CSQ", 1, 100),
        ("CSQ", 2, 100),
    ]
    assert told(first) == {
        "allele": "T",
        "terms": ["missense_variant", "splice_region_variant"],
        "impact": "MODERATE",
        "gene_symbol": "KRAS",
        "gene_id": "ENSG1",
        "feature_type": "Transcript",
        "feature": "ENST1",
        "hgvs_p": "p.Lys5=",
        "protein_position": "5-6",
        "other_subfields": {"SIFT": "0.1", "SIFT_2": "x"},
    }
    assert told(second) == {"allele": "T", "terms": ["intron_variant"]}
    assert rows.rejects == []
    assert rows.variants[0]["info_strings"]["CSQ"][0] == entry.replace("%3D", "=")


@pytest.mark.parametrize(
    ("ref", "alt", "allele", "expected"),
    [
        # https://www.ensembl.org/info/docs/tools/vep/vep_formats.html: the first base goes where lengths differ
        ("CA", "C", "-", 1),
        ("C", "CTT", "TT", 1),
        ("CA", "C,CAT", "-", 1),
        ("CA", "C,CAT", "AT", 2),
        ("CA", "CT,CG", "CG", 2),
        ("CA", "C,*", "*", 2),
        ("G", "GACA,C", "GACA", 1),  # these do not begin with the same base
        ("C", "CTT", "CTT", 1),  # as it stands
        ("CAGG", "CTGG", "T", 1),  # --minimal
        ("CAGG", "CG", "-", 1),
        ("c", "t", "T", 1),
        ("C", "<DEL>", "deletion", 1),
        ("C", "C[chr2:5[", "translocation", 1),
        ("C", "T", ".", 1),
        ("C", "T,G", ".", None),
    ],
)
def test_an_allele_as_vep_writes_it_finds_its_alt(
    read: Callable[..., Any], ref: str, alt: str, allele: str, expected: int | None
) -> None:
    rows = read(vcf(f"{ref} {alt} CSQ={allele}|x||||||||||"))
    (row,) = rows.consequences
    assert row["alt_index"] == expected
    wanted = [variant for variant in rows.variants if variant["alt_index"] == expected]
    assert [row["pos"], row["ref"], row["alt"]] == (
        [wanted[0]["pos"], wanted[0]["ref"], wanted[0]["alt"]] if wanted else [100, ref, None]
    )


@pytest.mark.parametrize(
    ("number", "alt", "expected"),
    [("2", "T,G", 2), ("1", "T", 1), ("3", "T,G", None), ("x", "T,G", None), ("2", "G", None), ("", "T", 1)],
)
def test_without_alleles_alt_is_told_by_its_number(
    read: Callable[..., Any], number: str, alt: str, expected: int | None
) -> None:
    rows = read(vcf(f"C {alt} CSQ=x|{number}", csq="Format: Consequence|ALLELE_NUM"))
    assert [row["alt_index"] for row in rows.consequences] == ([expected] if expected else [])
    if not expected:
        (reject,) = rows.rejects
        assert reject["reason"] == f"its ALLELE_NUM {number!r} is none of ALT; not in consequences"


def test_a_number_tells_alts_apart_that_have_one_name(read: Callable[..., Any]) -> None:
    rows = read(vcf("CAA CA,CGA CSQ=-|x|1,G|x|2", "CAGAG CAG,CAG CSQ=AG|x|2", csq="Format: Allele|x|ALLELE_NUM"))
    assert [row["alt_index"] for row in rows.consequences] == [1, 2, 2]


@pytest.mark.parametrize(
    ("alt", "allele", "expected"),
    [("CTT", "CTT", 1), ("T,G", "G", 2), ("T,G", "G-C", 2), ("T,G", "G-chr1:7_A>T", 2), ("*,T", "*", 1)],
)
def test_an_allele_as_snpeff_writes_it_finds_its_alt(
    read: Callable[..., Any], alt: str, allele: str, expected: int
) -> None:
    subfields = f"{allele}|stop_gained&x|HIGH|G1|ENSG1|transcript|T1|protein_coding|2/9|c.5A>T|p.K2*|7/99|5/90|2/30||"
    (row,) = read(vcf(f"C {alt} ANN={subfields}")).consequences
    assert row["alt_index"] == expected
    assert told(row) == {
        "allele": allele,
        "terms": ["stop_gained", "x"],
        "impact": "HIGH",
        "gene_symbol": "G1",
        "gene_id": "ENSG1",
        "feature_type": "transcript",
        "feature": "T1",
        "biotype": "protein_coding",
        "hgvs_c": "c.5A>T",
        "hgvs_p": "p.K2*",
        "cdna_position": "7/99",
        "cds_position": "5/90",
        "protein_position": "2/30",
        # Of an exon or of an intron: it does not say which.
        "other_subfields": {"Rank": "2/9"},
    }


def test_entries_of_bcftools_may_be_short_behind_a_stop_or_told_elsewhere(read: Callable[..., Any]) -> None:
    info = "BCSQ=intron|G1||NMD,*missense|G1|T1|protein_coding|+|5K>5T|100C>T,@95"
    rows = read(vcf(f"C T {info}", "C T,G BCSQ=missense|G1|T1|protein_coding|+|5K>5T|95A>T+100C>G,intron|G1||NMD,@95"))
    assert [told(row) for row in rows.consequences[:3]] == [
        {"terms": ["intron"], "gene_symbol": "G1", "biotype": "NMD", "is_after_stop": False},
        {
            "terms": ["missense"],
            "gene_symbol": "G1",
            "feature": "T1",
            "biotype": "protein_coding",
            "is_after_stop": True,
            "other_subfields": {"strand": "+", "amino_acid_change": "5K>5T", "dna_change": "100C>T"},
        },
        {"is_after_stop": False, "told_at_pos": 95},
    ]
    assert [row["alt_index"] for row in rows.consequences] == [1, 1, 1, 2, None, None]


@pytest.mark.parametrize(
    ("info", "field", "text", "reason"),
    [
        ("CSQ=T|x||||||||||,T|x", "CSQ entry 2", "T|x", "2 subfields, the header describes 12"),
        ("CSQ=T|x||||||||||,", "CSQ entry 2", "", "no subfields, the header describes 12"),
        ("CSQ=G|x||||||||||", "CSQ entry 1", "G|x||||||||||", "allele 'G' is none of ALT"),
        ("BCSQ=intron|G1|", "BCSQ entry 1", "intron|G1|", "3 subfields, the header describes 7"),
        ("BCSQ=@here", "BCSQ entry 1", "@here", "'@here' is no @ and a position"),
        ("ANN=G|x||||||||||||||", "ANN entry 1", "G|x||||||||||||||", "allele 'G' is none of ALT"),
    ],
)
def test_entries_that_do_not_fit_are_rejected_and_the_others_kept(
    read: Callable[..., Any], info: str, field: str, text: str, reason: str
) -> None:
    rows = read(vcf("C T .", f"C T {info}"))
    (reject,) = rows.rejects
    assert (reject["line"], reject["field"], reject["text"]) == (7, f"INFO/{field}", text)
    assert reject["reason"] == f"{reason}; not in consequences"
    assert len(rows.consequences) == info.count(",")
    assert len(rows.variants) == 2


_ALLELES = ["C", "T", "CT", "CTT", "-", "TT", "*", ".", "", "<DEL>", "deletion", "t", "T-C", "G"]
_RECORDS = [
    ("C", "T"),
    ("C", "T,G"),
    ("CT", "C"),
    ("CT", "C,CTT"),
    ("C", "*,CT"),
    ("C", "."),
    ("C", "<DEL>"),
    ("c", "t"),
]
_TERMS = ["x", "a&b", "", ".", "a&&b", "&", "é", "a%3Bb%"]


def _random_entry(choice: random.Random, field: str) -> str:
    width = {"CSQ": 12, "BCSQ": choice.choice([4, 5, 7]), "ANN": 16}[field] + choice.choice([0] * 12 + [1, -1])
    values = [choice.choice(["", ".", "v", "0.5", "100C>T", "100C>G+7A>T"]) for _ in range(width - 2)]
    if field == "BCSQ":
        entry = "|".join([choice.choice(_TERMS), "g", *values])
        return choice.choice([entry] * 8 + [f"*{entry}", "@5", "@", "@x", "*", ".", ""])
    entry = "|".join([choice.choice(_ALLELES), choice.choice(_TERMS), *values])
    return choice.choice([entry] * 20 + [".", ""])


def _random_record(choice: random.Random) -> str:
    fields = choice.sample(["CSQ", "BCSQ", "ANN"], choice.randint(1, 3))
    entries = {field: [_random_entry(choice, field) for _ in range(choice.randint(1, 3))] for field in fields}
    ref, alt = choice.choice(_RECORDS)
    return f"{ref} {alt} DP=1;" + ";".join(f"{field}={','.join(own)}" for field, own in entries.items())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 32), version=st.sampled_from(["4.2", "4.3"]))
def test_odd_entries_give_the_same_rows_both_ways(rows_of: Any, seed: int, version: str) -> None:
    choice = random.Random(seed)  # noqa: S311 - test data
    content = vcf(*(_random_record(choice) for _ in range(40)), version=version)
    by_line, by_columns = (vars(rows_of(content, by_columns=way)) for way in (False, True))
    assert by_line["consequences"]
    assert by_columns == by_line


def _as_written(row: Row, form: ConsequenceFormat) -> list[str]:
    """The subfields of a row's entry, `.` for those that are empty."""
    if row["told_at_pos"]:
        return [f"@{row['told_at_pos']}"] + ["."] * (len(form.names) - 1)
    columns = {index: name for name, index in form.columns.items()}
    values = []
    for index, name in enumerate(form.names):
        value = row[columns[index]] if index in columns else (row["other_subfields"] or {}).get(name)
        values.append("&".join(value) if isinstance(value, list) else value or ".")
    return ["*" * bool(row["is_after_stop"]) + values[0], *values[1:]]


def _split(path: Path, form: ConsequenceFormat) -> list[list[str]]:
    """Position and subfields of each entry: as bcftools +split-vep gives them, of a field it does not know split."""
    if form.program is not Program.SNPEFF:
        words = [
            "bcftools",
            "+split-vep",
            "-a",
            form.field,
            "-d",
            "-A",
            "tab",
            "-f",
            f"%POS\t%{form.field}\n",
            str(path),
        ]
        lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
        return [line.split("\t") for line in lines]
    content = path.read_bytes()
    text = (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode()
    found = []
    for line in text.splitlines():
        columns = line.split("\t")
        info = dict(entry.partition("=")[::2] for entry in columns[7].split(";")) if not line.startswith("#") else {}
        entries = info[form.field].split(",") if form.field in info else []
        found += [[columns[1], *(subfield or "." for subfield in entry.split("|"))] for entry in entries]
    return found


@pytest.mark.shared_data
@pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed")
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        *((f"bcftools/split-vep.{which}.vcf", {"CSQ"}) for which in ("5", "6", "10", "gene-list", "select-tr-expr")),
        ("bcftools/split-vep.filter-missing-bt2098.vcf", {"CSQ"}),
        ("bcftools/split-vep.2.vcf", {"CSQ", "BCSQ"}),
        ("bcftools/split-vep.8.vcf", {"BCSQ"}),
        ("split-vep.vcf.gz", {"CSQ"}),
        pytest.param("643594.clinical.vcf.gz", {"CSQ", "ANN"}, marks=pytest.mark.slow),
        pytest.param("ashk-trio.vcf.gz", {"BCSQ"}, marks=pytest.mark.slow),
        pytest.param("gnomad.vcf", {"CSQ"}, marks=pytest.mark.slow),
        pytest.param("test.query.vcf.gz", {"CSQ"}, marks=pytest.mark.slow),
        pytest.param("test.vcf.gz", {"CSQ", "ANN"}, marks=pytest.mark.slow),
        pytest.param("test-haploidX.vcf.gz", {"CSQ"}, marks=pytest.mark.slow),
    ],
)
def test_rows_of_real_files_hold_what_split_vep_gives(
    shared_data: Path, rows_of: Any, bytes_source: Any, name: str, fields: set[str]
) -> None:
    path = shared_data / "vcf" / name
    content = path.read_bytes()
    formats = open_vcf(bytes_source(content)).header.consequences
    assert set(formats) == fields
    rows = rows_of(content, by_columns=True)
    left_out = [reject for reject in rows.rejects if " entry " in (reject["field"] or "")]
    assert len(left_out) == (3 if name == "643594.clinical.vcf.gz" else 0)
    assert all(reject["reason"].startswith("40 subfields, the header describes 44") for reject in left_out)
    for field, form in formats.items():
        short = [reject["text"].split("|")[:4] for reject in left_out if f"/{field} " in reject["field"]]
        own = [row for row in rows.consequences if row["field"] == field]
        found = [[str(row["original_pos"]), *_as_written(row, form)] for row in own]
        # bcftools prints a line of dots for a record without the field
        expected = [line for line in _split(path, form) if set(line[1:]) != {"."} and line[1:5] not in short]
        assert own
        assert found == expected
