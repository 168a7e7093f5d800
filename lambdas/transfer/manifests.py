"""A run folder's manifest, read from S3 and brought into the order in which S3 lists."""

from __future__ import annotations

import gzip
import heapq
import io
import itertools
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from genomics.contracts import object_keys
from genomics.contracts.codec import ContractError
from genomics.contracts.transfers import ManifestFile, read_files, read_header
from lambdas.transfer.comparison import Listed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# So many files are sorted in memory at a time (about 60 MB); a larger manifest is merged from sorted files.
SORTED_AT_ONCE = 200_000


def latest_generation(s3: S3Client, bucket: str, run_id: str) -> int | None:
    """The number of the run's latest manifest; None where it has none."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=object_keys.transfer_manifests(run_id))
    names = (item["Key"].rsplit("/", 1)[-1].partition(".")[0] for page in pages for item in page.get("Contents", ()))
    return max((int(name) for name in names if name.isdecimal()), default=None)


def manifest_files(s3: S3Client, bucket: str, run_id: str, generation: int, stack: ExitStack) -> Iterator[Listed]:
    """What must lie in the bucket, in the order of keys. `stack` closes what the sorting keeps on disk.

    ContractError if the manifest is cut short or another run's.
    """
    key = object_keys.transfer_manifest(run_id, generation)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    lines = io.TextIOWrapper(gzip.GzipFile(fileobj=body), encoding="utf-8", newline="\n")
    header = read_header(next(lines, "").rstrip("\n"))
    if (header.run_id, header.generation) != (run_id, generation):
        raise ContractError(f"{object_keys.uri(bucket, key)} is the manifest of {header.run_id}, {header.generation}")
    return sorted_files(read_files(lines), stack)


def sorted_files(files: Iterable[ManifestFile], stack: ExitStack, *, at_once: int = SORTED_AT_ONCE) -> Iterator[Listed]:
    """Keys and sizes sorted by the keys' UTF-8, with no more than `at_once` of them in memory."""
    entries = ((object_keys.RUN_FOLDERS + file.path, file.size) for file in files)
    parts: list[Iterable[tuple[bytes, int]]] = []
    while part := [(key.encode(), size) for key, size in itertools.islice(entries, at_once)]:
        part.sort()
        parts.append(part if len(part) < at_once else _kept(part, stack))
    return (Listed(key.decode(), size) for key, size in heapq.merge(*parts))


def _kept(part: list[tuple[bytes, int]], stack: ExitStack) -> Iterator[tuple[bytes, int]]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 the stack closes it
    stack.callback(file.close)
    # Lengths first: a key may hold any character.
    file.writelines(b"%d %d\n%b\n" % (size, len(key), key) for key, size in part)
    file.seek(0)
    return _read_back(file)


def _read_back(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    while numbers := file.readline():
        size, length = map(int, numbers.split())
        yield file.read(length + 1)[:-1], size
