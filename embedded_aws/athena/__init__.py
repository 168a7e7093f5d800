"""Athena that answers: Trino's SQL, through DuckDB, over the Glue catalog and the objects in S3.

A query is bound over empty tables of the catalog's schema first. Its plan says which partitions, columns and row
groups it needs; only those objects are fetched, as the caller, and only their bytes count as scanned.

What differs from AWS: tables are of Parquet; arithmetic between decimals follows DuckDB; prepared statements, federated
catalogs and Iceberg are absent.
"""

from embedded_aws.athena.service import PATCHES, install

__all__ = ["PATCHES", "install"]
