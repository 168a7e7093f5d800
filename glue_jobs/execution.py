"""Carrying tasks out: on Spark's executors, or in this process."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

# Each holds some 400 MiB.
_MOST_AT_ONCE = 4


def with_spark(run: Callable[[_Task], _Result], tasks: Sequence[_Task], *, name: str) -> list[_Result]:
    """Have the executors run the tasks, each apart; the first call starts the session, called `name`."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  (a load that needs no session needs no PySpark either)

    spark = SparkSession.builder.appName(name).getOrCreate()
    results: list[_Result] = spark.sparkContext.parallelize(tasks, len(tasks)).map(run).collect()
    return results


def alone(run: Callable[[_Task], _Result], tasks: Sequence[_Task]) -> list[_Result]:
    """Run tasks here, as many at a time as there are processors: compiled code needs no interpreter."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_AT_ONCE)) as pool:
        return list(pool.map(run, tasks))
