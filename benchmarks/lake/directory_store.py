"""An S3 client whose buckets are directories: what the job does, without requests over HTTP."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from glue_jobs.vcf.sources import s3_client


class DirectoryStore:
    """The operations of a boto3 S3 client that readers and writers of the lake use. ETags are times of change."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def head_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803  (boto3's names)
        """Size and ETag."""
        found = self._path(Bucket, Key).stat()
        return {"ContentLength": found.st_size, "ETag": f'"{found.st_mtime_ns:x}"'}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        """The content, or a range of it."""
        first, _, last = Range.removeprefix("bytes=").partition("-")
        with self._path(Bucket, Key).open("rb") as file:
            file.seek(int(first or 0))
            return {"Body": io.BytesIO(file.read(int(last) - int(first) + 1 if last else -1))}

    def put_object(self, *, Bucket: str, Key: str, Body: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Write an object."""
        self._made(Bucket, Key).write_bytes(Body if isinstance(Body, bytes) else Body.read())
        return {}

    def upload_file(self, Filename: str, Bucket: str, Key: str, **_: Any) -> None:  # noqa: N803
        """Copy a file."""
        shutil.copyfile(Filename, self._made(Bucket, Key))

    def upload_fileobj(self, Fileobj: Any, Bucket: str, Key: str, **_: Any) -> None:  # noqa: N803
        """Copy an open file."""
        with self._made(Bucket, Key).open("wb") as file:
            shutil.copyfileobj(Fileobj, file)

    def _path(self, bucket: str, key: str) -> Path:
        return self._root / bucket / key

    def _made(self, bucket: str, key: str) -> Path:
        path = self._path(bucket, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def used(root: Path) -> Iterator[None]:
    """Have the lake's readers and writers, in this process and those forked from it, take that directory for S3."""
    real = boto3.client
    boto3.client = lambda *_args, **_options: DirectoryStore(root)  # type: ignore[assignment]
    s3_client.cache_clear()
    try:
        yield
    finally:
        boto3.client = real
        s3_client.cache_clear()
