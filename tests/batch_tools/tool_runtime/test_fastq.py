import gzip
import os
from pathlib import Path

import pytest

from batch_tools.tool_runtime import fastq
from batch_tools.tool_runtime.fastq import FastqError, check_pairs, count_records


def records(count: int, *, end: str = "\n", suffix: str = "", length: int = 20) -> str:
    return "".join(end.join([f"@read{n}{suffix}", "ACGT" * (length // 4), "+", "I" * length, ""]) for n in range(count))


@pytest.fixture
def pair(tmp_path: Path):
    """Writes both mates and returns their paths; what is given as None is 10 sound records."""

    def write(first: str | bytes | None = None, second: str | bytes | None = None) -> tuple[Path, Path]:
        paths = tmp_path / "a_R1.fastq", tmp_path / "a_R2.fastq"
        for path, content in zip(paths, (first, second), strict=True):
            text = records(10) if content is None else content
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        return paths

    return write


def failure(paths: tuple[Path, Path]) -> str:
    with pytest.raises(FastqError) as caught:
        check_pairs(*paths)
    said, _, advice = str(caught.value).rpartition("; ")
    assert advice == "replace the file and start the run again"
    assert "\n" not in said
    return said


def test_sound_mates_are_counted(pair):
    assert check_pairs(*pair()) == 10


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (records(5, end="\r\n"), records(5)),
        (records(5, suffix="/1"), records(5, suffix="/2")),
        (records(5, suffix=" 1:N:0:ACGT"), records(5, suffix=" 2:N:0:ACGT")),
        (records(5) + "\n\n", records(5).rstrip("\n")),
        ("@a\n\n+\n\n" + records(4), "@a\nACGT\n+\nIIII\n" + records(4)),
        (records(4) + "@a\n\n+\n\n", records(4) + "@a\n\n+\n"),
        (records(5).replace("+\n", "+read\n").replace("@read", "@read"), None),
    ],
    ids=["crlf", "slash suffixes", "comments", "blank and open ends", "empty read", "empty read last", "other titles"],
)
def test_what_sequencers_write_is_accepted_or_named(pair, first, second):
    if second is None:
        assert failure(pair(first)) == "a_R1.fastq line 3: '+read' does not repeat the title '@read0'"
    elif second.endswith("+\n"):
        assert failure(pair(first, second)) == "a_R2.fastq line 17: truncated record"
    else:
        assert check_pairs(*pair(first, second)) == 5


def test_titles_repeated_below_the_sequence_are_accepted(pair):
    text = "".join(f"@read{n}\nACGT\n+read{n}\nIIII\n" for n in range(10))
    assert check_pairs(*pair(text)) == 10


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "a_R2.fastq line 1: the file is empty"),
        ("\n\n\n", "a_R2.fastq line 1: the file is empty"),
        (records(10)[:-3], "a_R2.fastq line 37: truncated record"),
        (records(10)[:-25], "a_R2.fastq line 37: truncated record"),
        (records(9) + "@read9\nACGT\n", "a_R2.fastq line 37: truncated record"),
        (records(9), "a_R2.fastq line 37: the file ends after 9 reads, its mate a_R1.fastq has 10"),
        (
            records(10).replace("@read3\n", ""),
            "a_R2.fastq line 13: expected a title that begins with '@', found 'ACGTACGTACGTACGTACGT'",
        ),
        (
            records(10).replace("+\n", "ACGT\n+\n"),
            "a_R2.fastq line 3: expected '+' below a sequence of one line, found 'ACGT'",
        ),
        (records(10).replace("@read5\nACGT", "@read5\nAC"), "a_R2.fastq line 24: 20 quality values for 18 bases"),
        (records(10).replace("@read5\nACGT", "@read5\nA GT"), "a_R2.fastq line 22: character ' ' in the sequence"),
        (
            records(10).replace("IIII\n@read6", "II\x7fI\n@read6"),
            "a_R2.fastq line 24: character '\\x7f' in the quality",
        ),
        (
            records(10).replace("@read7", "@other"),
            "a_R2.fastq line 29: read 'other' stands opposite 'read7' of a_R1.fastq; mates do not match",
        ),
        (records(10, suffix=" 1:N:0:A"), "a_R2.fastq line 1: '@read0 1:N:0:A' is mate 1, in the place of mate 2"),
    ],
)
def test_each_fault_is_one_line_with_file_and_line(pair, text, line):
    assert failure(pair(None, text)) == line


