from __future__ import annotations

import re

import pytest

from genomics.contracts.samples import SampleSheetError
from genomics.contracts.sequencer_sheets import SheetSample, read_sequencer_sheet

V1 = "[Header]\nIEMFileVersion,4\n[Reads]\n151\n151\n[Data]\n"
V2 = "[Header]\nFileFormatVersion,2\n[BCLConvert_Settings]\nAdapterRead1,AGATCGG\n[BCLConvert_Data]\n"
COLUMNS = "Lane,Sample_ID,index,index2,Sample_Project\n"


def read(text: str) -> tuple[SheetSample, ...]:
    return read_sequencer_sheet(text.encode(), name="SampleSheet.csv").samples


def test_both_versions_are_read_whatever_the_case_and_order_of_their_columns() -> None:
    expected = (SheetSample("S1", "heart", 2, "ACGT", "TTAG", 8), SheetSample("S2", "heart", None, "GGCC", "", 9))
    first = V1 + COLUMNS + "2,S1,acgt,TTAG,heart,,,\n,S2,GGCC,,heart\n,,,,\n"
    assert read(first) == expected
    second = "\ufeff" + V2 + "\nSample_ID,Sample_Project,Index2,Index,Lane\nS1,heart,TTAG,ACGT,2\nS2,heart,,GGCC,\n"
    assert [(row.sample, row.lane, row.index, row.index2) for row in read(second.replace("\n", "\r\n"))] == [
        (row.sample, row.lane, row.index, row.index2) for row in expected
    ]
    versions = [read_sequencer_sheet(text.encode(), name="s").version for text in (first, second.lstrip("\ufeff"))]
    assert versions == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": has no section [Data]; add it, with the columns"),
        ("[Header]\nFileFormatVersion,2\n[Data]\n", ": has no section [BCLConvert_Data]; add it"),
        (V1, ":6: no column Sample_ID; the header must hold Sample_ID, Sample_Project"),
        (V1 + "Sample_ID,index\n", ":7: no column Sample_Project"),
        (V1 + COLUMNS, ":6: the section lists no sample; add a line for each"),
        (V1 + "[Data]\n", ":7: [Data] is already on line 6; keep one of the two"),
        (V1 + COLUMNS + ",,ACGT,,heart\n", ":8: Sample_ID is empty; fill it in"),
        (V1 + COLUMNS + ",S1,ACGT,,\n", ":8: Sample_Project of sample S1 is empty; fill it in"),
        (V1 + COLUMNS + ",S 1,ACGT,,heart\n", ":8: Sample_ID 'S 1' may hold letters"),
        (V1 + COLUMNS + ",Undetermined,ACGT,,heart\n", ":8: Sample_ID Undetermined is kept for the reads of no sample"),
        (V1 + COLUMNS + "x,S1,ACGT,,heart\n", ":8: Lane 'x' is no number from 1; leave it empty for all lanes"),
        (V1 + COLUMNS + "0,S1,ACGT,,heart\n", ":8: Lane '0' is no number from 1"),
        (V1 + COLUMNS + ",S1,ACGN,,heart\n", ":8: index 'ACGN' holds other letters than A, C, G and T"),
        (V1 + COLUMNS + ",S1,,ACGT,heart\n", ":8: sample S1 has index2 and no index; fill in index"),
        (
            V1 + COLUMNS + "1,S1,ACGT,,heart\n2,S1,ACGT,,lung\n",
            ":9: sample S1 is of project lung here, of heart on line 8; give one of the two another name",
        ),
        (
            V2.replace("AdapterRead1,AGATCGG", "OverrideCycles,U7Y143;I8;I8;Y150") + COLUMNS,
            ":4: OverrideCycles U7Y143;I8;I8;Y150 is not supported",
        ),
        (
            V2 + "Sample_ID,Sample_Project,OverrideCycles\nS1,heart,Y151;N2I8;I8;Y151\n",
            ":7: OverrideCycles Y151;N2I8;I8;Y151 is not supported",
        ),
    ],
)
def test_what_cannot_be_used_is_named_by_file_and_line(text: str, message: str) -> None:
    with pytest.raises(SampleSheetError, match=re.escape(message)) as error:
        read(text)
    assert str(error.value).startswith("SampleSheet.csv:")
    assert "\n" not in str(error.value)


def test_masks_that_only_shorten_an_index_are_taken() -> None:
    text = V2 + "Sample_ID,Sample_Project,Index,OverrideCycles\nS1,heart,ACGTACGT,Y151;I8N2;N10;Y151\n"
    assert read(text)[0].index == "ACGTACGT"


def test_what_is_no_text_is_said() -> None:
    with pytest.raises(SampleSheetError, match="is no UTF-8 text"):
        read_sequencer_sheet(b"\xff\xfe[\x00", name="SampleSheet.csv")
