"""What a Spark task does: read one range of a source and write its rows, or sum up a source's content.

A task may run twice, or half: its files have the same names and the same content each time, and nothing reads them
before the driver has pointed the catalog at them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from glue_jobs.variants.compaction import CompactionTask, compact
from glue_jobs.variants.gathering import GatherTask, gather
from glue_jobs.variants.measuring import Measured, MeasureTask, measure
from glue_jobs.variants.parquet import Destination, PartitionWriter, WrittenFile
from glue_jobs.variants.staging import StagedPart
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.reader import RangeReader, VcfFile
from glue_jobs.vcf.sources import S3Source
from glue_jobs.vcf.text import ByteRange

_CHECKSUM_READ = 8 << 20


@dataclass(frozen=True)
class RangeTask:
    """Load one range of a source, of which it may be the only one."""

    object: S3Source
    file: VcfFile
    part: ByteRange
    destination: Destination
    is_only: bool = True


@dataclass(frozen=True)
class ChecksumTask:
    """SHA-256 of a source. It cannot be computed in parts, so it runs beside the ranges."""

    object: S3Source


Task = RangeTask | ChecksumTask | GatherTask | CompactionTask | MeasureTask


@dataclass(frozen=True)
class TaskResult:
    """What came of a task: of a checksum `sha256`, of gathering `files`, of compaction nothing, of reading back
    `measured`, of a range all else.

    `problem` says why it cannot be read. `first` and `next` join a range to its neighbours (see
    glue_jobs.vcf.text.RangeText).
    """

    problem: str | None = None
    sha256: str = ""
    lines: int = 0
    first: int = 0
    next: int = 0
    files: tuple[WrittenFile, ...] = ()
    staged: tuple[StagedPart, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    measured: tuple[Measured, ...] = ()


def run(task: Task) -> TaskResult:
    """Carry out a task. What is wrong with the file is a result; what is wrong with the world is an exception."""
    if isinstance(task, GatherTask):
        return TaskResult(files=tuple(gather(task)))
    if isinstance(task, CompactionTask):
        compact(task)
        return TaskResult()
    if isinstance(task, MeasureTask):
        return TaskResult(measured=measure(task))
    return _load_range(task) if isinstance(task, RangeTask) else _checksum(task)


def joined(parts: Sequence[TaskResult]) -> bool:
    """Each range, up to one that failed, ends where the next begins; the first begins with the file."""
    position = 0
    for part in parts:
        if part.first != position:
            return False
        if part.problem:
            return True
        position = part.next
    return True


def _checksum(task: ChecksumTask) -> TaskResult:
    digest = hashlib.sha256()
    try:
        for start in range(0, task.object.size, _CHECKSUM_READ):
            digest.update(task.object.read(start, start + _CHECKSUM_READ))
    except VcfError as error:
        return TaskResult(problem=str(error))
    return TaskResult(sha256=digest.hexdigest())


def _load_range(task: RangeTask) -> TaskResult:
    reader = RangeReader(task.object, task.file, task.part)
    writer = PartitionWriter(task.destination, name=f"{task.part.start:015d}", is_only=task.is_only)
    problem = None
    try:
        for batch in reader:
            writer.add(batch)
        writer.flush()
    except VcfError as error:
        problem = str(error)
    return TaskResult(
        problem=problem,
        lines=reader.lines,
        first=reader.first,
        next=reader.next,
        files=tuple(writer.files),
        staged=tuple(writer.staged),
        rows=writer.rows,
    )
