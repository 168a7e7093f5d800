"""Parquet files in S3: rows are gathered by partition, sorted by location, and written as whole objects."""

import tempfile
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genomics.contracts import object_keys
from genomics.contracts.tables import GENOTYPES, GENOTYPES_BY_LOCATION, REJECTS, VARIANTS, Table
from glue_jobs.variants.layouts import apart, by_location
from glue_jobs.vcf.batches import Batch
from glue_jobs.vcf.schemas import file_schema
from glue_jobs.vcf.sources import s3_client

# Above this much in memory, a range gets a further set of files.
_FLUSH_BYTES = 256 << 20
# What is looked up by location is in small groups, as a group is the least that a query reads.
_ROWS_PER_GROUP = 1 << 17
_ROWS_PER_SMALL_GROUP = dict.fromkeys((VARIANTS.name, GENOTYPES_BY_LOCATION.name), 1 << 12)


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
    """An object of a table. `value` is that of the partition column after `dataset`, None where there is none."""

    table: str
    value: str | None
    key: str


class PartitionWriter:
    """Writes the rows of one range. `name` begins the names of its files and is its own within the load.

    `files` says what was written, `rows` how many by table, those of LOOKUPS left out. Rejects go to a waiting place:
    their line numbers count within the range, and only the driver knows how many lines lie before it.
    """

    def __init__(self, destination: Destination, *, name: str) -> None:
        self._destination, self._name = destination, name
        self._batches: list[Batch] = []
        self._bytes = self._flushes = 0
        self.files: list[WrittenFile] = []
        self.rows = {table.name: 0 for table in (VARIANTS, GENOTYPES, REJECTS)}

    def add(self, batch: Batch) -> None:
        """Take rows; they may wait in memory for `flush`."""
        self._batches.append(batch)
        self._bytes += batch.variants.nbytes + batch.genotypes.nbytes + batch.rejects.nbytes
        if self._bytes >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._batches:
            return
        name = f"{self._name}-{self._flushes:04d}.parquet"
        variants = pa.Table.from_batches([batch.variants for batch in self._batches])
        genotypes = pa.Table.from_batches([batch.genotypes for batch in self._batches])
        rejects = pa.Table.from_batches([batch.rejects for batch in self._batches])
        self._batches, self._bytes = [], 0
        self._flushes += 1
        for table, rows in ((VARIANTS, variants), (GENOTYPES, genotypes)):
            self.rows[table.name] += rows.num_rows
        variants, genotypes = by_location(variants), by_location(genotypes)
        for table, rows in ((VARIANTS, variants), (GENOTYPES, genotypes), (GENOTYPES_BY_LOCATION, genotypes)):
            for value, part in apart(rows, table.partitions[1].name):
                self._write(table, value, self._destination.directory(table, value) + name, part)
        if rejects.num_rows:
            self.rows[REJECTS.name] += rejects.num_rows
            staged = object_keys.staged_rejects(self._destination.dataset, self._destination.load, name)
            self._write(REJECTS, None, staged, rejects)

    def _write(self, table: Table, value: str | None, key: str, rows: pa.Table) -> None:
        write_file(table, rows, self._destination, key)
        self.files.append(WrittenFile(table.name, value, key))


def write_file(table: Table, rows: pa.Table, destination: Destination, key: str) -> None:
    """Make an object of rows that lack only what `destination` says of all of them. It appears whole or not at all."""
    columns = []
    for column in file_schema(table):
        if column.name in rows.column_names:
            columns.append(rows.column(column.name))
        else:
            columns.append(_same(getattr(destination, column.name), rows.num_rows))
    complete = pa.Table.from_arrays(columns, names=file_schema(table).names)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        # What is a dictionary in memory is a string to those who read the file.
        size = _ROWS_PER_SMALL_GROUP.get(table.name, _ROWS_PER_GROUP)
        pq.write_table(complete, file.name, compression="zstd", row_group_size=size, store_schema=False)
        s3_client().upload_file(file.name, destination.bucket, key)


def _same(value: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([value]))


def read_file(bucket: str, key: str) -> pa.Table:
    """The rows of a small file."""
    return pq.read_table(pa.BufferReader(s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()))
