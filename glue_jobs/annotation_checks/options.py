"""Arguments of the job: the stack writes them, the job reads them. Standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass

from glue_jobs import arguments as job_arguments


@dataclass(frozen=True)
class ChecksOptions:
    """What the job is told.

    `database` is the Glue database, `data_lake_bucket` the bucket that holds its tables; `limits` is JSON: LoadLimits.
    """

    database: str
    data_lake_bucket: str
    limits: str


def arguments(options: ChecksOptions) -> dict[str, str]:
    """The options as Glue takes them."""
    return job_arguments.written(options)


def parse(argv: Sequence[str]) -> ChecksOptions:
    """Read the job's arguments (without the script's name)."""
    return job_arguments.parse(ChecksOptions, argv, job="annotation_checks")
