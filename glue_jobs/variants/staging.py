"""Rows of one range that wait to be put beside those of the others, in Arrow's format, bucket by bucket.

A part holds runs of rows, each under a name by which the part is sorted: a sample's rows, or rows from some ID on.
"""

import itertools
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from glue_jobs.vcf.sources import s3_client

# A bucket is gathered by one task.
_BUCKETS = 32
# So few that of each of a large file's parts some can be in memory.
_IDS_PER_RUN = 1 << 12
_NAMES = b"runs"

Run = tuple[str, pa.Table]


@dataclass(frozen=True)
class StagedPart:
    """An object of staged rows of a table."""

    table: str
    bucket: int
    key: str


@dataclass(frozen=True)
class StagedRun:
    """A run that can be read: the one of that number in a part, which lies in a local file."""

    name: str
    path: str
    start: int
    size: int
    number: int

    def read(self) -> pa.Table:
        """Its rows. The file is mapped for as long as they are used: what has been read would else stay in memory."""
        with pa.memory_map(self.path) as content:
            part = _part(content, self.start, self.size)
            return pa.Table.from_batches([part.get_batch(self.number)])


def bucket_of(sample: str) -> int:
    """The bucket that a sample's rows are gathered in."""
    return zlib.crc32(sample.encode()) % _BUCKETS


def id_runs(ids: pa.Table) -> list[Run]:
    """Rows of `variant_ids`, sorted by ID, as runs under their first one's."""
    some = [ids.slice(start, _IDS_PER_RUN) for start in range(0, ids.num_rows, _IDS_PER_RUN)]
    return [(rows.column("id")[0].as_py(), rows) for rows in some]


def stage(runs: Sequence[Run], bucket: str, key: str) -> None:
    """Write a part."""
    schema = runs[0][1].schema.with_metadata({_NAMES: json.dumps([name for name, _ in runs])})
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with tempfile.NamedTemporaryFile(suffix=".arrow") as file:
        with pa.ipc.new_file(file.name, schema, options=options) as writer:
            for _, rows in runs:
                (batch,) = rows.combine_chunks().to_batches()
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
        s3_client().upload_file(file.name, bucket, key)


@contextmanager
def staged_runs(bucket: str, keys: Sequence[str]) -> Iterator[list[StagedRun]]:
    """The runs of some parts, sorted by name, else in the order of the parts; they can be read while the block lasts.

    The parts lie on disk meanwhile, and in memory only what is read.
    """
    with tempfile.NamedTemporaryFile(suffix=".arrow") as file:
        ends = [0]
        for key in keys:
            shutil.copyfileobj(s3_client().get_object(Bucket=bucket, Key=key)["Body"], file)
            ends.append(file.tell())
        file.flush()
        runs = [run for start, end in itertools.pairwise(ends) for run in _runs(file.name, start, end - start)]
        yield sorted(runs, key=lambda run: run.name)


def _runs(path: str, start: int, size: int) -> Iterator[StagedRun]:
    with pa.memory_map(path) as content:
        names = json.loads(_part(content, start, size).schema.metadata[_NAMES])
    return (StagedRun(name, path, start, size, number) for number, name in enumerate(names))


def _part(content: Any, start: int, size: int) -> Any:
    content.seek(start)
    return pa.ipc.open_file(pa.BufferReader(content.read_buffer(size)))
