"""Glue script: loads VCFs into the tables variants, genotypes and rejects."""

import sys

from pyspark.sql import SparkSession

from glue_jobs.variants.catalog import CatalogError
from glue_jobs.variants.options import parse
from glue_jobs.variants.transform import LoadError, load


def main(argv: list[str]) -> None:
    """Run the job; what cannot be loaded ends it with one line for each source."""
    options = parse(argv)
    spark = SparkSession.builder.appName("variants").getOrCreate()
    try:
        for line in load(spark, options):
            print(line, flush=True)
    except (LoadError, CatalogError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
