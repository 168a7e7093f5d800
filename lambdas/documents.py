"""Contracts kept as JSON objects in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from genomics.contracts import codec, object_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

# Requests in flight at once: most of a planner's time is spent waiting for small answers.
PARALLEL_REQUESTS = 32


def s3_client() -> S3Client:
    """A client that may be shared by as many threads as there are parallel requests."""
    return boto3.client(
        "s3", config=Config(max_pool_connections=PARALLEL_REQUESTS, retries={"mode": "standard", "max_attempts": 5})
    )


def read(s3: S3Client, kind: type[T], uri: str) -> T:
    """Read a document; ContractError names one that is absent or has another shape."""
    if (document := find(s3, kind, uri)) is None:
        raise codec.ContractError(f"{uri} is not there")
    return document


def find(s3: S3Client, kind: type[T], uri: str) -> T | None:
    """Read a document, or None where there is none."""
    bucket, key = object_keys.parse(uri)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return codec.loads(kind, body, where=uri)


def write(s3: S3Client, value: Any, uri: str) -> str:
    """Write a document; returns its URI."""
    bucket, key = object_keys.parse(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=codec.dumps(value).encode(), ContentType="application/json")
    return uri


def is_absent(error: ClientError) -> bool:
    """Whether S3 says that there is no such object; it says 403 instead to a reader who may not list the bucket."""
    return error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound")
