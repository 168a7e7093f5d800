"""Bring a study's members back from tars that can be read, to their own keys, as they were."""

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from batch_tools.archive_study.in_flight import InFlight
from batch_tools.archive_study.index import read_index
from batch_tools.archive_study.objects_read import RANGE_BYTES, REQUESTS_AHEAD
from batch_tools.archive_study.placeholders import Placeholders, concurrently
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.objects import MissingObjectError, read_document
from genomics.contracts import codec, object_keys
from genomics.contracts.archives import Archive, IndexEntry, Restored, RestoreRequest, part_size

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_log = logging.getLogger(__name__)


def run(*, request: RestoreRequest, s3: "S3Client", directory: Path) -> tuple[Restored, ...]:
    """Restore every archive of the request; `directory` takes an index.

    A key that holds something else than its placeholder is left alone: its original never gave way, or is back by an
    earlier attempt, or it was written since. ToolError if a tar cannot be read yet, or a member is not what was
    archived; its placeholder then stays. Memory is bounded by what is on its way: 128 MiB, or one part of a member.
    """
    return tuple(_restore(s3, uri, directory / "index") for uri in request.archives)


def _restore(s3: "S3Client", uri: str, path: Path) -> Restored:
    archive = read_document(s3, uri, Archive)
    document = object_keys.uri(archive.bucket, object_keys.archive_restored(archive.study, archive.archive_id))
    try:
        return read_document(s3, document, Restored)
    except MissingObjectError:
        s3.download_file(Bucket=archive.bucket, Key=archive.index, Filename=str(path))
    members = Members(s3, archive, Placeholders(s3, archive))
    counts = {True: 0, False: 0}
    for restored in concurrently(members.restore, read_index(path)):
        counts[restored] += 1
    _log.info("%s: %d restored, %d kept as they are", archive.archive_id, counts[True], counts[False])
    found = Restored(counts[True], counts[False], datetime.now(UTC).isoformat(timespec="milliseconds"))
    bucket, key = object_keys.parse(document)
    s3.put_object(Bucket=bucket, Key=key, Body=codec.dumps(found).encode(), ContentType="application/json")
    return found


@dataclass(frozen=True)
class Members:
    """The members of one archive."""

    s3: "S3Client"
    archive: Archive
    placeholders: Placeholders
    in_flight: InFlight = field(default_factory=lambda: InFlight(REQUESTS_AHEAD * RANGE_BYTES))

    def restore(self, entry: IndexEntry) -> bool:
        """Put a member in the place of its placeholder; False if the key holds neither of them."""
        found = self.placeholders.current(entry.key)
        if found is None or not self.placeholders.is_one(found):
            return found is not None and _is_member(found, entry)
        etag = found["ETag"]
        target: Any = {
            "Bucket": self.archive.bucket,
            "Key": entry.key,
            "StorageClass": entry.storage_class,
            "Metadata": dict(entry.metadata),
            **entry.headers,
        }
        if entry.tags:
            target["Tagging"] = urlencode(dict(entry.tags))
        if entry.size <= RANGE_BYTES:
            with self.in_flight.holding(entry.size):
                content = self._content(entry, 0, entry.size)
                _check(entry, hashlib.sha256(content).hexdigest())
                self.s3.put_object(**target, Body=content, IfMatch=etag)
        else:
            self._put_in_parts(entry, target, etag)
        self.s3.delete_object(Bucket=self.archive.bucket, Key=entry.key, VersionId=found["VersionId"])
        return True

    def _put_in_parts(self, entry: IndexEntry, target: Any, etag: str) -> None:
        which: Any = {"Bucket": target["Bucket"], "Key": target["Key"]}
        which["UploadId"] = self.s3.create_multipart_upload(**target)["UploadId"]
        digest = hashlib.sha256()
        parts: Any = []
        length = part_size(entry.size, at_least=RANGE_BYTES)
        try:
            for number, first in enumerate(range(0, entry.size, length), 1):
                last = min(first + length, entry.size)
                with self.in_flight.holding(last - first):
                    content = self._content(entry, first, last)
                    digest.update(content)
                    sent = self.s3.upload_part(**which, PartNumber=number, Body=content)
                    del content
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            _check(entry, digest.hexdigest())
        except BaseException:
            self.s3.abort_multipart_upload(**which)
            raise
        self.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts}, IfMatch=etag)

    def _content(self, entry: IndexEntry, first: int, last: int) -> bytes:
        if first == last:
            return b""
        bounds = f"bytes={entry.offset + first}-{entry.offset + last - 1}"
        try:
            return self.s3.get_object(Bucket=self.archive.bucket, Key=entry.tar, Range=bounds)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidObjectState":
                raise ToolError(
                    f"{entry.tar} cannot be read: it has not been restored, or not for long enough"
                ) from error
            raise


def _is_member(found: "HeadObjectOutputTypeDef", entry: IndexEntry) -> bool:
    """Whether an object is the member itself: the version that was archived, or one like it that has been put back."""
    there = (found["ContentLength"], found.get("StorageClass", "STANDARD"), found["Metadata"])
    return found["VersionId"] == entry.version_id or there == (entry.size, entry.storage_class, dict(entry.metadata))


def _check(entry: IndexEntry, sha256: str) -> None:
    if sha256 != entry.sha256:
        raise ToolError(f"{entry.key} in {entry.tar} has SHA-256 {sha256}, {entry.sha256} was archived: it is damaged")
