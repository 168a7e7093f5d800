"""A tar's multipart upload, which a later attempt takes up where an earlier one was killed.

A part counts when S3 has it *and* its record lies beside the archive, with the same SHA-256; the record comes second
and holds the index entries of the members that end in the part. So whatever an attempt leaves behind, the next one goes
on after the last part that counts, and no member's entry is lost.
"""

import base64
import gzip
import hashlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.objects import MissingObjectError, read_document
from genomics.contracts import codec, object_keys
from genomics.contracts.archives import IndexEntry, Tar

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STORAGE_CLASS: Final = "DEEP_ARCHIVE"
# Parts on their way at once; each is held in memory.
_PARTS_AHEAD = 2

Stream = Callable[[int], Iterator[bytes | IndexEntry]]


@dataclass(frozen=True)
class PartRecord:
    """`sha256` of the part's bytes, base64 as S3 has it, and the members whose content ends in it."""

    sha256: str
    entries: tuple[IndexEntry, ...]


@dataclass(frozen=True)
class Begun:
    """An upload that was begun; it may be gone."""

    upload_id: str


@dataclass(frozen=True)
class TarUpload:
    """One tar: `size` bytes to `key`, in parts of `part_bytes`; `documents` is the prefix of what is noted of it."""

    s3: "S3Client"
    bucket: str
    key: str
    documents: str
    size: int
    part_bytes: int
    metadata: Mapping[str, str]

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return -(-self.size // self.part_bytes)

    def run(self, stream: Stream) -> Tar:
        """Bring the tar to S3 and verify it there; `stream(start)` gives its bytes from an offset on."""
        if found := self._finished():
            return found
        upload_id = self._begun() or self._begin()
        etags = self._counting(upload_id)
        if len(etags) < self.parts:
            start = len(etags) * self.part_bytes
            etags += self._send(upload_id, len(etags) + 1, stream(start))
        parts: Any = [
            {"PartNumber": number, "ETag": etag, "ChecksumSHA256": self.record(number).sha256}
            for number, etag in enumerate(etags, 1)
        ]
        self.s3.complete_multipart_upload(
            Bucket=self.bucket, Key=self.key, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
        if not (verified := self._finished()):
            raise ToolError(f"s3://{self.bucket}/{self.key} is not what was sent: its size or checksum differs")
        return verified

    def record(self, number: int) -> PartRecord:
        """The record of a part."""
        answer = self.s3.get_object(Bucket=self.bucket, Key=self._record_key(number))
        return codec.loads(PartRecord, gzip.decompress(answer["Body"].read()), where=self._record_key(number))

    def _finished(self) -> Tar | None:
        """The tar if it is there: with its size, its class, and the checksum that the records of its parts make."""
        try:
            head: Any = self.s3.head_object(Bucket=self.bucket, Key=self.key, ChecksumMode="ENABLED")
            sums = b"".join(base64.b64decode(self.record(n).sha256) for n in range(1, self.parts + 1))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return None
            raise
        # S3 User Guide, "Checking object integrity": the composite checksum is that of the parts' checksums.
        checksum = f"{base64.b64encode(hashlib.sha256(sums).digest()).decode()}-{self.parts}"
        # The count is not part of what every endpoint answers.
        found = f"{str(head.get('ChecksumSHA256', '')).partition('-')[0]}-{self.parts}"
        if (head["ContentLength"], head.get("StorageClass"), found) != (self.size, STORAGE_CLASS, checksum):
            return None
        return Tar(self.key, head["VersionId"], self.size, self.part_bytes, checksum)

    def _begun(self) -> str | None:
        """The upload of an earlier attempt, if it is still open."""
        try:
            begun = read_document(self.s3, object_keys.uri(self.bucket, f"{self.documents}upload.json"), Begun)
            self.s3.list_parts(Bucket=self.bucket, Key=self.key, UploadId=begun.upload_id, MaxParts=1)
        except MissingObjectError:
            return None
        except ClientError as error:
            # It is given up by the bucket's rule when it has been open for too long.
            if error.response["Error"]["Code"] == "NoSuchUpload":
                return None
            raise
        return begun.upload_id

    def _begin(self) -> str:
        upload_id = self.s3.create_multipart_upload(
            Bucket=self.bucket,
            Key=self.key,
            StorageClass=STORAGE_CLASS,
            ChecksumAlgorithm="SHA256",
            ContentType="application/x-tar",
            Metadata=dict(self.metadata),
        )["UploadId"]
        self._put(f"{self.documents}upload.json", codec.dumps(Begun(upload_id)).encode())
        return upload_id

    def _counting(self, upload_id: str) -> list[str]:
        """Entity tags of the parts that count, from the first to the last before a gap."""
        pages = self.s3.get_paginator("list_parts").paginate(Bucket=self.bucket, Key=self.key, UploadId=upload_id)
        sent: Any = {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}
        etags: list[str] = []
        for number in itertools.count(1):
            if number not in sent or not self._counts(number, sent[number]):
                return etags
            etags.append(sent[number]["ETag"])
        raise AssertionError

    def _counts(self, number: int, sent: Mapping[str, Any]) -> bool:
        size = min(self.part_bytes, self.size - (number - 1) * self.part_bytes)
        try:
            record = self.record(number)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return False
            raise
        return bool(sent["Size"] == size and sent.get("ChecksumSHA256", record.sha256) == record.sha256)

    def _send(self, upload_id: str, first: int, stream: Iterator[bytes | IndexEntry]) -> list[str]:
        """Send the parts from number `first` on; returns their entity tags."""
        waiting: deque[Future[str]] = deque()
        etags = []
        with ThreadPoolExecutor(_PARTS_AHEAD) as threads:
            for number, (content, entries) in enumerate(cut(stream, self.part_bytes), first):
                if len(waiting) == _PARTS_AHEAD:
                    etags.append(waiting.popleft().result())
                waiting.append(threads.submit(self._send_part, upload_id, number, content, entries))
            etags += [sent.result() for sent in waiting]
        return etags

    def _send_part(self, upload_id: str, number: int, content: bytes, entries: tuple[IndexEntry, ...]) -> str:
        sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
        answer = self.s3.upload_part(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=upload_id,
            PartNumber=number,
            Body=content,
            ChecksumSHA256=sha256,
        )
        self._put(self._record_key(number), gzip.compress(codec.dumps(PartRecord(sha256, entries)).encode(), mtime=0))
        return answer["ETag"]

    def _put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def _record_key(self, number: int) -> str:
        return f"{self.documents}parts/{number:05}.json.gz"


def cut(stream: Iterator[bytes | IndexEntry], part_bytes: int) -> Iterator[tuple[bytes, tuple[IndexEntry, ...]]]:
    """Parts of `part_bytes`, the last one shorter, each with the entries that came before its end was passed."""
    content, entries = bytearray(), list[IndexEntry]()
    for item in stream:
        if isinstance(item, IndexEntry):
            entries.append(item)
            continue
        rest = memoryview(item)
        while rest:
            # Only now: an entry may follow the byte that fills a part, and belongs to that part.
            if len(content) == part_bytes:
                yield bytes(content), tuple(entries)
                content, entries = bytearray(), []
            room = part_bytes - len(content)
            content += rest[:room]
            rest = rest[room:]
    yield bytes(content), tuple(entries)
