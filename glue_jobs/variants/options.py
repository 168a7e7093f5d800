"""Arguments of the variants job: the stack writes them, the job reads them. Standard library only."""

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields


@dataclass(frozen=True)
class VariantsOptions:
    """What the job is told.

    `request` is the s3:// URI of a LoadRequest, `database` the Glue database whose tables are loaded,
    `data_lake_bucket` the bucket that holds them. A task reads `range_mib` MiB of compressed VCF.
    Sources of up to `alone_kib` KiB together are read by the driver itself, which then starts no Spark.
    """

    request: str
    database: str
    data_lake_bucket: str
    range_mib: int = 32
    alone_kib: int = 32 << 10


def arguments(options: VariantsOptions) -> dict[str, str]:
    """The options as Glue takes them: `--name` to text. Values may be references that are resolved later."""
    return {f"--{field.name}": str(getattr(options, field.name)) for field in fields(options)}


def parse(argv: Sequence[str]) -> VariantsOptions:
    """Read a job's arguments (without the script's name). Those that Glue adds of its own (`--JOB_NAME`) are ignored.

    A missing or malformed argument ends the process with a line that names it.
    """
    parser = argparse.ArgumentParser(prog="variants", allow_abbrev=False)
    for field in fields(VariantsOptions):
        required = field.default is MISSING
        default = None if required else field.default
        parser.add_argument(f"--{field.name}", type=type(default or ""), required=required, default=default)
    known, _ = parser.parse_known_args(argv)
    return VariantsOptions(**vars(known))
