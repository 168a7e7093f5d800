"""Arguments of the job: the stack writes them, the job reads them. Standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass

from glue_jobs import arguments as job_arguments

# Properties of a workflow's run that go before the arguments of the same names.
SOURCE, ASSEMBLY = "source", "assembly"


@dataclass(frozen=True)
class RefreshOptions:
    """What the job is told.

    `source` is the https:// or s3:// URI of ClinVar's VCF, with its MD5 in `<source>.md5`, and `assembly` its genome.
    `request` is the s3:// URI that the AnnotationRequest is written to, `data_lake_bucket` the bucket that holds the
    lake. A run of a workflow (Glue says of which) may have properties that go before.
    """

    source: str
    assembly: str
    request: str
    data_lake_bucket: str
    WORKFLOW_NAME: str = ""
    WORKFLOW_RUN_ID: str = ""


def arguments(options: RefreshOptions) -> dict[str, str]:
    """The options as Glue takes them; of the workflow's run Glue tells itself."""
    return {name: value for name, value in job_arguments.written(options).items() if not name.startswith("--WORKFLOW")}


def parse(argv: Sequence[str]) -> RefreshOptions:
    """Read the job's arguments (without the script's name)."""
    return job_arguments.parse(RefreshOptions, argv, job="annotation_refresh")
