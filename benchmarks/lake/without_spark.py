"""Our tasks by themselves: `python -m benchmarks.lake.without_spark DIRECTORY KEY PROCESSES`.

DIRECTORY holds the bucket `in`, with the VCF at KEY, and gets the bucket `out`. Every process carries out
`glue_jobs.variants.tasks.run` for one of as many ranges, then for what is to be gathered. Prints the rows written, by
table, as JSON.
"""

import json
import multiprocessing
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.lake import directory_store
from glue_jobs.variants.gathering import gather_tasks
from glue_jobs.variants.parquet import Destination
from glue_jobs.variants.tasks import RangeTask, Task, TaskResult, run
from glue_jobs.vcf.reader import open_vcf, ranges
from glue_jobs.vcf.sources import S3Source


def main() -> None:
    """Carry the tasks out."""
    directory, key, processes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with directory_store.used(directory):
        print(json.dumps(convert(key, processes)))


def convert(key: str, processes: int) -> dict[str, int]:
    """Rows written, by table."""
    source = S3Source.head(f"s3://in/{key}")
    file = open_vcf(source)
    destination = Destination("out", "bench", "load", source.uri, "0" * 64, "run")
    parts = ranges(source, file, -(-source.size // processes))
    tasks = [RangeTask(source, file, part, destination, processes == 1) for part in parts]
    assert len(tasks) == processes, f"{len(tasks)} ranges"
    results = _carried_out(tasks, processes)
    results += _carried_out(gather_tasks(destination, [p for result in results for p in result.staged]), processes)
    total: Counter[str] = Counter()
    for result in results:
        assert result.problem is None, result.problem
        total.update(result.rows)
    return dict(total)


def _carried_out(tasks: Sequence[Task], processes: int) -> list[TaskResult]:
    if processes == 1:
        return [run(task) for task in tasks]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        return pool.map(run, tasks, chunksize=1)


if __name__ == "__main__":
    main()
