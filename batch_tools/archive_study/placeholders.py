"""Placeholders: what stands at the keys of a study that is in the archive, and how originals give way to them."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from botocore.exceptions import ClientError

from genomics.contracts.archives import (
    PLACEHOLDER_ARCHIVE,
    PLACEHOLDER_MEMBER,
    PLACEHOLDER_STUDY,
    PLACEHOLDER_TAR,
    Archive,
    Exchange,
    IndexEntry,
    is_vcf,
)
from genomics.contracts.object_keys import uri, vcf_copy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

# An archive class, so that a read of it is refused, and a file gateway logs that it was.
STORAGE_CLASS: Final = "GLACIER"
COPY_STORAGE_CLASS: Final = "STANDARD_IA"
_REQUESTS = 32
_CHANGED = ("PreconditionFailed", "412", "NoSuchKey", "404")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Placeholders:
    """Those of one archive."""

    s3: "S3Client"
    archive: Archive

    def exchange(self, entries: Iterable[IndexEntry]) -> Exchange:
        """Put a placeholder at the key of each member and remove the version that was archived, for good.

        What was written or deleted since the archive was planned stays as it is. May be done again at any time.
        """
        counts = {True: 0, False: 0}
        for replaced in concurrently(self._exchange, entries):
            counts[replaced] += 1
        return Exchange(replaced=counts[True], changed=counts[False])

    def keep_copies(self, entries: Iterable[IndexEntry]) -> None:
        """Copy the VCFs to where they stay queryable for a time."""
        for _ in concurrently(self._copy, (entry for entry in entries if is_vcf(entry.key))):
            pass

    def current(self, key: str) -> "HeadObjectOutputTypeDef | None":
        """What stands at the key, if anything does."""
        try:
            return self.s3.head_object(Bucket=self.archive.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CHANGED:
                return None
            raise

    def is_one(self, found: "HeadObjectOutputTypeDef | None") -> bool:
        """Whether what stands at a key is a placeholder of this archive."""
        return found is not None and found["Metadata"].get(PLACEHOLDER_ARCHIVE) == self.archive.archive_id

    def _exchange(self, entry: IndexEntry) -> bool:
        if not self._put(entry) and not self.is_one(self.current(entry.key)):
            _log.warning("%s has changed since it was archived and stays", entry.key)
            return False
        self.s3.delete_object(Bucket=self.archive.bucket, Key=entry.key, VersionId=entry.version_id)
        return True

    def _put(self, entry: IndexEntry) -> bool:
        """Put the placeholder where the archived version is still the current one; False if it is not."""
        study = self.archive.study
        tar = uri(self.archive.bucket, entry.tar)
        text = f"{entry.key} is archived in {tar}: genomics restore {study} brings it back\n"
        metadata = {
            PLACEHOLDER_STUDY: study,
            PLACEHOLDER_ARCHIVE: self.archive.archive_id,
            PLACEHOLDER_TAR: quote(tar, safe=":/"),
            PLACEHOLDER_MEMBER: f"offset={entry.offset};size={entry.size}",
        }
        try:
            self.s3.put_object(
                Bucket=self.archive.bucket,
                Key=entry.key,
                Body=text.encode(),
                ContentType="text/plain",
                StorageClass=STORAGE_CLASS,
                Metadata=metadata,
                IfMatch=entry.etag,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _CHANGED:
                return False
            raise
        return True

    def _copy(self, entry: IndexEntry) -> None:
        bucket = self.archive.bucket
        target = vcf_copy(self.archive.study, self.archive.archive_id, entry.key)
        if (found := self.current(target)) and found["ContentLength"] == entry.size:
            return
        source: Any = {"Bucket": bucket, "Key": entry.key, "VersionId": entry.version_id}
        self.s3.copy(CopySource=source, Bucket=bucket, Key=target, ExtraArgs={"StorageClass": COPY_STORAGE_CLASS})


def concurrently(function: Any, items: Iterable[Any]) -> Iterator[Any]:
    """Answers of `function` in the order of `items`, of which a few are taken ahead."""
    waiting = []
    with ThreadPoolExecutor(_REQUESTS) as threads:
        for item in items:
            waiting.append(threads.submit(function, item))
            if len(waiting) >= 4 * _REQUESTS:
                yield waiting.pop(0).result()
        for answer in waiting:
            yield answer.result()
