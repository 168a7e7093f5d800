"""Glue script: makes the training set of a release of ClinVar."""

import sys

from genomics.contracts.training_sets import TrainingSetError
from glue_jobs.create_training_set.options import parse
from glue_jobs.create_training_set.transform import create


def main(argv: list[str]) -> None:
    """Run the job; a training set that cannot be made ends it with one line."""
    try:
        print(create(parse(argv)), flush=True)
    except TrainingSetError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
