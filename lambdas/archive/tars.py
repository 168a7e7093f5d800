"""A study's tars in Deep Archive: which are to be restored, and whether they can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from genomics.contracts.archives import Archive, Restored, RestoreRequest
from lambdas import documents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import TierType

_COPY_IS_THERE = 'ongoing-request="false"'


def archives(s3: S3Client, bucket: str, study: str) -> Iterator[Archive]:
    """All archives of a study whose tars were verified, oldest first: from then on originals may have given way."""
    prefix = object_keys.study_archives(study)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    for archive_id in (p["Prefix"].removeprefix(prefix)[:-1] for page in pages for p in page.get("CommonPrefixes", ())):
        if found := documents.find(s3, Archive, object_keys.uri(bucket, object_keys.archive(study, archive_id))):
            yield found


def is_restored(s3: S3Client, archive: Archive) -> bool:
    """Whether the members of an archive are back."""
    uri = object_keys.uri(archive.bucket, object_keys.archive_restored(archive.study, archive.archive_id))
    return documents.find(s3, Restored, uri) is not None


def request_restore(s3: S3Client, archive: Archive, *, tier: TierType, days: int) -> None:
    """Have the tars of an archive copied out of Deep Archive; a copy that is there stays for `days` from now on."""
    for tar in archive.tars:
        try:
            s3.restore_object(
                Bucket=archive.bucket,
                Key=tar.key,
                RestoreRequest={"Days": days, "GlacierJobParameters": {"Tier": tier}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "RestoreAlreadyInProgress":
                raise


def are_readable(s3: S3Client, uris: Iterable[str]) -> bool:
    """Whether every tar of the archives at the URIs can be read."""
    found = (documents.read(s3, Archive, uri) for uri in uris)
    return all(_COPY_IS_THERE in _restore_header(s3, a.bucket, tar.key) for a in found for tar in a.tars)


def find_request(s3: S3Client, bucket: str, study: str, restore_id: str) -> RestoreRequest:
    """What a restore is to bring back."""
    return documents.read(s3, RestoreRequest, object_keys.uri(bucket, object_keys.restore_request(study, restore_id)))


def _restore_header(s3: S3Client, bucket: str, key: str) -> str:
    return s3.head_object(Bucket=bucket, Key=key).get("Restore", "")
