"""Any cut of a file gives the same rows, and a damaged file one clear error."""

import gzip
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.reader import RangeReader, open_vcf
from glue_jobs.vcf.text import ByteRange

_HEADER = b"""##fileformat=VCFv4.2
##INFO=<ID=NOTE,Number=1,Type=String,Description="">
##FORMAT=<ID=GT,Number=1,Type=String,Description="">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""
_BLOCK_MAGIC = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x40\0"


def content(records: int = 60, longest: int = 3000) -> bytes:
    """Records with lines of very different lengths; every 9th is rejected, every 20th followed by an empty line."""
    choice = random.Random(5).choice  # noqa: S311 - test data
    lines = []
    for i in range(records):
        position = "x" if i % 9 == 4 else str(100 + i)
        note = "n" * choice([1, 10, 100, longest])
        lines.append(f"chr{1 + i // 40}\t{position}\t.\tA\tC,AT\t.\t.\tNOTE={note}\tGT\t0/1\t{i % 3}/2\n")
        if i % 20 == 19:
            lines.append("\n")
    return _HEADER + "".join(lines).encode()


@pytest.fixture(scope="module")
def whole(read: Callable[..., Any]) -> Any:
    rows = read(content())
    assert (len(rows.variants), len(rows.rejects)) == (106, 7)
    assert [reject["line"] for reject in rows.rejects] == [9, 18, 28, 37, 47, 56, 65]
    return rows


@pytest.mark.parametrize("pieces", [1, 2, 7, 50, 400])
@pytest.mark.parametrize("block", [23, 700, 1 << 14])
def test_any_number_of_ranges_of_bgzf_gives_the_same_rows(
    read: Any, bgzf: Any, whole: Any, pieces: int, block: int
) -> None:
    assert read(bgzf(content(), block=block), pieces=pieces) == whole


@pytest.mark.parametrize("pieces", [1, 2, 7, 50, 400])
def test_any_number_of_ranges_of_plain_text_gives_the_same_rows(read: Any, whole: Any, pieces: int) -> None:
    assert read(content(), pieces=pieces) == whole


@settings(max_examples=25, deadline=None)
@given(cuts=st.sets(st.integers(1, 15_000), min_size=1, max_size=12), block=st.integers(11, 5000))
def test_any_place_to_cut_gives_the_same_rows(read: Any, bgzf: Any, whole: Any, cuts: set[int], block: int) -> None:
    packed = bgzf(content(), block=block)
    assert read(packed, cuts=[cut for cut in cuts if cut < len(packed)]) == whole
    assert read(content(), cuts=cuts) == whole


def test_a_line_may_be_longer_than_several_ranges(read: Any, bgzf: Any) -> None:
    text = content(records=4, longest=700_000)
    assert max(map(len, text.split(b"\n"))) > 700_000
    rows = read(text)
    for block in (1000, 60_000):
        assert read(bgzf(text, block=block, level=0), pieces=40) == rows
    assert read(text, pieces=40) == rows


def test_lines_may_end_in_carriage_returns_and_a_header_in_the_middle_of_a_block(read: Any, bgzf: Any) -> None:
    text = content().replace(b"\n", b"\r\n")
    assert read(bgzf(text, block=len(_HEADER) + 100), pieces=9) == read(content())


def test_a_header_that_ends_with_its_block_leaves_the_first_record_to_the_first_range(read: Any, bgzf: Any) -> None:
    packed = bgzf(_HEADER)[:-28] + bgzf(content()[len(_HEADER) :], block=300)
    for pieces in (1, 3, 30):
        assert read(packed, pieces=pieces) == read(content())


def test_what_only_looks_like_the_beginning_of_a_block_is_passed_over(read: Any, bgzf: Any) -> None:
    note = b"NOTE=" + _BLOCK_MAGIC.replace(b"\n", b"") * 30
    text = content().replace(b"NOTE=n\t", note + b"\t")
    assert text.count(_BLOCK_MAGIC) > 300
    packed = bgzf(text, block=800, level=0)
    rows = read(packed)
    assert any(reject["reason"] == "is not UTF-8 text" for reject in rows.rejects)
    assert read(packed, pieces=50) == rows


def test_a_forged_chain_of_blocks_is_noticed(read: Any, bgzf: Any, bytes_source: Any) -> None:
    forged = bgzf(b"forged\n" * 40, block=60)
    text = content() + b"chr9\t1\t.\tA\tC\t.\t.\tNOTE=" + forged + b"\tGT\t0/1\t0/1\n"
    packed = bgzf(text, block=60_000, level=0)
    inside = packed.index(forged) - 3
    assert read(packed).is_joined
    with pytest.raises(VcfError, match="damaged"):
        read(packed, cuts=[inside])
    parts = [ByteRange(0, inside), ByteRange(inside, len(packed))]
    source = bytes_source(packed)
    file = open_vcf(source)
    before, after = (RangeReader(source, file, part) for part in parts)
    assert sum(batch.variants.num_rows for batch in before) == 106
    with pytest.raises(VcfError):
        list(after)
    assert before.next != after.first


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        lambda text: gzip.compress(text[:500]) + gzip.compress(text[500:]),
        lambda text: gzip.compress(text) + b"\0" * 1000,
        lambda text: gzip.compress(b"", mtime=0) + gzip.compress(text),
    ],
    ids=["one member", "two members", "padded", "empty member"],
)
def test_plain_gzip_is_read_whole(read: Any, whole: Any, pack: Callable[[bytes], bytes]) -> None:
    assert read(pack(content()), pieces=5) == whole


def test_a_compressed_file_need_not_end_in_a_line_break(read: Any, bgzf: Any, whole: Any) -> None:
    assert read(bgzf(content().rstrip()), pieces=3) == whole
    assert read(gzip.compress(content().rstrip())) == whole


def test_a_plain_files_last_line_without_break_may_be_cut_off_and_is_rejected(read: Any, whole: Any) -> None:
    rows = read(content().rstrip(), pieces=3)
    assert rows.variants == whole.variants[:-2]
    assert rows.rejects[-1]["reason"] == "the file's last line has no line break: it may be cut off"
    assert rows.rejects[-1]["line"] == 66


def test_a_header_without_records_gives_no_rows(read: Any, bgzf: Any) -> None:
    for packed in (_HEADER, bgzf(_HEADER), gzip.compress(_HEADER), bgzf(_HEADER.rstrip())):
        rows = read(packed, pieces=3)
        assert (rows.variants, rows.genotypes, rows.rejects) == ([], [], [])


def _flipped(packed: bytes, at: int) -> bytes:
    return packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:-28], "truncated: BGZF's end-of-file block is missing"),
        (lambda b: b[:-40], "truncated: the compressed data ends too soon"),
        (lambda b: b[: len(b) // 2], "truncated: the compressed data ends too soon"),
        (lambda b: _flipped(b, len(b) // 2), "damaged at byte"),
        (lambda b: b + b"PK", "damaged at byte"),
    ],
    ids=["no end-of-file block", "end cut off", "half", "a flipped byte", "something appended"],
)
@pytest.mark.parametrize("pieces", [1, 4])
def test_damaged_bgzf_is_an_error(read: Any, bgzf: Any, damage: Any, message: str, pieces: int) -> None:
    with pytest.raises(VcfError, match=message):
        read(damage(bgzf(content())), pieces=pieces)


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (gzip.compress(content(), mtime=0)[:-9], "truncated: the compressed data ends too soon"),
        (_flipped(gzip.compress(content(), mtime=0), 300), "damaged gzip data"),
        (gzip.compress(content(), mtime=0) + b"PK", "damaged gzip data"),
        (b"", "is empty"),
        (b"PK\x03\x04zip", r"line 1: is not a VCF: it begins with 'PK\\x03\\x04zip'"),
        (gzip.compress(b"@SRR1 1\nACGT\n+\n", mtime=0), "line 1: is not a VCF: it begins with '@SRR1"),
        (zlib.compress(content()), "line 1: is not a VCF"),
        (b"chr1\t1\t.\tA\tC\t.\t.\t.\n", "line 1: is not a VCF: it begins with 'chr1"),
        (b"##fileformat=VCFv4.2\nchr1\t1\t.\tA\tC\t.\t.\t.\n", "line 2: the header has no #CHROM line before"),
        (b"##fileformat=VCFv4.2\n##x=y\n", "the header has no #CHROM line"),
        (_HEADER.rstrip(), "line 4: the header's last line has no line break"),
        (_HEADER.replace(b"POS", b"Pos"), "line 4: column 2 must be POS, found 'Pos'"),
        (_HEADER.replace(b"\tINFO", b""), "line 4: column 8 must be INFO, found 'FORMAT'"),
        (_HEADER.replace(b"S2", b"S1"), "line 4: sample 'S1' stands there twice"),
        (_HEADER.replace(b"S2", b""), "line 4: a sample has no name"),
        (_HEADER.replace(b"S2", b"\xe9"), "line 4: sample names are not UTF-8"),
        (_HEADER.replace(b"v4.2", b"v3.3"), r"line 1: VCF version 3.3 cannot be read"),
        (_HEADER.replace(b"Number=1,", b"Number=x,"), "line 2: INFO field NOTE: Number is 'x'"),
        (_HEADER.replace(b"Number=1,", b""), "line 2: INFO field NOTE: has no Number"),
        (_HEADER.replace(b"Type=String", b"Type=Text"), "line 2: INFO field NOTE: Type is 'Text'"),
    ],
)
def test_what_is_not_a_whole_vcf_is_an_error_that_says_where(read: Any, packed: bytes, message: str) -> None:
    with pytest.raises(VcfError, match=message) as caught:
        read(packed)
    assert "\n" not in str(caught.value)
