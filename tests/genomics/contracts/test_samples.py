from __future__ import annotations

import re
from pathlib import Path

import pytest

from genomics.contracts.samples import SampleSheetError, is_name, read_sample_sheet

HEADER = "patient,sample,lane,fastq_1,fastq_2\n"


def sheet(directory: Path, text: str) -> Path:
    path = directory / "samples.csv"
    path.write_text(text)
    return path


def test_rows_are_read_with_their_lines_and_paths_relative_to_the_sheet(tmp_path: Path) -> None:
    path = sheet(tmp_path, HEADER + "P1,S1,L001,a_1.fq.gz,s3://bucket/a_2.fq.gz\n\nP1,S1,L002,/d/b_1.fq,/d/b_2.fq\n")
    first, second = read_sample_sheet(path)
    assert (first.patient, first.sample, first.lane, first.line) == ("P1", "S1", "L001", 2)
    assert first.reads == (str(tmp_path / "a_1.fq.gz"), "s3://bucket/a_2.fq.gz")
    assert second.line == 4
    assert second.reads == ("/d/b_1.fq", "/d/b_2.fq")


def test_columns_may_come_in_any_order_with_others_between_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufefflane, sample ,sex,fastq_2,fastq_1,patient\nL1, S1 ,XX,r2,r1,P1\n"
    (row,) = read_sample_sheet(sheet(tmp_path, text))
    assert (row.sample, row.lane, Path(row.fastq_1).name, Path(row.fastq_2).name) == ("S1", "L1", "r1", "r2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: no column 'patient'; the header must hold patient,sample,lane,fastq_1,fastq_2"),
        ("patient,sample,fastq_1,fastq_2\n", ":1: no column 'lane'"),
        (HEADER, ": holds no sample"),
        (HEADER + "\n,,,,\n", ": holds no sample"),
        (HEADER + "P,S,L,r1\n", ":2: fastq_2 is empty"),
        (HEADER + "P,S,L,,r2\n", ":2: fastq_1 is empty"),
        (HEADER + "P,a b,L,r1,r2\n", ":2: sample 'a b' may hold letters, digits, '.', '_' and '-' only"),
        (HEADER + "P,../S,L,r1,r2\n", ":2: sample '../S' may hold"),
        (HEADER + "P,S,L#1,r1,r2\n", ":2: lane 'L#1' may hold"),
        (HEADER + "P,S,L,r1,r2\nP,S,L,r3,r4\n", ":3: sample S lane L is already on line 2"),
        (HEADER + "P,S,L1,r1,r2\nQ,S,L2,r3,r4\n", ":3: sample S belongs to patient P on line 2, here to Q"),
        (HEADER + "P,S,L1,r1,r2\nP,S,L2,r3,r1\n", "r1 is already used on line 2"),
        (HEADER + "P,S,L1,r1,r1\n", "r1 is already used on line 2"),
    ],
)
def test_what_cannot_be_used_is_named_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = sheet(tmp_path, text)
    with pytest.raises(SampleSheetError, match=re.escape(message)) as error:
        read_sample_sheet(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_sheet_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SampleSheetError, match=r"absent\.csv: cannot be read"):
        read_sample_sheet(tmp_path / "absent.csv")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\x1f\x8b\xff")
    with pytest.raises(SampleSheetError, match=r"binary\.csv: cannot be read"):
        read_sample_sheet(binary)


@pytest.mark.parametrize("text", ["", ".hidden", "-x", "a/b", "a b", "a\n", "ä", "x" * 65])
def test_these_are_no_names(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize("text", ["NA12878", "s.1_a-b", "0", "x" * 64])
def test_these_are_names(text: str) -> None:
    assert is_name(text)
