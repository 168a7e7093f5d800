"""Glue script: loads VCFs into the tables variants, genotypes, consequences and rejects."""

import sys
from collections.abc import Sequence

from glue_jobs.execution import with_spark
from glue_jobs.variants.catalog import CatalogError
from glue_jobs.variants.options import parse
from glue_jobs.variants.tasks import Task, TaskResult, run
from glue_jobs.variants.transform import LoadError, load


def run_with_spark(tasks: Sequence[Task]) -> list[TaskResult]:
    """Have Spark's executors carry out the tasks; the first call starts the session."""
    return with_spark(run, tasks, name="variants")


def main(argv: list[str]) -> None:
    """Run the job; what cannot be loaded ends it with one line for each source."""
    options = parse(argv)
    try:
        for line in load(run_with_spark, options):
            print(line, flush=True)
    except (LoadError, CatalogError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
