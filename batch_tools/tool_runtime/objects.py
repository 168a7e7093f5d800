"""Objects in S3 as the runtime needs them: looked at, fetched, hashed, read as documents."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts import object_keys
from genomics.contracts.codec import loads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
_NOT_THERE = ("404", "NoSuchKey", "NotFound")


class MissingObjectError(ToolError):
    """An object is not there."""


@dataclass(frozen=True)
class Head:
    """Bytes and entity tag of an object, as S3 reports them."""

    size: int
    etag: str


def head(s3: "S3Client", uri: str) -> Head:
    """Look at an object; MissingObjectError if it is not there."""
    bucket, key = object_keys.parse(uri)
    try:
        answer = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        _raise_if_missing(uri, error)
        raise
    return Head(size=answer["ContentLength"], etag=answer["ETag"])


def read_document(s3: "S3Client", uri: str, kind: type[T]) -> T:
    """Read a contract's dataclass from JSON; MissingObjectError if it is not there, ContractError if it is not one."""
    bucket, key = object_keys.parse(uri)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        _raise_if_missing(uri, error)
        raise
    return loads(kind, body, where=uri)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _raise_if_missing(uri: str, error: ClientError) -> None:
    if error.response.get("Error", {}).get("Code") in _NOT_THERE:
        raise MissingObjectError(f"{uri} is not there") from error
