"""Tasks on Spark's executors."""

from collections.abc import Callable, Sequence
from typing import TypeVar

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def carry_out(run: Callable[[_Task], _Result], tasks: Sequence[_Task], *, name: str) -> list[_Result]:
    """Have the executors run the tasks, each apart; the first call starts the session, called `name`."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  (a load that needs no session needs no PySpark either)

    spark = SparkSession.builder.appName(name).getOrCreate()
    results: list[_Result] = spark.sparkContext.parallelize(tasks, len(tasks)).map(run).collect()
    return results
