"""Where bytes come from: objects in S3, read by ranges and pinned to one version."""

import functools
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from genomics.contracts import object_keys
from glue_jobs.vcf.errors import VcfError

_CHANGED = ("PreconditionFailed", "412")


class ByteSource(Protocol):
    """Random access to `size` bytes."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to, but not including, `end`."""


@dataclass(frozen=True)
class S3Source:
    """An object as it was when `etag` was seen: reading it after it was replaced raises VcfError."""

    uri: str
    size: int
    etag: str

    @classmethod
    def head(cls, uri: str) -> "S3Source":
        """The object as it is now; VcfError where there is none."""
        bucket, key = object_keys.parse(uri)
        try:
            found = s3_client().head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                raise VcfError("there is no such object; upload it first") from error
            raise
        return cls(uri, found["ContentLength"], found["ETag"])

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`, which may lie beyond the last."""
        end = min(end, self.size)
        if end <= start:
            return b""
        bucket, key = object_keys.parse(self.uri)
        try:
            reply = s3_client().get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}", IfMatch=self.etag)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CHANGED:
                raise VcfError("the object was replaced while it was being read; load it again") from error
            raise
        return bytes(reply["Body"].read())


@functools.cache
def s3_client() -> Any:
    """The process's client, for the environment's endpoint, region and credentials; it repeats failed requests."""
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 8}))
