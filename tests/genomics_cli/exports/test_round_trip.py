"""A VCF, loaded and exported, holds the records that it held: compared with the input after `bcftools norm -m-`.

What an export cannot have, for the tables do not keep it (docs/data-model.md, "A VCF again"), is taken away on both
sides before they are compared, by `_call` and `_fields`.
"""

import gzip
import os
import random
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lake import directory_store
from benchmarks.parity.rows import Rows, read_rows, text_of
from benchmarks.parity.verdicts import REJECTED, UNREADABLE
from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import SCHEMA, LoadManifest
from genomics.contracts.runs import Artifact
from genomics_cli.exports.export import export_vcf
from genomics_cli.exports.headers import read_header
from genomics_cli.exports.records import RecordWriter
from glue_jobs.variants.parquet import Destination
from glue_jobs.variants.tasks import RangeTask, run
from glue_jobs.vcf.reader import open_vcf, ranges
from glue_jobs.vcf.sources import S3Source

_DATA = Path(os.environ.get("GENOMICS_SHARED_DATA", Path(__file__).parents[4] / "shared/data"))
# 24 million calls: more than a test should compare.
_TOO_LARGE = {"10k.chr22.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz"}
_SMALL = 20_000
_HOMOZYGOUS_REFERENCE = re.compile(r"[/|]?0(?:[/|]0)*")
_CODES = re.compile("%(3A|3B|3D|25|2C|0D|0A|09)")

_OTHER_ALTS = "bcftools norm does not split it, and values (Number A, R) of ALTs that a call does not have are not kept"
# Files whose records come out otherwise, and why.
DIFFERING = dict.fromkeys(("annots11.vcf", "passed_body_samples.vcf", "passed_body_samples_1.vcf"), _OTHER_ALTS)


def exported(text: str, rows: Rows) -> str:
    """The VCF that the rows of this one give."""
    header = read_header("".join(line + "\n" for line in text.splitlines() if line.startswith("#")))
    variants: dict[str, list[Any]] = defaultdict(list)
    genotypes: dict[str, list[Any]] = defaultdict(list)
    for row in rows.variants:
        variants[row["chrom"]].append(row)
    for row in rows.genotypes:
        genotypes[row["chrom"]].append(row)
    writer = RecordWriter(header)
    return header.text + "".join(
        line for chrom, own in variants.items() for line in writer.lines(chrom, own, genotypes[chrom])
    )


def records(text: str, scratch: Path) -> list[tuple[Any, ...]]:
    """The records of a VCF after `bcftools norm -m-`, sorted; as they stand where bcftools cannot read them."""
    scratch.write_text(text)
    words = ["bcftools", "norm", "-m-", "--no-version", str(scratch)]
    done = subprocess.run(words, capture_output=True, check=False)
    said = done.stdout.decode() if done.returncode == 0 else text
    decode = "##fileformat=VCFv4.3" in text or "##fileformat=VCFv4.4" in text
    return sorted((_record(line, decode=decode) for line in said.splitlines() if line and line[0] != "#"), key=repr)


def _record(line: str, *, decode: bool) -> tuple[Any, ...]:
    columns = line.split("\t")
    info = {key: value or "present" for key, _, value in (entry.partition("=") for entry in columns[7].split(";"))}
    formats = columns[8].split(":") if len(columns) > 8 else []
    calls = [_call(formats, text, decode=decode) for text in columns[9:]]
    return (columns[0], int(columns[1]), *columns[2:5], _number(columns[5]), columns[6], _fields(info, decode), calls)


def _call(formats: list[str], text: str, *, decode: bool) -> dict[str, str]:
    """Fields of a call. Of one that is homozygous for the reference nothing but that is in the tables."""
    values = dict(zip(formats, text.split(":"), strict=False))
    genotype = values.pop("GT", ".")
    if _HOMOZYGOUS_REFERENCE.fullmatch(genotype):
        return {"GT": "0/0"}
    return {"GT": genotype, **_fields(values, decode)}


def _fields(values: dict[str, str], decode: bool) -> dict[str, str]:
    """Fields that say something: one that is all missing may be left out. Numbers as numbers."""
    shown = {}
    for name, value in values.items():
        if set(value) <= {".", ","}:
            continue
        text = _CODES.sub(lambda match: chr(int(match[1], 16)), value) if decode else value
        shown[name] = ",".join(_number(part) for part in text.split(","))
    return shown


def _number(text: str) -> str:
    """The same for numbers that are equal in single precision, as BCF has them."""
    try:
        return f"{float(text):.6g}" if re.fullmatch(r"[-+0-9.eE]+|[-+]?(?i:inf|infinity|nan)", text) else text
    except ValueError:
        return text


