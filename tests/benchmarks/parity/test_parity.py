"""The benchmark of parity finds what is wrong, names it, and is not held up by any file."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.parity import verdicts
from benchmarks.parity.__main__ import counted, report
from benchmarks.parity.rows import Rows, misplaced, read_rows
from benchmarks.parity.verdicts import Outcome, Verdict, judge, judge_wrong, parts
from benchmarks.parity.workers import judged

_HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr1>
##INFO=<ID=DP,Number=1,Type=Integer,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""
_RECORDS = "".join(f"chr1\t{n}\t.\tA\tC,G\t9\tPASS\tDP={n}\tGT\t0/1\t./.\n" for n in range(1, 8))


@pytest.fixture(autouse=True)
def by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling what reads columns would take longer than all of this; that both read the same is tested elsewhere."""
    monkeypatch.setattr(verdicts, "read_rows", lambda content, **_: read_rows(content, by_columns=False))


@pytest.fixture
def right(tmp_path: Path) -> Path:
    path = tmp_path / "right.vcf"
    path.write_text(_HEADER + _RECORDS)
    return path


@pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed")
@pytest.mark.parametrize(
    ("table", "changed", "said"),
    [
        ("variants", {}, None),
        ("variants", {"qual": 8.0}, "QUAL"),
        ("variants", {"depth": None}, "DP"),
        ("variants", {"filters": None}, "FILTER"),
        ("genotypes", {"dosage": 2}, "dosage"),
        ("genotypes", {"phased": True}, "phased"),
    ],
)
def test_a_row_that_says_something_else_fails_the_file(
    right: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, changed: dict[str, Any], said: str | None
) -> None:
    def wrongly_read(content: bytes, **_: bool) -> Rows:
        rows = read_rows(content, by_columns=False)
        getattr(rows, table)[3].update(changed)
        return rows

    monkeypatch.setattr(verdicts, "read_rows", wrongly_read)
    verdict = judge(right, tmp_path)
    assert verdict.outcome is (Outcome.FAILS if said else Outcome.EQUAL)
    assert (said or "") in verdict.reason


def test_readers_that_differ_fail_the_file(right: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def differing(content: bytes, *, by_columns: bool) -> Rows:
        rows = read_rows(content, by_columns=False)
        rows.variants[0]["qual"] = float(by_columns)
        return rows

    monkeypatch.setattr(verdicts, "read_rows", differing)
    assert judge(right, tmp_path).reason == judge_wrong(right).reason != ""


@pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed")
def test_a_rejected_record_fails_a_file_that_no_reason_is_written_down_for(right: Path, tmp_path: Path) -> None:
    right.write_text(_HEADER + _RECORDS + "chr1\t9\t.\tA\tC\t.\t.\t.\tGT\t0/2\t0/0\n")
    verdict = judge(right, tmp_path)
    assert verdict == Verdict(Outcome.FAILS, "rejects a record: sample S1: GT '0/2' has allele 2, ALT has only 1")
    assert judge_wrong(right).outcome is Outcome.DIFFERS


def test_a_wrong_file_ends_as_an_error_as_rejects_or_as_its_rows(right: Path) -> None:
    assert judge_wrong(right) == Verdict(Outcome.EQUAL)
    right.write_text("chr1\t9\n")
    assert judge_wrong(right).reason.startswith("error: line 1: is not a VCF")


def test_a_row_at_another_place_is_found() -> None:
    rows = read_rows((_HEADER + _RECORDS).encode(), by_columns=False)
    assert misplaced(_HEADER + _RECORDS, rows) is None
    assert misplaced(_HEADER + _RECORDS.replace("chr1\t7", "chr1\t8"), rows) is not None
    del rows.variants[-1]
    assert misplaced(_HEADER + _RECORDS, rows) == "the file has 14, the rows 13"


def test_a_large_file_is_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(parts(_HEADER + _RECORDS)) == [(_HEADER + _RECORDS).encode()]
    monkeypatch.setattr(verdicts, "_CALLS_AT_ONCE", 6)
    found = [part.decode() for part in parts(_HEADER + _RECORDS)]
    assert all(part.startswith(_HEADER) for part in found)
    assert [part.count("\n") - _HEADER.count("\n") for part in found] == [3, 3, 1]
    assert "".join(part.removeprefix(_HEADER) for part in found) == _RECORDS


def _odd(path: Path, _: Path) -> Verdict:
    match path.name:
        case "late":
            time.sleep(60)
        case "dies":
            os._exit(3)
        case "raises":
            raise KeyError("GT")
    return Verdict(Outcome.EQUAL)


def test_a_file_that_is_late_dies_or_raises_fails_and_the_others_are_judged() -> None:
    names = ["a", "late", "b", "dies", "raises", "c"]
    found = {path.name: verdict for path, verdict in judged(map(Path, names), _odd, timeout=2)}
    assert list(found) == names
    assert {name for name, verdict in found.items() if verdict.outcome is Outcome.EQUAL} == {"a", "b", "c"}
    assert [found[name].reason for name in ("late", "dies", "raises")] == [
        "took more than 2 s",
        "the process died",
        "KeyError: 'GT'",
    ]


def test_the_report_has_a_line_for_each_file() -> None:
    found = {Path("d/a.vcf"): Verdict(Outcome.EQUAL), Path("d/b.vcf"): Verdict(Outcome.FAILS, "x|y")}
    assert counted(found) == "1 equal, 0 differs, with a reason, 1 fails"
    text = report({"right": found}, Path("d"))
    assert "| a.vcf | equal |  |" in text
    assert "| b.vcf | fails | x\\|y |" in text
