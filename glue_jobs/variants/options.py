"""Arguments of the variants job: the stack writes them, the job reads them. Standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass

from glue_jobs import arguments as job_arguments

ENGINES = ("native", "hail")


@dataclass(frozen=True)
class VariantsOptions:
    """What the job is told.

    `request` is the s3:// URI of a LoadRequest, `database` the Glue database whose tables are loaded,
    `data_lake_bucket` the bucket that holds them. A task reads `range_mib` MiB of compressed VCF.
    Sources of up to `alone_kib` KiB together are read by the driver itself, which then starts no Spark.
    `engine` is what reads the VCFs: our reader ("native"), or Hail ("hail"), always with Spark.
    """

    request: str
    database: str
    data_lake_bucket: str
    range_mib: int = 32
    alone_kib: int = 32 << 10
    engine: str = ENGINES[0]


def arguments(options: VariantsOptions) -> dict[str, str]:
    """The options as Glue takes them."""
    return job_arguments.written(options)


def parse(argv: Sequence[str]) -> VariantsOptions:
    """Read the job's arguments (without the script's name)."""
    return job_arguments.parse(VariantsOptions, argv, job="variants")