def _files() -> list[Any]:
    said_right = [_DATA / "vcf", _DATA / "clinvar", _DATA / "secondary_truth", _DATA / "bad_inputs/ebi_vcf_validator"]
    names = sorted(path for directory in said_right for path in directory.rglob("*"))
    chosen = [
        path
        for path in names
        if re.search(r"\.(vcf|vcf\.gz|bcf)$", path.name)
        and ("bad_inputs" not in path.parts or path.name.startswith("passed"))
        and path.name not in {*UNREADABLE, *_TOO_LARGE}
    ]
    return [
        pytest.param(path, id=path.name, marks=[pytest.mark.slow] if path.stat().st_size > _SMALL or i % 25 else [])
        for i, path in enumerate(chosen)
    ]


@pytest.mark.shared_data
@pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed")
@pytest.mark.parametrize("path", _files())
def test_records_come_out_as_they_went_in(path: Path, tmp_path: Path) -> None:
    text = text_of(path)
    rows = read_rows(path.read_bytes(), by_columns=False)
    rejected = {reject["text"] for reject in rows.rejects if reject["field"] is None}
    kept = "".join(f"{line}\n" for line in text.splitlines() if line.strip() and line not in rejected)
    assert not rejected or path.name in REJECTED
    found = records(exported(text, rows), tmp_path / "out.vcf")
    expected = records(kept, tmp_path / "in.vcf")
    if path.name in DIFFERING:
        assert found != expected, f"{path.name} differs no longer: {DIFFERING[path.name]}"
    else:
        assert found == expected


_VCF = """##fileformat=VCFv4.3
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=AC,Number=A,Type=Integer,Description="">
##INFO=<ID=AF,Number=A,Type=Float,Description="">
##INFO=<ID=DB,Number=0,Type=Flag,Description="">
##INFO=<ID=TEXT,Number=1,Type=String,Description="">
##INFO=<ID=WORDS,Number=R,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="">
##FORMAT=<ID=FT,Number=1,Type=String,Description="">
##FORMAT=<ID=VAF,Number=A,Type=Float,Description="">
##contig=<ID=chr2>
##contig=<ID=chr10>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS 2
chr2\t10\trs1;rs2\tCAA\tC,CA,<DEL>\t50.5\tq10;s50\tDP=9;AC=1,.,3;AF=0.25,1e-07,0.5;DB;WORDS=a%2Cb,x,.,%25\tGT:AD:PL:FT:VAF\t\
1|2:4,5,6,.:1,2,3,4,5,6,7,8,9,10:q1;q2:0.5,0.25,.\t0/0
chr2\t11\t.\tA\t.\t.\t.\t.\tGT\t./.\t0/0
chr2\t12\t.\tA\tG\t1\tPASS\tTEXT=a,b%3Bc;NEW=x\tGT:AD\t0/1:3,4\t1/.:.
chr10\t5\t.\ta\t]chr2:9]a,*\t.\tPASS\tDP=1\tGT:VAF\t2:.,0.5\t0/0
""".replace("\t\\\n", "\t")


