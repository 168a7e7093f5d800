from __future__ import annotations

import re

import pytest

from genomics.contracts.demultiplexing import LaneSample, LaneSheet
from genomics.contracts.samples import SampleSheetError
from genomics.contracts.sequencer_sheets import read_sequencer_sheet
from lambdas.secondary.lane_sheets import lane_sheets
from lambdas.secondary.run_information import Read, RunInformation, RunInformationError, read_run_information

COLUMNS = "Sample_ID,Sample_Project,Lane,index,index2\n"


def run(*indexes: Read) -> RunInformation:
    return RunInformation("M1", "7", "FC", 2, (Read(151, False), *indexes, Read(101, False)))


DUAL = run(Read(10, True), Read(8, True))
REVERSED = run(Read(8, True), Read(8, True, is_reversed=True))


def cut(rows: str, of: RunInformation = DUAL, *, index2: str = "auto", version: int = 1) -> tuple[LaneSheet, ...]:
    title = "Data" if version == 1 else "BCLConvert_Data"
    sheet = read_sequencer_sheet(f"[{title}]\n{COLUMNS}{rows}".encode(), name="SampleSheet.csv")
    return lane_sheets(sheet, of, index2=index2)


def test_each_lane_has_its_own_samples_and_says_which_cycles_are_compared() -> None:
    first, second = cut("A,heart,,ACGTACGT,TTTTGGGG\nB,heart,2,GGGGACGT,AAAAGGGG\n")
    assert [sample.sample for sample in first.samples] == ["A"]
    assert [sample.sample for sample in second.samples] == ["A", "B"]
    assert (second.lane, second.read_structure) == (2, "151T8B2S8B101T")
    assert cut("A,heart,1,ACGTACGTAA,\n")[0].read_structure == "151T10B8S101T"
    assert cut("A,heart,2,,\n") == (LaneSheet(2, "151T10S8S101T", (LaneSample("A"),), "M1", "7", "FC"),)


@pytest.mark.parametrize(
    ("of", "version", "index2", "expected"),
    [
        # Illumina Knowledge 1800: forward in sheets of version 2 for BCL Convert on NovaSeq X, as read in those of 1.
        (REVERSED, 2, "auto", "CCCCAAAA"),
        (REVERSED, 1, "auto", "TTTTGGGG"),
        (DUAL, 2, "auto", "TTTTGGGG"),
        (REVERSED, 2, "as_written", "TTTTGGGG"),
        (DUAL, 1, "reverse_complement", "CCCCAAAA"),
    ],
)
def test_the_second_index_is_turned_as_the_instrument_reads_it(
    of: RunInformation, version: int, index2: str, expected: str
) -> None:
    (sample,) = cut("A,heart,1,ACGTACGT,TTTTGGGG\n", of, index2=index2, version=version)[0].samples
    assert (sample.index, sample.index2) == ("ACGTACGT", expected)


@pytest.mark.parametrize(
    ("rows", "of", "message"),
    [
        ("A,h,3,ACGT,\n", DUAL, ":3: Lane is 3, the run has 2 (RunInfo.xml); correct it"),
        ("A,h,,ACGT,\nB,h,2,ACGT,\n", DUAL, ":4: sample B has the index ACGT on lane 2, as A has on line 3"),
        ("A,h,1,ACGT,GG\nB,h,1,ACGT,GG\n", DUAL, ":4: sample B has the index ACGT+GG on lane 1, as A has on line 3"),
        ("A,h,,ACGT,\nA,h,1,GGGG,\n", DUAL, ":4: sample A is on lane 1 by line 3, too; give it one line for each lane"),
        (
            "A,h,1,ACGT,\nB,h,1,ACGTA,\n",
            DUAL,
            ":4: index of sample B has 5 bases, on lane 1 that of line 3 has 4; give all samples of a lane the same",
        ),
        ("A,h,1,ACGT,GG\nB,h,1,TTTT,\n", DUAL, ":4: index2 of sample B has 0 bases, on lane 1 that of line 3 has 2"),
        ("A,h,1,ACGT,\nB,h,1,,\n", DUAL, ":4: sample B has no index, and shares lane 1 with others; fill in index"),
        ("A,h,1,ACGTACGTACG,\n", DUAL, ":3: index of sample A has 11 bases, the run has read 10 (RunInfo.xml)"),
        (
            "A,h,1,ACGT,GG\n",
            run(Read(8, True)),
            ":3: index2 of sample A has 2 bases, the run has read 0 (RunInfo.xml);",
        ),
        ("A,h,1,ACGT,\n", run(), ":3: index of sample A has 4 bases, the run has read 0 (RunInfo.xml); leave it empty"),
    ],
)
def test_what_does_not_fit_is_named_by_its_line(rows: str, of: RunInformation, message: str) -> None:
    with pytest.raises(SampleSheetError, match=re.escape(f"SampleSheet.csv{message}")):
        cut(rows, of)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<RunInfo", "RunInfo.xml: is no XML"),
        (b"<RunInfo/>", "RunInfo.xml: holds no <Run>"),
        (
            b'<RunInfo><Run><Reads><Read NumCycles="x"/></Reads></Run></RunInfo>',
            "RunInfo.xml: NumCycles of <Read> is 'x', no number from 1",
        ),
        (
            b'<RunInfo><Run><Reads><Read NumCycles="76"/></Reads></Run></RunInfo>',
            "RunInfo.xml: lists 1 reads and 0 indexes; two reads",
        ),
    ],
)
def test_run_information_that_cannot_be_used_is_named(content: bytes, message: str) -> None:
    with pytest.raises(RunInformationError, match=re.escape(message)):
        read_run_information(content, name="RunInfo.xml")
