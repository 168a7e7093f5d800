"""The objects that a query reads and writes, as the caller, with a bounded cache of what has been read."""

import copy
import os
import shutil
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from embedded_aws.athena.catalog import Partition, Table
from embedded_aws.athena.errors import QueryError

_CACHE_BYTES = 8 << 30
_LISTED_ONE_BY_ONE = 4


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it."""

    bucket: str
    key: str
    etag: str
    size: int

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


class Cache:
    """Copies of objects on local disk, by content. The ones used longest ago make room."""

    def __init__(self, directory: Path, limit_bytes: int = _CACHE_BYTES) -> None:
        self._directory = directory
        self._limit = limit_bytes
        self._lock = threading.Lock()
        for partial in directory.glob(".*"):
            partial.unlink()
        self._sizes = {path.name: path.stat().st_size for path in directory.iterdir()}

    def path(self, stored: StoredObject) -> Path:
        """Where the object's copy is, or is to be put."""
        return self._directory / f"{stored.etag.strip(chr(34))}-{stored.size}"

    def add(self, path: Path, content: bytes) -> None:
        """Put a copy in its place."""
        partial = self._directory / f".{uuid.uuid4().hex}"
        partial.write_bytes(content)
        partial.replace(path)
        with self._lock:
            self._sizes[path.name] = len(content)
            if sum(self._sizes.values()) > self._limit:
                self._make_room()

    def _make_room(self) -> None:
        def last_used(name: str) -> float:
            try:
                return (self._directory / name).stat().st_mtime
            except FileNotFoundError:
                return 0.0

        for name in sorted(self._sizes, key=last_used):
            if sum(self._sizes.values()) <= self._limit * 3 // 4:
                return
            (self._directory / name).unlink(missing_ok=True)
            del self._sizes[name]


class Workspace:
    """One query's files: links into the cache that outlive its eviction, and what the query writes."""

    def __init__(self, s3: Any, cache: Cache, directory: Path, encryption: Mapping[str, str] | None = None) -> None:
        """`encryption` is Athena's EncryptionConfiguration for what the query writes."""
        self._s3, self._cache = s3, cache
        self._encryption = _put_arguments(encryption or {})
        self.directory = directory
        directory.mkdir(parents=True)

    def read_by(self, s3: Any | None) -> "Workspace":
        """The same with objects read by another client, if one is given."""
        if s3 is None:
            return self
        other = copy.copy(self)
        other._s3 = s3
        return other

    def clean(self) -> None:
        """Remove the query's files."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def listed_all(self, root: str, locations: Sequence[str]) -> list[list[StoredObject]]:
        """Data objects under each of a table's locations; many that lie below its `root` are listed at once."""
        if len(locations) <= _LISTED_ONE_BY_ONE or not all(_below(root, location) for location in locations):
            return [self.listed(location) for location in locations]
        by_directory: dict[str, list[StoredObject]] = {}
        for stored in self.listed(root):
            for directory in _parents(stored.uri):
                by_directory.setdefault(directory, []).append(stored)
        return [by_directory.get(location.rstrip("/"), []) for location in locations]

    def listed(self, location: str) -> list[StoredObject]:
        """Data objects under a location; names that start with `_` or `.` are hidden, as Hive has it."""
        bucket, prefix = split(location)
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        found: list[StoredObject] = []
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                found += [
                    StoredObject(bucket, item["Key"], item["ETag"], item["Size"])
                    for item in page.get("Contents") or ()
                    if item["Size"] and not _is_hidden(item["Key"][len(prefix) :])
                ]
        except ClientError as error:
            raise _refused(error, location) from error
        return found

    def local(self, stored: StoredObject) -> Path:
        """A file with the object's content, which stays as long as this workspace."""
        link = self.directory / "objects" / self._cache.path(stored).name
        if link.exists():
            return link
        link.parent.mkdir(exist_ok=True)
        for _ in range(3):
            path = self._cache.path(stored)
            if path.exists():
                self._ask(stored)
            else:
                self._cache.add(path, self.read(stored.bucket, stored.key))
            try:
                os.utime(path)
                os.link(path, link)
            except FileNotFoundError:  # made room meanwhile
                continue
            return link
        raise QueryError("GENERIC_INTERNAL_ERROR", f"cannot keep a copy of {stored.uri}")

    def new_file(self) -> Path:
        """A place for a file of the query's own."""
        directory = self.directory / "made"
        directory.mkdir(exist_ok=True)
        return directory / uuid.uuid4().hex

    def partitioned(self, table: Table, files: Sequence[tuple[Path, Partition]]) -> list[Path]:
        """The files by names that carry the catalog's partition values, as Hive lays them out."""
        root = self.directory / "tables" / uuid.uuid4().hex
        linked = []
        for number, (path, partition) in enumerate(files):
            pairs = zip(table.partition_keys, partition.values, strict=True)
            directory = root.joinpath(*(f"{key.name}={quote(value, safe='')}" for key, value in pairs))
            directory.mkdir(parents=True, exist_ok=True)
            linked.append(directory / f"{number}.parquet")
            os.link(path, linked[-1])
        return linked

    def read(self, bucket: str, key: str) -> bytes:
        """An object's content."""
        try:
            content: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise _refused(error, f"s3://{bucket}/{key}") from error
        return content

    def _ask(self, stored: StoredObject) -> None:
        """Ask for an object whose copy another query has left: HeadObject takes the permissions of GetObject."""
        try:
            self._s3.head_object(Bucket=stored.bucket, Key=stored.key)
        except ClientError as error:
            raise _refused(error, stored.uri) from error

    def write(self, uri: str, content: bytes) -> None:
        """Put an object."""
        bucket, key = split(uri)
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=content, **self._encryption)
        except ClientError as error:
            raise _refused(error, uri) from error


def _put_arguments(encryption: Mapping[str, str]) -> dict[str, str]:
    if encryption.get("EncryptionOption") == "SSE_KMS":
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption["KmsKey"]}
    return {"ServerSideEncryption": "AES256"} if encryption.get("EncryptionOption") == "SSE_S3" else {}


def split(uri: str) -> tuple[str, str]:
    """Bucket and key, which may be empty, of an s3:// URI."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise QueryError("INVALID_TABLE_PROPERTY", f"'{uri}' is not a location in Amazon S3")
    return bucket, key


def _below(root: str, location: str) -> bool:
    return bool(root) and location.startswith(root.rstrip("/") + "/")


def _parents(uri: str) -> Iterable[str]:
    while "/" in uri.removeprefix("s3://"):
        uri = uri.rpartition("/")[0]
        yield uri


def _is_hidden(name: str) -> bool:
    return any(part.startswith(("_", ".")) for part in name.split("/")) or name.endswith("_$folder$")


def _refused(error: ClientError, uri: str) -> QueryError:
    reason = error.response["Error"]
    code, message = reason.get("Code", ""), reason.get("Message", "")
    if code in ("AccessDenied", "403"):
        return QueryError("PERMISSION_DENIED", f"Access denied when accessing {uri}: {message}")
    if code == "NoSuchBucket":
        bucket = split(uri)[0]
        return QueryError("HIVE_METASTORE_ERROR", f"The specified bucket does not exist: {bucket}")
    return QueryError("HIVE_FILESYSTEM_ERROR", f"{uri}: {message} (Service: Amazon S3; Error Code: {code})")
