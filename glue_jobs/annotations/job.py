"""Glue script: fetches a release of an annotation, checks it, and loads it into its table."""

import sys
from collections.abc import Sequence

from genomics.contracts.annotations import AnnotationError
from glue_jobs.annotations.options import parse
from glue_jobs.annotations.tasks import RangeTask, run
from glue_jobs.annotations.transform import load
from glue_jobs.execution import with_spark
from glue_jobs.variants.catalog import CatalogError
from glue_jobs.variants.tasks import TaskResult


def run_with_spark(tasks: Sequence[RangeTask]) -> list[TaskResult]:
    """Have Spark's executors carry out the tasks; the first call starts the session."""
    return with_spark(run, tasks, name="annotations")


def main(argv: list[str]) -> None:
    """Run the job; a release that cannot be loaded ends it with one line."""
    options = parse(argv)
    try:
        print(load(run_with_spark, options), flush=True)
    except (AnnotationError, CatalogError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
