"""Reads back what a load has written and finds out what its checks need (genomics.contracts.load_checks).

Of large files only the columns that count are read.
"""

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from genomics.contracts import object_keys
from genomics.contracts.load_checks import LoadMeasures, SampleCalls
from genomics.contracts.loads import LoadManifest
from genomics.contracts.tables import GENOTYPES, LOOKUPS, REJECTS, TABLES, VARIANTS
from glue_jobs.variants.catalog import Catalog
from glue_jobs.vcf.sources import s3_client

_TRANSITIONS = pa.array(["AG", "GA", "CT", "TC"])
_TRANSVERSIONS = pa.array(["AC", "CA", "AT", "TA", "CG", "GC", "GT", "TG"])
_KEY = ["pos", "ref", "alt"]
_ROWS_AT_ONCE = 1 << 17
# A task of Spark costs more to start than a sample's partition to read.
_MOST_TASKS = 32
# Footers, and small files as a whole, lie in it.
_TAIL_BYTES = 1 << 20


@dataclass(frozen=True)
class WrittenPartition:
    """Files of one partition of a table. `value` is that of its second partition column; empty where there is none."""

    table: str
    value: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class MeasureTask:
    """Read some partitions back."""

    bucket: str
    partitions: tuple[WrittenPartition, ...]


@dataclass(frozen=True)
class Measured:
    """What one partition holds; which of the numbers count depends on its table. See LoadMeasures."""

    table: str
    value: str
    rows: int
    records: int = 0
    rejected: int = 0
    transitions: int = 0
    transversions: int = 0
    duplicates: int = 0
    last_base: int = 0
    heterozygous: int = 0
    homozygous: int = 0


def measure_tasks(bucket: str, manifest: LoadManifest) -> list[MeasureTask]:
    """What is to be read of a load."""
    partitions = [
        WrittenPartition(table.name, values[1] if len(values) > 1 else "", tuple(keys))
        for table in (*TABLES, *LOOKUPS)
        for values, keys in itertools.groupby(manifest.files[table.name], key=object_keys.partition_values)
    ]
    count = min(len(partitions), _MOST_TASKS)
    return [MeasureTask(bucket, tuple(partitions[number::count])) for number in range(count)]


def measure(task: MeasureTask) -> tuple[Measured, ...]:
    """Read a task's partitions."""
    read = {VARIANTS.name: _variants, GENOTYPES.name: _genotypes, REJECTS.name: _rejects}
    return tuple(
        read.get(partition.table, _counted)(partition, [open_parquet(task.bucket, key) for key in partition.keys])
        for partition in task.partitions
    )


def gathered(
    bucket: str, manifest: LoadManifest, measured: Iterable[Measured], *, catalog: Catalog, run_id: str
) -> LoadMeasures:
    """What all of a load's partitions hold together, and whether the catalog has them."""
    found = list(measured)
    of_variants = [each for each in found if each.table == VARIANTS.name]
    return LoadMeasures(
        dataset=manifest.dataset,
        source_sha256=manifest.source.sha256,
        run_id=run_id,
        rows={
            table.name: sum(each.rows for each in found if each.table == table.name) for table in (*TABLES, *LOOKUPS)
        },
        unregistered=unregistered(bucket, manifest, catalog),
        records=sum(each.records for each in of_variants),
        rejected=sum(each.rejected for each in found),
        transitions=sum(each.transitions for each in of_variants),
        transversions=sum(each.transversions for each in of_variants),
        duplicates=sum(each.duplicates for each in of_variants),
        last_bases={each.value: each.last_base for each in of_variants},
        samples={
            each.value: SampleCalls(each.heterozygous, each.homozygous)
            for each in found
            if each.table == GENOTYPES.name
        },
    )


def unregistered(bucket: str, manifest: LoadManifest, catalog: Catalog) -> tuple[str, ...]:
    """Partitions that the manifest has and the catalog has not, has elsewhere, or has beyond them."""
    wrong = []
    for table in (*TABLES, *LOOKUPS):
        expected = {
            object_keys.partition_values(key): object_keys.uri(bucket, key.rpartition("/")[0] + "/")
            for key in manifest.files[table.name]
        }
        known = catalog.locations(table, {"dataset": manifest.dataset})
        wrong += [
            " ".join((table.name, *values[1:]))
            for values in sorted({*expected, *known})
            if expected.get(values) != known.get(values)
        ]
    return tuple(wrong)


