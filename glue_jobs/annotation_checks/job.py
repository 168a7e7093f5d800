"""Glue script: checks releases of annotations that are not checked yet."""

import sys

import boto3

from glue_jobs.annotation_checks.options import parse
from glue_jobs.annotation_checks.transform import check


def main(argv: list[str]) -> None:
    """Run the job. A check that fails is told, and does not fail the job."""
    for line in check(parse(argv), boto3.client("events")):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
