"""Parquet files in S3: rows are gathered by partition, sorted by location, and written as whole objects."""

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from genomics.contracts import object_keys
from genomics.contracts.tables import (
    CONSEQUENCES,
    GENOTYPES,
    GENOTYPES_BY_LOCATION,
    REJECTS,
    TABLES,
    VARIANT_IDS,
    VARIANTS,
    Table,
)
from glue_jobs.variants.layouts import apart, by_id, by_location
from glue_jobs.variants.staging import Run, StagedPart, bucket_of, id_runs, stage
from glue_jobs.vcf.batches import Batch
from glue_jobs.vcf.schemas import file_schema
from glue_jobs.vcf.sources import s3_client

# Above this much in memory, a range gets a further set of files.
_FLUSH_BYTES = 256 << 20
ROWS_PER_GROUP = 1 << 17
# A group is the least that a query reads, so that it is small where a place or an ID is looked up.
_ROWS_PER_PLACE_GROUP = 1 << 12
_ROWS_PER_ID_GROUP = 1 << 10


@dataclass(frozen=True)
class Destination:
    """Where a load's rows go, and what each of them says of its origin."""

    bucket: str
    dataset: str
    load: str
    source_uri: str
    source_sha256: str
    run_id: str

    def directory(self, table: Table, value: str | None = None) -> str:
        """Directory of a partition of this load; `value` is that of the table's second partition column."""
        columns = [column.name for column in table.partitions]
        values = (self.dataset,) if value is None else (self.dataset, value)
        return object_keys.table_partition(table.name, dict(zip(columns, values, strict=True)), self.load)


@dataclass(frozen=True)
class WrittenFile:
    """An object of a table."""

    table: str
    key: str


class PartitionWriter:
    """Writes the rows of one range. `name` begins the names of its files and is its own within the load.

    `files` says what was written, `rows` how many by table, those of LOOKUPS left out. Rejects go to a waiting place:
    their line numbers count within the range, and only the driver knows how many lines lie before it. `staged` says
    what waits to be gathered with the rows of other ranges: nothing where this range `is_only` and its rows fit memory.
    """

    def __init__(self, destination: Destination, *, name: str, is_only: bool = True) -> None:
        self._destination, self._name, self._is_whole = destination, name, is_only
        self._batches: list[Batch] = []
        self._bytes = self._flushes = 0
        self.files: list[WrittenFile] = []
        self.staged: list[StagedPart] = []
        self.rows = {table.name: 0 for table in TABLES}

    def add(self, batch: Batch) -> None:
        """Take rows; they may wait in memory for `flush`."""
        self._batches.append(batch)
        self._bytes += sum(rows.nbytes for rows in (batch.variants, batch.genotypes, batch.consequences, batch.rejects))
        if self._bytes >= _FLUSH_BYTES:
            self._is_whole = False
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._batches:
            return
        name = f"{self._name}-{self._flushes:04d}.parquet"
        variants = pa.Table.from_batches([batch.variants for batch in self._batches])
        genotypes = pa.Table.from_batches([batch.genotypes for batch in self._batches])
        consequences = pa.Table.from_batches([batch.consequences for batch in self._batches])
        rejects = pa.Table.from_batches([batch.rejects for batch in self._batches])
        self._batches, self._bytes = [], 0
        self._flushes += 1
        for table, rows in ((VARIANTS, variants), (GENOTYPES, genotypes), (CONSEQUENCES, consequences)):
            self.rows[table.name] += rows.num_rows
        variants, genotypes, consequences = map(by_location, (variants, genotypes, consequences))
        by_chromosome = ((VARIANTS, variants), (GENOTYPES_BY_LOCATION, genotypes), (CONSEQUENCES, consequences))
        for table, rows in by_chromosome:
            self._write_partitions(table, rows, name)
        self._write_or_stage(genotypes, by_id(variants), name)
        if rejects.num_rows:
            self.rows[REJECTS.name] += rejects.num_rows
            staged = object_keys.staged_rejects(self._destination.dataset, self._destination.load, name)
            self._write(REJECTS, staged, rejects)

    def _write_or_stage(self, genotypes: pa.Table, ids: pa.Table, name: str) -> None:
        """Write what other ranges have no rows of, or so many rows of that files are large; leave the rest to wait."""
        samples = pc.count_distinct(genotypes.column("sample")).as_py()
        if self._is_whole or genotypes.num_rows >= samples * ROWS_PER_GROUP:
            self._write_partitions(GENOTYPES, genotypes, name)
        else:
            runs: dict[int, list[Run]] = {}
            for sample, rows in apart(genotypes, "sample"):
                runs.setdefault(bucket_of(sample), []).append((sample, rows))
            for bucket, some in runs.items():
                self._stage(GENOTYPES, bucket, some, name)
        if not ids.num_rows:
            return
        if self._is_whole:
            self._write(VARIANT_IDS, self._destination.directory(VARIANT_IDS) + name, ids)
        else:
            self._stage(VARIANT_IDS, 0, id_runs(ids), name)

    def _write_partitions(self, table: Table, rows: pa.Table, name: str) -> None:
        for value, part in apart(rows, table.partitions[1].name):
            self._write(table, self._destination.directory(table, value) + name, part)

    def _write(self, table: Table, key: str, rows: pa.Table) -> None:
        write_file(table, rows, self._destination, key)
        self.files.append(WrittenFile(table.name, key))

    def _stage(self, table: Table, bucket: int, runs: list[Run], name: str) -> None:
        where = self._destination
        arrow = name.replace(".parquet", ".arrow")
        key = object_keys.staged_part(where.dataset, where.load, table.name, bucket, arrow)
        stage(runs, where.bucket, key)
        self.staged.append(StagedPart(table.name, bucket, key))


def write_file(table: Table, rows: pa.Table, destination: Destination, key: str) -> None:
    """Make an object of rows that lack only what `destination` says of all of them. It appears whole or not at all."""
    write_parts(table, [rows], destination, key)


def write_parts(table: Table, parts: Iterable[pa.Table], destination: Destination, key: str) -> None:
    """Make an object of rows that come a part at a time, each of at least one row group. See `write_file`."""
    write_rows(table, (_complete(table, rows, destination) for rows in parts), destination.bucket, key)


def write_rows(table: Table, parts: Iterator[pa.Table], bucket: str, key: str) -> None:
    """Make an object of rows that lack nothing, likewise."""
    first = next(parts)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        # What is a dictionary in memory is a string to those who read the file.
        with pq.ParquetWriter(file.name, first.schema, compression="zstd", store_schema=False) as writer:
            for rows in itertools.chain([first], parts):
                writer.write_table(rows, row_group_size=_group_rows(table))
        s3_client().upload_file(file.name, bucket, key)


def _group_rows(table: Table) -> int:
    if table == VARIANT_IDS:
        return _ROWS_PER_ID_GROUP
    is_by_place = any(column.name == "chrom" for column in table.partitions)
    return _ROWS_PER_PLACE_GROUP if is_by_place else ROWS_PER_GROUP


def _complete(table: Table, rows: pa.Table, destination: Destination) -> pa.Table:
    columns = []
    for column in file_schema(table):
        if column.name in rows.column_names:
            columns.append(rows.column(column.name))
        else:
            columns.append(_same(getattr(destination, column.name), rows.num_rows))
    return pa.Table.from_arrays(columns, names=file_schema(table).names)


def _same(value: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([value]))


def read_file(bucket: str, key: str) -> pa.Table:
    """The rows of a small file."""
    return pq.read_table(pa.BufferReader(s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()))