class _Object(io.RawIOBase):
    """An object of S3 as a file to read here and there. Its end is fetched at once: there the footer is."""

    def __init__(self, bucket: str, key: str) -> None:
        self._bucket, self._key, self._position = bucket, key, 0
        reply = s3_client().get_object(Bucket=bucket, Key=key, Range=f"bytes=-{_TAIL_BYTES}")
        self._tail = reply["Body"].read()
        self._size = int(reply["ContentRange"].rpartition("/")[2])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        start, self._position = self._position, max(end, self._position)
        if end <= start:
            return b""
        before = self._size - len(self._tail)
        if start >= before:
            return bytes(self._tail[start - before : end - before])
        reply = s3_client().get_object(Bucket=self._bucket, Key=self._key, Range=f"bytes={start}-{end - 1}")
        return bytes(reply["Body"].read())


def open_parquet(bucket: str, key: str) -> pq.ParquetFile:
    """A Parquet file in S3, of which only what is asked for is read."""
    return pq.ParquetFile(_Object(bucket, key), pre_buffer=True)


def _counted(partition: WrittenPartition, files: Sequence[pq.ParquetFile]) -> Measured:
    return Measured(partition.table, partition.value, rows=sum(file.metadata.num_rows for file in files))


def _rejects(partition: WrittenPartition, files: Sequence[pq.ParquetFile]) -> Measured:
    rejected = sum(pc.sum(pc.is_null(rows.column("field"))).as_py() for rows in _read(files, ["field"]))
    return Measured(partition.table, partition.value, sum(f.metadata.num_rows for f in files), rejected=rejected)


def _genotypes(partition: WrittenPartition, files: Sequence[pq.ParquetFile]) -> Measured:
    rows = heterozygous = homozygous = 0
    for some in _read(files, ["dosage", "alleles"]):
        diploid = pc.equal(pc.list_value_length(some.column("alleles")), 2)
        copies = some.column("dosage").filter(diploid)
        rows += some.num_rows
        heterozygous += pc.sum(pc.equal(copies, 1)).as_py() or 0
        homozygous += pc.sum(pc.equal(copies, 2)).as_py() or 0
    return Measured(partition.table, partition.value, rows, heterozygous=heterozygous, homozygous=homozygous)


def _variants(partition: WrittenPartition, files: Sequence[pq.ParquetFile]) -> Measured:
    rows = records = transitions = transversions = last_base = 0
    for some in _read(files, ["ref", "alt", "alt_index", "end"]):
        change = pc.binary_join_element_wise(some.column("ref"), some.column("alt"), "")
        rows += some.num_rows
        records += pc.sum(pc.equal(pc.fill_null(some.column("alt_index"), 1), 1)).as_py()
        transitions += pc.sum(pc.is_in(change, _TRANSITIONS)).as_py()
        transversions += pc.sum(pc.is_in(change, _TRANSVERSIONS)).as_py()
        last_base = max(last_base, pc.max(some.column("end")).as_py() or 0)
    return Measured(
        partition.table,
        partition.value,
        rows,
        records=records,
        transitions=transitions,
        transversions=transversions,
        duplicates=_duplicates(files),
        last_base=last_base,
    )


def _duplicates(files: Sequence[pq.ParquetFile]) -> int:
    """Rows whose place and alleles another row has had. In memory are files that overlap, however they are sorted."""
    ordered = sorted(files, key=_first_position)
    starts = [*(_first_position(file) for file in ordered[1:]), None]
    waiting: pa.Table | None = None
    duplicates = 0
    for file, following in zip(ordered, starts, strict=True):
        rows = file.read(_KEY)
        rows = rows if waiting is None else pa.concat_tables([waiting, rows])
        complete = rows
        if following is not None:
            is_complete = pc.less(rows.column("pos"), following)
            complete, waiting = rows.filter(is_complete), rows.filter(pc.invert(is_complete))
        duplicates += complete.num_rows - complete.group_by(_KEY).aggregate([]).num_rows
    return duplicates


def _first_position(file: pq.ParquetFile) -> int:
    """From the footer, which our files have it in."""
    place = file.schema.names.index("pos")
    footer = file.metadata
    return min(int(footer.row_group(group).column(place).statistics.min) for group in range(footer.num_row_groups))


def _read(files: Iterable[pq.ParquetFile], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for file in files:
        yield from file.iter_batches(_ROWS_AT_ONCE, columns=columns)