def test_missing_mates_far_into_the_files_are_counted_on_both_sides(pair):
    paths = pair(records(9000), records(20_000))
    assert failure(paths) == "a_R1.fastq line 36001: the file ends after 9000 reads, its mate a_R2.fastq has 20000"


def test_a_fault_far_into_the_file_has_the_right_line(pair):
    text = records(20_000).replace("@read12345\nACGT", "@read12345\nACG-")
    assert failure(pair(text, records(20_000))) == "a_R1.fastq line 49382: character '-' in the sequence"


@pytest.mark.parametrize("kept", [0.3, 0.999])
def test_truncated_gzip_is_named_with_the_line_where_it_ends(pair, kept):
    text = "".join(
        f"@read{n}\n{os.urandom(20).hex().translate(str.maketrans('0123456789abcdef', 'ACGT' * 4))}\n+\n{'I' * 40}\n"
        for n in range(2000)
    )
    packed = gzip.compress(text.encode())
    message = failure(pair(packed[: int(len(packed) * kept)], text))
    assert message.startswith("a_R1.fastq line ")
    assert message.endswith(": the gzip data ends early, the file is truncated")
    assert 1 < int(message.split("line ")[1].split(":")[0]) <= 8000


def test_damaged_gzip_is_named(pair):
    packed = bytearray(gzip.compress(records(2000).encode()))
    packed[len(packed) // 2] ^= 0xFF
    assert "the gzip data is damaged" in failure(pair(bytes(packed), records(2000)))


def test_gzip_is_known_by_its_content_and_may_have_several_members(pair):
    halves = gzip.compress(records(5).encode()) * 2
    paths = pair(halves, records(5) * 2)
    assert check_pairs(*paths) == 10
    assert count_records(*paths) == [10, 10]


def test_records_are_counted_without_a_last_line_end(pair):
    assert count_records(*pair(records(7).rstrip("\n"))) == [7, 10]


def test_batches_may_end_with_the_file(pair, monkeypatch):
    monkeypatch.setattr(fastq, "_RECORDS_PER_BATCH", 5)
    assert check_pairs(*pair()) == 10
    assert check_pairs(*pair(records(10) + "\n\n")) == 10
    assert "the file ends after 5 reads" in failure(pair(records(5)))


@pytest.mark.parametrize(
    ("qualities", "is_refused"),
    [("@@@@", False), ("hhhh", True), (";~~~", True), (":~~~", False), ("SSSS", False), ("#~~~", False)],
)
def test_qualities_of_another_encoding_are_refused(pair, qualities, is_refused):
    paths = pair(None, records(10).replace("IIII\n", f"{qualities}\n"))
    if is_refused:
        assert failure(paths).startswith("a_R2.fastq line 4: the qualities are Phred+64")
    else:
        assert check_pairs(*paths) == 10


def test_one_low_quality_anywhere_says_that_all_are_phred_33(pair):
    text = records(20_000).replace("I", "h")
    assert "Phred+64" in failure(pair(text, records(20_000)))
    assert check_pairs(*pair(text[:-3] + "#" + text[-2:], records(20_000))) == 20_000


def test_uracil_is_told_to_be_rna(pair):
    told = failure(pair(records(3).replace("ACGT", "ACGU")))
    assert told == "a_R1.fastq line 2: character 'U' in the sequence (RNA; DNA is expected)"
