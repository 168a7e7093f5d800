"""Reading a study's objects in order, with requests for what comes next already on their way."""

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from anycrc import Model
from botocore.exceptions import ClientError

from batch_tools.archive_study.layout import Member
from batch_tools.tool_runtime.errors import ToolError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Together they bound what is held in memory: 128 MiB.
RANGE_BYTES = 8 << 20
REQUESTS_AHEAD = 16

_HEADERS = ("ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl")
# What S3's answers call sums.
_CHECKSUMS = {
    "ChecksumCRC64NVME": "crc64nvme",
    "ChecksumCRC32": "crc32",
    "ChecksumCRC32C": "crc32c",
    "ChecksumSHA1": "sha1",
    "ChecksumSHA256": "sha256",
}


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


class Sum(Protocol):
    """Of bytes that pass."""

    def update(self, data: bytes, /) -> object:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """The sum of all that were taken."""


class Crc:
    """A cyclic redundancy check by its name in the catalogue of anycrc."""

    def __init__(self, model: str, length: int) -> None:
        self._model, self._length = Model(model), length
        self._sum: int = self._model.calc(b"")

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        self._sum = self._model.calc(data, self._sum)

    def digest(self) -> bytes:
        """The sum, as S3 has it: the most significant byte first."""
        return self._sum.to_bytes(self._length, "big")


# S3 User Guide, "Checking object integrity in Amazon S3": CRC64NVME unless the writer chose another.
SUMS: Mapping[str, Callable[[], Sum]] = {
    "crc64nvme": lambda: Crc("CRC64-NVME", 8),
    "crc32": lambda: Crc("CRC32", 4),
    "crc32c": lambda: Crc("CRC32-ISCSI", 4),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}


class Digests:
    """Sums over a member's content, taken as it passes; `wanted` are those that S3 has of it: name -> raw digest."""

    def __init__(self, wanted: Mapping[str, bytes]) -> None:
        self._wanted = wanted
        self._sums = {name: SUMS[name]() for name in {"sha256", *wanted}}

    def update(self, content: bytes) -> None:
        """Take the next bytes."""
        for each in self._sums.values():
            each.update(content)

    def check(self, member: Member) -> str:
        """SHA-256 in hex; ToolError if S3 has recorded another sum of the same content."""
        for name, expected in self._wanted.items():
            if (found := self._sums[name].digest()) != expected:
                raise ToolError(
                    f"{member.key}: {name} is {found.hex()}, S3 has recorded {expected.hex()}: it is damaged"
                )
        return self._sums["sha256"].digest().hex()


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
    etag = answer["ETag"].strip('"')
    is_of_parts = "-" in etag
    # S3 User Guide, "Checking object integrity in Amazon S3": a composite sum is one of the parts' sums.
    kind = answer.get("ChecksumType", "COMPOSITE" if is_of_parts else "FULL_OBJECT")
    sums = {name: answer[field] for field, name in _CHECKSUMS.items() if answer.get(field) and kind == "FULL_OBJECT"}
    checksums = {name: base64.b64decode(value) for name, value in sums.items()}
    # The same page: an entity tag is the MD5 unless parts or KMS had a hand in it.
    if not is_of_parts and not str(answer.get("ServerSideEncryption", "")).startswith("aws:kms"):
        checksums["md5"] = bytes.fromhex(etag)
    return Facts(
        headers={name: answer[name] for name in _HEADERS if answer.get(name)},
        metadata=dict(answer.get("Metadata") or {}),
        tags={tag["Key"]: tag["Value"] for tag in tags},
        checksums=checksums,
    )
