"""Makes few large files of the many small ones that a load in many ranges leaves, partition by partition.

The rows and their order stay. A partition gets a directory of its own for the new files, and is committed as a load is.
"""

import hashlib
import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import LoadManifest
from genomics.contracts.tables import LOOKUPS, TABLES, Table
from glue_jobs.variants.gathering import filled
from glue_jobs.variants.parquet import write_rows
from glue_jobs.vcf.sources import s3_client

# Files of a mean below the one are made into files of about the other.
_SMALL_BYTES = 64 << 20
_LARGE_BYTES = 256 << 20


@dataclass(frozen=True)
class CompactionTask:
    """Make one object of others, in their order; `size` is that of all of them, in bytes."""

    bucket: str
    table: Table
    keys: tuple[str, ...]
    size: int
    target: str


def plan_compaction(bucket: str, manifest: LoadManifest) -> list[CompactionTask]:
    """What is to be done for a dataset; nothing where no partition has several small files."""
    tasks: list[CompactionTask] = []
    for table in (*TABLES, *LOOKUPS):
        keys = manifest.files[table.name]
        sizes = _sizes(bucket, table, manifest.dataset)
        for values, some in itertools.groupby(keys, key=object_keys.partition_values):
            partition = {key: sizes[key] for key in some}
            if len(partition) > 1 and sum(partition.values()) < _SMALL_BYTES * len(partition):
                columns = [column.name for column in table.partitions]
                load = hashlib.sha256(dumps(list(partition)).encode()).hexdigest()[:16]
                target = object_keys.table_partition(table.name, dict(zip(columns, values, strict=True)), load)
                tasks += [
                    CompactionTask(bucket, table, tuple(files), sum(files.values()), f"{target}{number:05d}.parquet")
                    for number, files in enumerate(_together(partition))
                ]
    return tasks


def compact(task: CompactionTask) -> None:
    """Write the object."""
    write_rows(task.table, filled(_rows(task)), task.bucket, task.target)


def compacted(manifest: LoadManifest, tasks: Sequence[CompactionTask]) -> LoadManifest:
    """The manifest once the tasks are done."""
    target = {key: task.target for task in tasks for key in task.keys}
    files = {table: tuple(sorted({target.get(key, key) for key in keys})) for table, keys in manifest.files.items()}
    return replace(manifest, files=files)


def _sizes(bucket: str, table: Table, dataset: str) -> dict[str, int]:
    prefix = object_keys.table_partition(table.name, {"dataset": dataset}, "").rstrip("/") + "/"
    pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}


def _together(sizes: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """The files in their order, as many together as make a large one."""
    some: dict[str, int] = {}
    for key, size in sizes.items():
        if some and sum(some.values()) + size > _LARGE_BYTES:
            yield some
            some = {}
        some[key] = size
    yield some


def _rows(task: CompactionTask) -> Iterator[pa.Table]:
    """Row groups of the objects: one object at a time on disk, one group in memory."""
    for key in task.keys:
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            s3_client().download_fileobj(task.bucket, key, file)
            file.flush()
            content = pq.ParquetFile(file.name)
            for number in range(content.num_row_groups):
                yield content.read_row_group(number)
