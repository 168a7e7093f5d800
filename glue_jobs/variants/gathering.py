"""Puts the rows that ranges have left beside each other: of each sample one file of calls, one file of IDs.

A task may run twice, or half, as those of the ranges: see glue_jobs.variants.tasks.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from genomics.contracts.tables import GENOTYPES, VARIANT_IDS
from glue_jobs.variants.layouts import sorted_by_id
from glue_jobs.variants.parquet import ROWS_PER_GROUP, Destination, WrittenFile, write_parts
from glue_jobs.variants.staging import StagedPart, StagedRun, staged_runs

_NAME = "gathered.parquet"
# Rows that wait for a row group to be full take no more.
_MOST_BYTES = 64 << 20
# Of so many runs the IDs are sorted at once.
_RUNS_TOGETHER = 64


@dataclass(frozen=True)
class GatherTask:
    """Gather the parts of one bucket, which are in the order of the ranges."""

    destination: Destination
    table: str
    keys: tuple[str, ...]


def gather_tasks(destination: Destination, staged: Iterable[StagedPart]) -> list[GatherTask]:
    """What is to be done once all ranges have been read; `staged` in their order."""
    keys: dict[tuple[str, int], list[str]] = {}
    for part in staged:
        keys.setdefault((part.table, part.bucket), []).append(part.key)
    return [GatherTask(destination, table, tuple(some)) for (table, _), some in sorted(keys.items())]


def gather(task: GatherTask) -> list[WrittenFile]:
    """Write a bucket's files."""
    with staged_runs(task.destination.bucket, task.keys) as runs:
        if task.table == VARIANT_IDS.name:
            key = task.destination.directory(VARIANT_IDS) + _NAME
            write_parts(VARIANT_IDS, _merged(runs), task.destination, key)
            return [WrittenFile(VARIANT_IDS.name, key)]
        written = []
        for sample, some in itertools.groupby(runs, key=lambda run: run.name):
            key = task.destination.directory(GENOTYPES, sample) + _NAME
            write_parts(GENOTYPES, filled(run.read() for run in some), task.destination, key)
            written.append(WrittenFile(GENOTYPES.name, key))
        return written


def filled(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows in parts that are large enough for a row group."""
    waiting: list[pa.Table] = []
    count = size = 0
    for rows in parts:
        waiting.append(rows)
        count, size = count + rows.num_rows, size + rows.nbytes
        if count >= ROWS_PER_GROUP or size >= _MOST_BYTES:
            yield pa.concat_tables(waiting)
            waiting, count, size = [], 0, 0
    if waiting:
        yield pa.concat_tables(waiting)


def _merged(runs: Sequence[StagedRun]) -> Iterator[pa.Table]:
    """The rows of all runs, sorted. Each run is, and is named by its first ID, before which no later one begins."""
    rest: list[pa.Table] = []
    for start in range(0, len(runs), _RUNS_TOGETHER):
        end = start + _RUNS_TOGETHER
        rows = sorted_by_id(pa.concat_tables([*rest, *(run.read() for run in runs[start:end])]))
        ready = rows.num_rows if end >= len(runs) else pc.sum(pc.less(rows.column("id"), runs[end].name)).as_py()
        if ready:
            yield rows.slice(0, ready)
        rest = [rows.slice(ready)]
