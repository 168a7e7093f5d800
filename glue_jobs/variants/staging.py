"""Rows of one range that wait to be put beside those of the others, in Arrow's format, bucket by bucket.

A part holds runs of rows, each under a name by which the part is sorted: a sample's rows, or rows from some ID on. Each
run is a stream of its own, since what is a dictionary in memory may be another one in each of them. The runs' names and
sizes stand after the last.
"""

import itertools
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

from glue_jobs.vcf.sources import s3_client

# A bucket is gathered by one task.
_BUCKETS = 32
# So few that of each of a large file's parts some can be in memory.
_IDS_PER_RUN = 1 << 12
_LENGTH_BYTES = 8

Run = tuple[str, pa.Table]


@dataclass(frozen=True)
class StagedPart:
    """An object of staged rows of a table."""

    table: str
    bucket: int
    key: str


@dataclass(frozen=True)
class StagedRun:
    """A run that can be read: some bytes of a local file."""

    name: str
    path: str
    start: int
    size: int

    def read(self) -> pa.Table:
        """Its rows. The file is mapped for as long as they are used: what has been read would else stay in memory."""
        with pa.memory_map(self.path) as content:
            content.seek(self.start)
            return pa.ipc.open_stream(pa.BufferReader(content.read_buffer(self.size))).read_all()


def bucket_of(sample: str) -> int:
    """The bucket that a sample's rows are gathered in."""
    return zlib.crc32(sample.encode()) % _BUCKETS


def id_runs(ids: pa.Table) -> list[Run]:
    """Rows of `variant_ids`, sorted by ID, as runs under their first one's."""
    some = [ids.slice(start, _IDS_PER_RUN) for start in range(0, ids.num_rows, _IDS_PER_RUN)]
    return [(rows.column("id")[0].as_py(), rows) for rows in some]


def stage(runs: Sequence[Run], bucket: str, key: str) -> None:
    """Write a part."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with tempfile.NamedTemporaryFile(suffix=".arrow") as file:
        with pa.OSFile(file.name, "wb") as sink:
            ends = [0]
            for _, rows in runs:
                with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
                    writer.write_table(rows)
                ends.append(sink.tell())
            sizes = [end - start for start, end in itertools.pairwise(ends)]
            index = json.dumps([[name, size] for (name, _), size in zip(runs, sizes, strict=True)]).encode()
            # Arrow wants runs to begin at multiples of 8, also in the parts that follow.
            index += b" " * (-len(index) % _LENGTH_BYTES)
            sink.write(index + len(index).to_bytes(_LENGTH_BYTES))
        s3_client().upload_file(file.name, bucket, key)


@contextmanager
def staged_runs(bucket: str, keys: Sequence[str]) -> Iterator[list[StagedRun]]:
    """The runs of some parts, sorted by name, else in the order of the parts; they can be read while the block lasts.

    The parts lie on disk meanwhile, and in memory only what is read.
    """
    with tempfile.NamedTemporaryFile(suffix=".arrow") as file:
        runs: list[StagedRun] = []
        for key in keys:
            start = file.tell()
            shutil.copyfileobj(s3_client().get_object(Bucket=bucket, Key=key)["Body"], file)
            for name, size in _index(file):
                runs.append(StagedRun(name, file.name, start, size))
                start += size
        file.flush()
        yield sorted(runs, key=lambda run: run.name)


def _index(file: IO[bytes]) -> list[tuple[str, int]]:
    """Names and sizes of the runs of the part that ends where the file does."""
    file.seek(-_LENGTH_BYTES, os.SEEK_END)
    length = int.from_bytes(file.read(_LENGTH_BYTES))
    file.seek(-_LENGTH_BYTES - length, os.SEEK_END)
    found: list[tuple[str, int]] = json.loads(file.read(length))
    file.seek(0, os.SEEK_END)
    return found
