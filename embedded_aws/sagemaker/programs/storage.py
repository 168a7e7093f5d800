"""Tables and models in S3, as a program's role may read and write them."""

import functools
import io
from pathlib import Path
from typing import Any

import boto3
import pandas as pd

from genomics.ml.tabular.candidates import TableError

PARQUET = "x-application/vnd.amazon+parquet"


@functools.cache
def s3() -> Any:
    """The client."""
    make: Any = boto3.client
    return make("s3")


def split(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def keys(uri: str) -> list[str]:
    """The keys of all objects that begin with a URI, but for folders and marks of success."""
    bucket, prefix = split(uri)
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [item["Key"] for page in pages for item in page.get("Contents", ()) if item["Size"]]
    return [key for key in found if not key.endswith("/") and not key.rpartition("/")[2].startswith(("_", "."))]


def read_bytes(uri: str) -> bytes:
    """An object's content."""
    bucket, key = split(uri)
    content: bytes = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def write(uri: str, content: bytes | str) -> None:
    """Put an object."""
    bucket, key = split(uri)
    s3().put_object(Bucket=bucket, Key=key, Body=content.encode() if isinstance(content, str) else content)


def read_table(uri: str, content_type: str | None = None) -> pd.DataFrame:
    """All tables whose keys begin with a URI as one; TableError where there is none or one cannot be read."""
    bucket, _ = split(uri)
    found = keys(uri)
    if not found:
        raise TableError(f"no object begins with {uri}")
    return pd.concat([_table(f"s3://{bucket}/{key}", content_type) for key in found], ignore_index=True)


def _table(uri: str, content_type: str | None) -> pd.DataFrame:
    content = io.BytesIO(read_bytes(uri))
    try:
        if content_type == PARQUET or uri.endswith(".parquet"):
            return pd.read_parquet(content)
        compression: Any = "gzip" if content.getvalue()[:2] == b"\x1f\x8b" else None
        return pd.read_csv(content, compression=compression, low_memory=False)
    except (ValueError, OSError) as error:
        raise TableError(f"{uri} cannot be read as a table: {error}") from error


def download(uri: str, directory: Path) -> Path:
    """An object as a file of the same name."""
    path = directory / uri.rpartition("/")[2]
    path.write_bytes(read_bytes(uri))
    return path
