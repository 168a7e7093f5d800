"""Which versions of which objects go into an archive, and where: decided once, and then read by every attempt."""

import gzip
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batch_tools.archive_study.layout import Member, placed, tar_size
from batch_tools.archive_study.placeholders import concurrently
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.objects import MissingObjectError, read_document
from genomics.contracts import codec, object_keys
from genomics.contracts.archives import ARCHIVE_CLASSES, ArchiveRequest, is_archived_kind

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Plan:
    """Written last, when the list of members is there. `tars` are their sizes in bytes."""

    members: int
    content_bytes: int
    tars: tuple[int, ...]


def make_plan(s3: "S3Client", request: ArchiveRequest, path: Path) -> Plan:
    """Have the list of members at `path`, planned by this attempt or by an earlier one."""
    document = object_keys.archive_document(request.study, request.archive_id, "plan.json")
    listed = object_keys.archive_document(request.study, request.archive_id, "members.jsonl.gz")
    try:
        plan = read_document(s3, object_keys.uri(request.bucket, document), Plan)
    except MissingObjectError:
        plan = _write(placed(_members(s3, request), tar_bytes=request.tar_bytes), path)
        s3.upload_file(Filename=str(path), Bucket=request.bucket, Key=listed)
        s3.put_object(Bucket=request.bucket, Key=document, Body=codec.dumps(plan).encode())
        return plan
    s3.download_file(Bucket=request.bucket, Key=listed, Filename=str(path))
    return plan


def read_members(path: Path) -> Iterator[Member]:
    """The planned members, in order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield Member(**json.loads(line))


def _write(members: Iterable[Member], path: Path) -> Plan:
    ends: Counter[int] = Counter()
    count = content = 0
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        for member in members:
            lines.write(f"{codec.dumps(member)}\n")
            ends[member.tar] = member.padded_end
            count, content = count + 1, content + member.size
    return Plan(count, content, tuple(tar_size(ends[tar]) for tar in sorted(ends)))


def _members(s3: "S3Client", request: ArchiveRequest) -> Iterator[Member]:
    """Current versions, by key. What is in an archive class has been archived before, or was put there by somebody."""
    if s3.get_bucket_versioning(Bucket=request.bucket).get("Status") != "Enabled":
        raise ToolError(f"bucket {request.bucket} keeps no versions: an original could be lost while it is exchanged")
    before = datetime.fromisoformat(request.written_before)
    before = before if before.tzinfo else before.replace(tzinfo=UTC)
    keys = sorted(key for key in set(request.keys) if not key.startswith(request.prefixes))
    below = [_below(s3, request.bucket, prefix) for prefix in sorted(set(request.prefixes))]
    for member in heapq.merge(_at(s3, request.bucket, keys), *below, key=lambda member: member.key):
        is_old = member.last_modified < before.timestamp()
        if is_old and is_archived_kind(member.key) and member.storage_class not in ARCHIVE_CLASSES:
            yield member


def _below(s3: "S3Client", bucket: str, prefix: str) -> Iterator[Member]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for version in page.get("Versions", ()):
            if version["IsLatest"]:
                yield _member(version["Key"], version, size=version["Size"])


def _at(s3: "S3Client", bucket: str, keys: Sequence[str]) -> Iterator[Member]:
    def look(key: str) -> Member | None:
        try:
            head: Any = s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            # It was deleted since the study was looked through.
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return None
            raise
        return _member(key, head, size=head["ContentLength"])

    yield from (member for member in concurrently(look, keys) if member)


def _member(key: str, found: Any, *, size: int) -> Member:
    return Member(
        key=key,
        version_id=found["VersionId"],
        size=size,
        etag=found["ETag"],
        storage_class=found.get("StorageClass") or "STANDARD",
        last_modified=int(found["LastModified"].timestamp()),
    )
