"""Arguments of the annotations job: the stack and the command line write them, the job reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from glue_jobs import arguments as job_arguments


@dataclass(frozen=True)
class AnnotationsOptions:
    """What the job is told.

    `source` is the https:// or s3:// URI of a release, `release` its date, `run_id` what its rows say of this load.
    `schema` is the s3:// URI of an AnnotationSchema; without one the source is ClinVar's. `assembly` is that of
    ClinVar's VCF. `md5` is the file's checksum; without it that in `<source>.md5` counts. The rest is as in
    VariantsOptions.
    """

    source: str
    release: str
    run_id: str
    database: str
    data_lake_bucket: str
    schema: str = ""
    assembly: str = "GRCh38"
    md5: str = ""
    range_mib: int = 32
    alone_kib: int = 2048


def arguments(options: AnnotationsOptions) -> dict[str, str]:
    """The options as Glue takes them."""
    return job_arguments.written(options)


def parse(argv: Sequence[str]) -> AnnotationsOptions:
    """Read the job's arguments (without the script's name)."""
    return job_arguments.parse(AnnotationsOptions, argv, job="annotations")
