"""Reading a study's objects in order, with requests for what comes next already on their way."""

import base64
import hashlib
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batch_tools.archive_study.layout import Member
from batch_tools.tool_runtime.errors import ToolError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Together they bound what is held in memory: 128 MiB.
RANGE_BYTES = 8 << 20
REQUESTS_AHEAD = 16

_HEADERS = ("ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl")
_CHECKSUMS = {"ChecksumSHA256": "sha256", "ChecksumSHA1": "sha1", "ChecksumCRC32": "crc32"}


@dataclass(frozen=True)
class Facts:
    """What S3 knows of an object beside its content. `checksums` are of the whole content: algorithm -> raw digest."""

    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    tags: Mapping[str, str]
    checksums: Mapping[str, bytes]


@dataclass(frozen=True)
class Piece:
    """Some consecutive bytes of a member; the first piece of a member comes with its facts."""

    member: Member
    content: bytes
    facts: Facts | None
    is_last: bool


@dataclass
class Digests:
    """Sums over a member's content, taken as it passes."""

    wanted: Mapping[str, bytes]
    sha256: Any = field(default_factory=hashlib.sha256)
    _others: dict[str, Any] = field(default_factory=dict)
    _crc32: int = 0

    def update(self, content: bytes) -> None:
        """Take the next bytes."""
        self.sha256.update(content)
        for name in self.wanted:
            if name == "crc32":
                self._crc32 = zlib.crc32(content, self._crc32)
            elif name != "sha256":
                self._others.setdefault(name, hashlib.new(name, usedforsecurity=False)).update(content)

    def check(self, member: Member) -> str:
        """SHA-256 in hex; ToolError if S3 has recorded another sum of the same content."""
        for name, expected in self.wanted.items():
            if name == "crc32":
                found = self._crc32.to_bytes(4, "big")
            elif name == "sha256":
                found = self.sha256.digest()
            else:
                found = self._others.get(name, hashlib.new(name, usedforsecurity=False)).digest()
            if found != expected:
                raise ToolError(
                    f"{member.key}: {name} is {found.hex()}, S3 has recorded {expected.hex()}: it is damaged"
                )
        return str(self.sha256.hexdigest())


def read_in_order(s3: "S3Client", bucket: str, members: Iterable[Member]) -> Iterator[Piece]:
    """All content of the members, piece by piece, in their order. ToolError if one is not as it was when planned."""
    waiting: deque[Future[Piece]] = deque()
    with ThreadPoolExecutor(REQUESTS_AHEAD) as threads:
        try:
            for member, first in _ranges(members):
                waiting.append(threads.submit(_fetch, s3, bucket, member, first))
                if len(waiting) >= REQUESTS_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for request in waiting:
                request.cancel()


def _ranges(members: Iterable[Member]) -> Iterator[tuple[Member, int]]:
    for member in members:
        yield from ((member, first) for first in range(0, max(member.size, 1), RANGE_BYTES))


def _fetch(s3: "S3Client", bucket: str, member: Member, first: int) -> Piece:
    which: Any = {"Bucket": bucket, "Key": member.key, "VersionId": member.version_id}
    last = min(first + RANGE_BYTES, member.size)
    is_whole = member.size <= RANGE_BYTES
    part: Any = {"ChecksumMode": "ENABLED"} if is_whole else {"Range": f"bytes={first}-{last - 1}"}
    try:
        answer: Any = s3.get_object(**which, **part, IfMatch=member.etag)
        content = answer["Body"].read()
        facts = None
        if first == 0:
            described: Any = answer if is_whole else s3.head_object(**which, ChecksumMode="ENABLED")
            facts = _facts(s3, which, described, tag_count=answer.get("TagCount", 0))
    except ClientError as error:
        raise ToolError(
            f"s3://{bucket}/{member.key} cannot be read: {error.response['Error'].get('Message')}"
        ) from error
    if len(content) != last - first:
        raise ToolError(f"s3://{bucket}/{member.key} has given {len(content)} bytes of {last - first}")
    return Piece(member, content, facts, is_last=last == member.size)


def _facts(s3: "S3Client", which: Any, answer: Mapping[str, Any], *, tag_count: int) -> Facts:
    tags = s3.get_object_tagging(**which)["TagSet"] if tag_count else []
    # A sum of parts' sums, with their count behind a dash, is not one of the content.
    sums = {name: answer[field] for field, name in _CHECKSUMS.items() if answer.get(field) and "-" not in answer[field]}
    checksums = {name: base64.b64decode(value) for name, value in sums.items()}
    etag = answer["ETag"].strip('"')
    # S3 User Guide, "Checking object integrity": an entity tag is the MD5 unless parts or KMS had a hand in it.
    if "-" not in etag and not str(answer.get("ServerSideEncryption", "")).startswith("aws:kms"):
        checksums["md5"] = bytes.fromhex(etag)
    return Facts(
        headers={name: answer[name] for name in _HEADERS if answer.get(name)},
        metadata=dict(answer.get("Metadata") or {}),
        tags={tag["Key"]: tag["Value"] for tag in tags},
        checksums=checksums,
    )
