"""The bytes of a tar from any offset on, and the index entries of the members that end in them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from batch_tools.archive_study.layout import Member, header, tar_size
from batch_tools.archive_study.objects_read import Digests, Facts, read_in_order
from genomics.contracts.archives import IndexEntry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def stream(
    s3: "S3Client", bucket: str, members: Iterable[Member], *, tar: str, start: int
) -> Iterator[bytes | IndexEntry]:
    """A tar's bytes from `start` on, with each member's entry after the last byte of its content.

    `members` are all those of this tar. Those that end before `start` are not read again; one that `start` lies in is
    read from its beginning, for its sum.
    """
    end, written = 0, start

    def unfinished() -> Iterator[Member]:
        nonlocal end
        for member in members:
            end = member.padded_end
            if member.end > start:
                yield member

    def wanted(position: int, content: bytes) -> bytes:
        """`content`, which lies at `position`, after the padding before it; nothing of what comes before `start`."""
        return bytes(max(0, position - written)) + content[max(0, written - position) :]

    facts: Facts | None = None
    digests, position = Digests({}), 0
    for piece in read_in_order(s3, bucket, unfinished()):
        member, content = piece.member, piece.content
        if piece.facts:
            facts, digests, position = piece.facts, Digests(piece.facts.checksums), member.start
            content = header(member) + content
        digests.update(piece.content)
        if kept := wanted(position, content):
            yield kept
        position += len(content)
        written = max(written, position)
        if piece.is_last and facts:
            yield _entry(member, tar, facts, sha256=digests.check(member))
    yield wanted(end, bytes(tar_size(end) - end))


def _entry(member: Member, tar: str, facts: Facts, *, sha256: str) -> IndexEntry:
    return IndexEntry(
        key=member.key,
        tar=tar,
        offset=member.offset,
        size=member.size,
        sha256=sha256,
        etag=member.etag,
        version_id=member.version_id,
        storage_class=member.storage_class,
        last_modified=member.last_modified,
        headers=facts.headers,
        metadata=facts.metadata,
        tags=facts.tags,
        verified_by=tuple(sorted(facts.checksums)),
    )
