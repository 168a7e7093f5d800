"""A tar's bytes: what GNU tar and Python's reader take, and the same from every offset on."""

import io
import tarfile
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_tools.archive_study.layout import Member, header, placed, tar_size
from batch_tools.archive_study.objects_read import SUMS
from batch_tools.archive_study.tar_stream import stream
from batch_tools.archive_study.upload import cut
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts.archives import LARGEST_PART, MOST_PARTS, SMALLEST_PART, IndexEntry, part_size
from tests.batch_tools.archive_study.conftest import BUCKET, Study

SIZES = (0, 1, 511, 512, 513, 0, 100_000, 3)


@pytest.fixture
def members(study: Study) -> list[Member]:
    planned = []
    for number, size in enumerate(SIZES):
        key = f"small/{number}.bcl"
        study.put(key, bytes([number + 1]) * size)
        head = study.head(key)
        planned.append(Member(key, head["VersionId"], size, head["ETag"], "STANDARD", 1_700_000_000))
    return list(placed(planned, tar_bytes=1 << 40))


def streamed(study: Study, members: list[Member], start: int) -> tuple[bytes, list[str]]:
    content, keys = bytearray(), []
    for item in stream(study.s3, BUCKET, members, tar="t", start=start):
        if isinstance(item, IndexEntry):
            keys.append(item.key)
        else:
            content += item
    return bytes(content), keys


def test_the_stream_is_a_tar_of_the_planned_size(study: Study, members: list[Member]) -> None:
    content, keys = streamed(study, members, 0)
    assert len(content) == tar_size(members[-1].padded_end)
    assert keys == [member.key for member in members]
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        assert [(info.name, info.size, info.mtime) for info in opened] == [
            (member.key, member.size, member.last_modified) for member in members
        ]
        assert opened.getmembers()[3].offset_data == members[3].offset


def test_from_any_offset_on_the_bytes_are_the_same_and_no_entry_is_lost(study: Study, members: list[Member]) -> None:
    whole, every = streamed(study, members, 0)
    edges = {edge + by for m in members for edge in (m.start, m.offset, m.end, m.padded_end) for by in (-1, 0, 1)}
    for start in sorted(edges | {len(whole) - 1}):
        if not 0 <= start < len(whole):
            continue
        content, keys = streamed(study, members, start)
        assert content == whole[start:]
        ended_before = [member.key for member in members if member.end <= start]
        assert ended_before + keys == every


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 17))
def test_cut_parts_join_to_the_stream_and_an_entry_is_in_the_part_that_holds_its_end(
    lengths: list[int], part: int
) -> None:
    entries = [entry(str(number)) for number in range(len(lengths))]
    items: list[Any] = [item for n, length in enumerate(lengths) for item in (bytes([n]) * length, entries[n])]
    parts = list(cut(iter(items), part))
    assert b"".join(content for content, _ in parts) == b"".join(i for i in items if isinstance(i, bytes))
    assert all(len(content) == part for content, _ in parts[:-1])
    assert [e.key for _, found in parts for e in found] == [e.key for e in entries]
    ends = [sum(lengths[: n + 1]) for n in range(len(lengths))]
    for number, (_, found) in enumerate(parts):
        for each in found:
            assert max(0, ends[int(each.key)] - 1) // part == number


def entry(key: str) -> IndexEntry:
    return IndexEntry(key, "t", 0, 0, "", "", "", "STANDARD", 0)


@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=30), st.integers(1_000_000, 5_000_000))
def test_places_follow_each_other_and_tars_keep_their_limit(sizes: list[int], limit: int) -> None:
    found = list(
        placed((Member(f"k{n}", "v", size, "e", "STANDARD", 0) for n, size in enumerate(sizes)), tar_bytes=limit)
    )
    for left, right in pairwise(found):
        assert (right.tar, right.start) in {(left.tar, left.padded_end), (left.tar + 1, 0)}
    for tar in {member.tar for member in found}:
        held = [member for member in found if member.tar == tar]
        assert tar_size(held[-1].padded_end) <= limit or len(held) == 1


def test_a_header_takes_names_and_sizes_without_limit() -> None:
    member = Member("ü/" * 400 + "x", "v", 6 << 40, "e", "STANDARD", 0)
    info = tarfile.TarInfo.frombuf(header(member)[:512], "utf-8", "strict")
    assert info.type == tarfile.XHDTYPE
    assert len(header(member)) % 512 == 0


# S3 User Guide, "Amazon S3 multipart upload limits": 10,000 parts of 5 MiB to 5 GiB.
@pytest.mark.parametrize("size", [1, 5 << 20, 1 << 40, 5 << 40])
def test_parts_keep_the_limits_of_s3(size: int) -> None:
    part = part_size(size, at_least=1)
    assert SMALLEST_PART <= part <= LARGEST_PART
    assert -(-size // part) <= MOST_PARTS


# The check values of the CRC catalogue (https://reveng.sourceforge.io/crc-catalogue/all.htm) for CRC-64/NVME,
# CRC-32/ISO-HDLC and CRC-32/ISCSI; FIPS 180-4 and RFC 1321 for the others.
@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("crc64nvme", "ae8b14860a799888"),
        ("crc32", "cbf43926"),
        ("crc32c", "e3069283"),
        ("sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ("md5", "25f9e794323b453885f5181f1b624d0b"),
    ],
)
def test_sums_are_those_of_their_standards_however_the_bytes_come(name: str, digest: str) -> None:
    for pieces in ([b"123456789"], [b"1234", b"", b"56789"]):
        found = SUMS[name]()
        for piece in pieces:
            found.update(piece)
        assert found.digest().hex() == digest


def test_an_object_too_large_for_a_tar_is_named() -> None:
    with pytest.raises(ToolError, match="huge has 5497558138880 bytes, more than fit"):
        list(placed([Member("huge", "v", 5 << 40, "e", "STANDARD", 0)], tar_bytes=1 << 40))
