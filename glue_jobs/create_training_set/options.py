"""Arguments of the job that makes training sets: the stack and whoever starts it write them, the job reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from glue_jobs import arguments as job_arguments

# Glue passes no empty arguments on.
NONE = "none"


@dataclass(frozen=True)
class CreateTrainingSetOptions:
    """What the job is told.

    `release` is the date of a release of ClinVar that the lake has, `newest` the newest one. `consequences` is the
    s3:// URI of the release annotated by VEP or bcftools csq; `reference` and `gff` are s3:// URIs that bcftools csq is
    run with where there is no such file. NONE stands for those that are not given.
    """

    data_lake_bucket: str
    assembly: str = "GRCh38"
    release: str = "newest"
    consequences: str = NONE
    reference: str = NONE
    gff: str = NONE


def arguments(options: CreateTrainingSetOptions) -> dict[str, str]:
    """The options as Glue takes them."""
    return job_arguments.written(options)


def parse(argv: Sequence[str]) -> CreateTrainingSetOptions:
    """Read the job's arguments (without the script's name)."""
    return job_arguments.parse(CreateTrainingSetOptions, argv, job="create-training-set")
