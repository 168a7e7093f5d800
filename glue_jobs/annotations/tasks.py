"""What a Spark task does: read one range of a release and write its rows. As with variants, it may run twice."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from genomics.contracts import object_keys
from genomics.contracts.tables import REJECTS, Table
from glue_jobs.annotations.clinvar import clinvar_rows
from glue_jobs.annotations.tsv import TsvFile, TsvReader
from glue_jobs.execution import alone
from glue_jobs.variants.parquet import Destination, WrittenFile, write_file
from glue_jobs.variants.tasks import TaskResult
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.reader import RangeReader, VcfFile
from glue_jobs.vcf.sources import S3Source
from glue_jobs.vcf.text import ByteRange

# Above this much in memory, a range gets a further file.
_FLUSH_BYTES = 256 << 20


@dataclass(frozen=True)
class Target:
    """Where a load's rows go: a partition of a table, sorted by `order`. `origin` is what each row says of its own."""

    table: Table
    partition: tuple[tuple[str, str], ...]
    order: tuple[str, ...]
    origin: Destination

    @property
    def directory(self) -> str:
        """Directory of this load of the partition."""
        return object_keys.table_partition(self.table.name, dict(self.partition), self.origin.load)


@dataclass(frozen=True)
class RangeTask:
    """Load one range of a release."""

    object: S3Source
    file: VcfFile | TsvFile
    part: ByteRange
    target: Target


class _Writer:
    """Writes the rows of one range; `name` begins the names of its files. Rejects wait until their lines are known."""

    def __init__(self, target: Target, *, name: str) -> None:
        self._target, self._name = target, name
        self._rows: list[pa.Table] = []
        self._rejects: list[pa.RecordBatch] = []
        self._bytes = self._flushes = 0
        self.files: list[WrittenFile] = []
        self.rows = {target.table.name: 0, REJECTS.name: 0}

    def add(self, rows: pa.Table, rejects: pa.RecordBatch) -> None:
        """Take rows; they may wait in memory for `flush`."""
        self._rows.append(rows)
        self._rejects.append(rejects)
        self._bytes += rows.nbytes + rejects.nbytes
        if self._bytes >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._rows:
            return
        target, name = self._target, f"{self._name}-{self._flushes:04d}.parquet"
        rows, rejects = pa.concat_tables(self._rows), pa.Table.from_batches(self._rejects)
        self._rows, self._rejects, self._bytes = [], [], 0
        self._flushes += 1
        if target.order:
            rows = rows.sort_by([(column, "ascending") for column in target.order])
        staged = object_keys.staged_annotation_rejects(
            target.table.name, dict(target.partition), target.origin.load, name
        )
        for table, found, key in ((target.table, rows, target.directory + name), (REJECTS, rejects, staged)):
            self.rows[table.name] += found.num_rows
            if found.num_rows:
                write_file(table, found, target.origin, key)
                self.files.append(WrittenFile(table.name, key))


def run(task: RangeTask) -> TaskResult:
    """Carry out a task. What is wrong with the file is a result; what is wrong with the world is an exception."""
    writer = _Writer(task.target, name=f"{task.part.start:015d}")
    if isinstance(task.file, VcfFile):
        reader: RangeReader | TsvReader = RangeReader(task.object, task.file, task.part)
    else:
        reader = TsvReader(task.object, task.file, task.part)
    problem = None
    try:
        for rows, rejects in _batches(reader):
            writer.add(rows, rejects)
        writer.flush()
    except VcfError as error:
        problem = str(error)
    return TaskResult(
        problem=problem,
        lines=reader.lines,
        first=reader.first,
        next=reader.next,
        files=tuple(writer.files),
        rows=writer.rows,
    )


def run_alone(tasks: list[RangeTask]) -> list[TaskResult]:
    """Carry out tasks in this process."""
    return alone(run, tasks)


def _batches(reader: RangeReader | TsvReader) -> Iterator[tuple[pa.Table, pa.RecordBatch]]:
    if isinstance(reader, TsvReader):
        yield from ((batch.rows, batch.rejects) for batch in reader)
    else:
        yield from ((clinvar_rows(batch.variants), batch.rejects) for batch in reader)
