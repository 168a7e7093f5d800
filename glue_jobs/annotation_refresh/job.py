"""Glue script: finds out which release of ClinVar there is, and writes the request for it."""

import sys

import boto3

from genomics.contracts.annotations import AnnotationError
from glue_jobs.annotation_refresh.options import parse
from glue_jobs.annotation_refresh.transform import refresh


def main(argv: list[str]) -> None:
    """Run the job; what cannot be had ends it with one line."""
    try:
        print(refresh(parse(argv), boto3.client("glue")), flush=True)
    except AnnotationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
