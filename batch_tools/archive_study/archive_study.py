"""Bring a study's BCL, FASTQ and VCF into the archive: plan, tar, verify, index, and only then give originals up."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batch_tools.archive_study.index import read_index, write_index
from batch_tools.archive_study.placeholders import Placeholders
from batch_tools.archive_study.planning import Plan, make_plan, read_members
from batch_tools.archive_study.tar_stream import stream
from batch_tools.archive_study.upload import TarUpload
from batch_tools.tool_runtime.objects import MissingObjectError, read_document
from genomics.contracts import codec, object_keys
from genomics.contracts.archives import PLACEHOLDER_STUDY, Archive, ArchiveRequest, Exchange, IndexEntry, Tar, part_size

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Where uploads are noted until the archive is finished.
_PARTS = "parts/"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The archive as verified, and what became of the originals."""

    archive: Archive
    exchange: Exchange


def run(*, request: ArchiveRequest, s3: "S3Client", directory: Path) -> Outcome | None:
    """Archive a study, or go on where an earlier attempt was killed; `directory` takes two lists of members.

    None if nothing of it is to be archived: there is no archive then.

    Memory is bounded by what is on its way: 128 MiB of reads and three parts of the upload. ToolError if an object has
    changed since it was planned, or S3 holds something else than what was sent; the originals are all there then.
    """
    if not (archive := _finished(s3, request, directory) or _make(s3, request, directory)):
        return None
    placeholders = Placeholders(s3, archive)
    placeholders.keep_copies(read_index(directory / "index"))
    exchange = placeholders.exchange(read_index(directory / "index"))
    _put(s3, request, "exchange.json", codec.dumps(exchange).encode())
    _remove_part_records(s3, request)
    return Outcome(archive, exchange)


def _finished(s3: "S3Client", request: ArchiveRequest, directory: Path) -> Archive | None:
    """The archive if an earlier attempt has verified it, with its index fetched."""
    document = object_keys.uri(request.bucket, object_keys.archive(request.study, request.archive_id))
    try:
        archive = read_document(s3, document, Archive)
    except MissingObjectError:
        return None
    s3.download_file(Bucket=request.bucket, Key=archive.index, Filename=str(directory / "index"))
    return archive


def _make(s3: "S3Client", request: ArchiveRequest, directory: Path) -> Archive | None:
    plan = make_plan(s3, request, directory / "members")
    if not plan.members:
        return None
    _log.info("%d members, %d bytes, %d tars", plan.members, plan.content_bytes, len(plan.tars))
    uploads = _uploads(s3, request, plan)
    tars = tuple(_send(upload, number, directory) for number, upload in enumerate(uploads, 1))
    unverified = write_index(_entries(uploads), read_members(directory / "members"), directory / "index")
    index = object_keys.archive_document(request.study, request.archive_id, "index.jsonl.gz")
    s3.upload_file(Filename=str(directory / "index"), Bucket=request.bucket, Key=index)
    archive = Archive(
        study=request.study,
        archive_id=request.archive_id,
        bucket=request.bucket,
        index=index,
        members=plan.members,
        content_bytes=plan.content_bytes,
        tars=tars,
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        unverified=unverified,
    )
    _put(s3, request, "archive.json", codec.dumps(archive).encode())
    return archive


def _uploads(s3: "S3Client", request: ArchiveRequest, plan: Plan) -> list[TarUpload]:
    return [
        TarUpload(
            s3=s3,
            bucket=request.bucket,
            key=object_keys.archive_tar(request.study, request.archive_id, number),
            documents=object_keys.archive_document(request.study, request.archive_id, f"{_PARTS}{number:03}/"),
            size=size,
            part_bytes=part_size(size, at_least=request.part_bytes),
            metadata={PLACEHOLDER_STUDY: request.study},
        )
        for number, size in enumerate(plan.tars, 1)
    ]


def _send(upload: TarUpload, number: int, directory: Path) -> Tar:
    def bytes_from(start: int) -> Iterator[bytes | IndexEntry]:
        _log.info("%s from byte %d of %d on", upload.key, start, upload.size)
        members = (member for member in read_members(directory / "members") if member.tar == number)
        return stream(upload.s3, upload.bucket, members, tar=upload.key, start=start)

    return upload.run(bytes_from)


def _entries(uploads: list[TarUpload]) -> Iterator[IndexEntry]:
    for upload in uploads:
        for number in range(1, upload.parts + 1):
            yield from upload.record(number).entries


def _put(s3: "S3Client", request: ArchiveRequest, name: str, body: bytes) -> None:
    key = object_keys.archive_document(request.study, request.archive_id, name)
    s3.put_object(Bucket=request.bucket, Key=key, Body=body, ContentType="application/json")


def _remove_part_records(s3: "S3Client", request: ArchiveRequest) -> None:
    prefix = object_keys.archive_document(request.study, request.archive_id, _PARTS)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=request.bucket, Prefix=prefix):
        if found := page.get("Contents"):
            keys = [{"Key": each["Key"]} for each in found]
            s3.delete_objects(Bucket=request.bucket, Delete={"Objects": keys, "Quiet": True})  # type: ignore[typeddict-item]
