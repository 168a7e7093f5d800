"""Arguments of the annotations job: the stack and the command line write them, the job reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from glue_jobs import arguments as job_arguments


@dataclass(frozen=True)
class AnnotationsOptions:
    """What the job is told.

    `request` is the s3:// URI of an AnnotationRequest. The rest is as in VariantsOptions.
    """

    request: str
    database: str
    data_lake_bucket: str
    range_mib: int = 32
    alone_kib: int = 32 << 10


def arguments(options: AnnotationsOptions) -> dict[str, str]:
    """The options as Glue takes them."""
    return job_arguments.written(options)


def parse(argv: Sequence[str]) -> AnnotationsOptions:
    """Read the job's arguments (without the script's name)."""
    return job_arguments.parse(AnnotationsOptions, argv, job="annotations")