_FIELDS = """\
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##INFO=<ID=AC,Number=A,Type=Integer,Description="">
##INFO=<ID=AF,Number=A,Type=Float,Description="">
##INFO=<ID=END,Number=1,Type=Integer,Description="">
##INFO=<ID=DB,Number=0,Type=Flag,Description="">
##INFO=<ID=R,Number=R,Type=Integer,Description="">
##INFO=<ID=TWO,Number=2,Type=Float,Description="">
##INFO=<ID=WORDS,Number=.,Type=String,Description="">
##INFO=<ID=PERR,Number=R,Type=String,Description="">
##INFO=<ID=TEXT,Number=1,Type=String,Description="">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="">
##FORMAT=<ID=FT,Number=1,Type=String,Description="">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="">
##FORMAT=<ID=VAF,Number=A,Type=Float,Description="">
##FORMAT=<ID=PERR,Number=R,Type=String,Description="">
##FORMAT=<ID=TEXT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""
_VALUES = [".", "1", "-7", "1,2", "1,.", ".,.", "0.5", "1e-30,2", "x", "x,y", "x|y", "a%3Bb", "%25", "%2C,%3A",
           "99999999999", "1,2,3", "inf", "-0", "é", "q1;q2"]  # fmt: skip
_INFO = ["DP", "AC", "AF", "END", "DB", "R", "TWO", "WORDS", "TEXT", "CLNDN", "NEW"]
_FORMATS = ["GT", "GT:DP:AD:PL", "GT:FT:PS:VAF:TEXT:NEW", "DP:AD", "GT:PERR:DP"]
_GENOTYPES = ["0/0", "0|0", "0/1", "1|0", "./.", ".", "./1", "1", "0", "|0|1", "0/0/1"]
_ALTS = [".", "G", "G,T", "GA,*", "<DEL>", "g,]chr1:5]g", "<DUP>,C,T"]


def _random_line(choice: random.Random, position: int) -> str:
    alts = choice.choice(_ALTS)
    count = 0 if alts == "." else alts.count(",") + 1
    info = [f"{name}={choice.choice(_VALUES).replace(';', '')}" for name in choice.sample(_INFO, choice.randint(0, 5))]
    # As many values as its Number says: of one too many it is not known which ALT had it.
    info += [f"PERR={','.join(choice.choices(['x', '.', 'y%2C'], k=count + 1))}"]
    form = choice.choice(_FORMATS)
    calls = []
    for _ in range(2):
        genotype = choice.choice(_GENOTYPES if count else ["0/0", ".", "./."])
        words = {"GT": genotype, "PERR": ",".join(choice.choices(["x", "."], k=count + 1))}
        calls.append(":".join(words.get(name) or choice.choice(_VALUES) for name in form.split(":")))
    columns = ["chr1", str(position), choice.choice([".", "rs1", "a;b"]), choice.choice(["C", "CA", "c"]), alts]
    columns += [choice.choice([".", "0", "3.25", "1e-9"]), choice.choice([".", "PASS", "a;b"]), ";".join(info), form]
    return "\t".join([*columns, *calls])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 32), version=st.sampled_from(["4.2", "4.3"]))
def test_what_is_exported_is_read_as_the_same_rows(seed: int, version: str) -> None:
    choice = random.Random(seed)  # noqa: S311 - test data
    lines = [_random_line(choice, 10 * (number + 1)) for number in range(20)]
    text = f"##fileformat=VCFv{version}\n{_FIELDS}" + "".join(f"{line}\n" for line in lines)
    rows = read_rows(text.encode(), by_columns=False)
    again = read_rows(exported(text, rows).encode(), by_columns=False)
    assert [reject for reject in again.rejects if reject["field"] is None] == []
    assert [_in_any_order(row) for row in again.genotypes] == [_in_any_order(row) for row in rows.genotypes]
    assert [_in_any_order(row) for row in again.variants] == [_in_any_order(row) for row in rows.variants]


def _in_any_order(row: dict[str, Any]) -> dict[str, Any]:
    """Fields in the order of names; as text, in which NaN equals NaN."""
    ordered = {name: sorted(value.items()) if isinstance(value, dict) else value for name, value in row.items()}
    return {**{name: str(value) for name, value in ordered.items()}, "info_flags": sorted(row.get("info_flags") or [])}


def _load(directory: Path, content: bytes, *, header: str) -> None:
    """What the job leaves in the bucket `out`."""
    for name in ("in", "out"):
        (directory / name).mkdir(parents=True)
    (directory / "in/a.vcf").write_bytes(content)
    source = S3Source.head("s3://in/a.vcf")
    file = open_vcf(source)
    destination = Destination("out", "study/S1", "load", source.uri, "0" * 64, "run")
    (part,) = ranges(source, file, source.size)
    result = run(RangeTask(source, file, part, destination))
    assert result.problem is None
    tables = {written.table for written in result.files}
    files = {table: tuple(w.key for w in result.files if w.table == table) for table in tables}
    manifest = LoadManifest(
        "study/S1", Artifact(source.uri, "0" * 64, source.size), "run", SCHEMA, files, result.rows, header
    )
    key = directory / "out" / object_keys.load_manifest("study/S1")
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text(dumps(manifest))


def test_a_loaded_dataset_is_written_as_the_vcf_it_was(tmp_path: Path) -> None:
    path = tmp_path / "S1.vcf.gz"
    with directory_store.used(tmp_path / "s3"):
        _load(tmp_path / "s3", _VCF.encode(), header=_VCF[: _VCF.index("chr2\t10")])
    done = export_vcf(directory_store.DirectoryStore(tmp_path / "s3"), "out", "study/S1", path)
    assert gzip.decompress(path.read_bytes()).decode() == _VCF
    assert (done.records, done.samples, done.source) == (4, 2, "s3://in/a.vcf")
    with pysam.TabixFile(str(path)) as indexed:
        assert [line.split("\t")[1] for line in indexed.fetch("chr2", 10, 12)] == ["10", "11", "12"]
    assert sorted(found.name for found in tmp_path.iterdir()) == ["S1.vcf.gz", "S1.vcf.gz.tbi", "s3"]
