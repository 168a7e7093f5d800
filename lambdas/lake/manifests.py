"""The commits of loads, in the data lake's bucket."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from genomics.contracts import object_keys
from genomics.contracts.loads import LoadManifest, LoadSource
from lambdas import documents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def find_manifests(*, s3: S3Client, bucket: str, sources: Iterable[LoadSource]) -> dict[str, LoadManifest | None]:
    """The latest load of each source's dataset; None where there is none."""

    def find(name: str) -> LoadManifest | None:
        return documents.find(s3, LoadManifest, object_keys.uri(bucket, object_keys.load_manifest(name)))

    names = [source.dataset for source in sources]
    with ThreadPoolExecutor(documents.PARALLEL_REQUESTS) as threads:
        return dict(zip(names, threads.map(find, names), strict=True))
