"""A small lake in the contracts' schema, and what asks it questions."""

import io
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embedded_aws import clients
from embedded_aws.athena.types import Type, from_hive
from genomics.contracts import tables

DATABASE = "lake_tests"
BUCKET = "athena-lake"


@dataclass
class Lake:
    """Asks Athena; `client` is its API."""

    work_group: str = "lake-tests"
    client: Any = field(default_factory=lambda: clients.client("athena"))

    def start(self, sql: str, **parameters: Any) -> str:
        defaults = {"QueryExecutionContext": {"Database": DATABASE}, "WorkGroup": self.work_group}
        identifier: str = self.client.start_query_execution(QueryString=sql, **{**defaults, **parameters})[
            "QueryExecutionId"
        ]
        return identifier

    def wait(self, identifier: str) -> dict[str, Any]:
        for _ in range(3000):
            execution: dict[str, Any] = self.client.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]
            if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return execution
            time.sleep(0.02)
        raise AssertionError("the query does not end")

    def run(self, sql: str, **parameters: Any) -> dict[str, Any]:
        """The query's execution when it has ended."""
        return self.wait(self.start(sql, **parameters))

    def answer(self, sql: str, **parameters: Any) -> list[list[str | None]]:
        """The rows of a query that succeeds, without its title row."""
        return self.rows(self.start(sql, **parameters))

    def rows(self, identifier: str) -> list[list[str | None]]:
        """The same of a query that was started."""
        execution = self.wait(identifier)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]["StateChangeReason"]
        pages = self.client.get_paginator("get_query_results").paginate(QueryExecutionId=identifier)
        found = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
        rows = [[cell.get("VarCharValue") for cell in row] for row in found]
        return rows[1:] if execution["SubstatementType"] == "SELECT" else rows

    def refusal(self, sql: str, **parameters: Any) -> str:
        """Why a query fails."""
        execution = self.run(sql, **parameters)
        assert execution["Status"]["State"] == "FAILED", self.answer(sql, **parameters)
        reason: str = execution["Status"]["StateChangeReason"]
        return reason


def arrow_type(kind: Type) -> pa.DataType:
    if kind.name == "array":
        return pa.list_(arrow_type(kind.arguments[0]))
    if kind.name == "map":
        return pa.map_(*(arrow_type(argument) for argument in kind.arguments))
    return {
        "bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "varchar": pa.string(),
        "boolean": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("ms"), "real": pa.float32(),
    }[kind.name]  # fmt: skip


def parquet(columns: dict[str, str], rows: list[dict[str, Any]], **options: Any) -> bytes:
    """A Parquet file of rows; `columns` are names and Hive types."""
    schema = pa.schema([(name, arrow_type(from_hive(kind))) for name, kind in columns.items()])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer, **options)
    return buffer.getvalue()


def create_table(name: str, columns: dict[str, str], keys: dict[str, str] | None = None) -> None:
    def described(given: dict[str, str]) -> list[dict[str, str]]:
        return [{"Name": name, "Type": kind} for name, kind in given.items()]

    clients.client("glue").create_table(
        DatabaseName=DATABASE,
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": described(keys or {}),
            "StorageDescriptor": {
                "Columns": described(columns),
                "Location": f"s3://{BUCKET}/tables/{name}/",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
            },
        },
    )


def put(key: str, content: bytes) -> None:
    clients.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def add_partition(table: str, values: list[str], location: str) -> None:
    glue = clients.client("glue")
    descriptor = glue.get_table(DatabaseName=DATABASE, Name=table)["Table"]["StorageDescriptor"]
    partition = {"Values": values, "StorageDescriptor": {**descriptor, "Location": location}}
    glue.create_partition(DatabaseName=DATABASE, TableName=table, PartitionInput=partition)


@pytest.fixture(scope="session")
def lake_tables() -> SimpleNamespace:
    """What makes further tables of the lake."""
    return SimpleNamespace(create=create_table, parquet=parquet, put=put, add_partition=add_partition)


VARIANT_COLUMNS, VARIANT_KEYS, GENOTYPE_COLUMNS, GENOTYPE_KEYS = (
    {column.name: column.type for column in columns}
    for table in (tables.VARIANTS, tables.GENOTYPES)
    for columns in (table.columns, table.partitions)
)
DATASET = "study/cohort a"  # a value that has to be quoted in a path


def variant(pos: int, ref: str, alt: str | None, **values: Any) -> dict[str, Any]:
    return {
        "pos": pos, "ref": ref, "alt": alt, "alt_index": 1, "original_pos": pos, "original_ref": ref,
        "original_alts": [alt] if alt else None, "end": pos + len(ref) - 1, "run_id": "r1",
        "source_uri": "s3://x/a.vcf.gz", "source_sha256": "00", **values,
    }  # fmt: skip


CHR20 = [
    variant(100, "A", "G", qual=50.5, filters=["PASS"], depth=30, allele_count=1, allele_number=2, allele_frequency=0.5,
            ids=["rs1", "rs2"], info_integers=[("DP", [30]), ("MQ", [60, None])], info_floats=[("AF", [0.5])],
            info_strings=[("CLNSIG", ["Benign"])], info_flags=["DB"]),
    variant(200, "C", "T", qual=10.0, filters=["LowQual", "SB"], depth=8, allele_count=2, allele_number=2,
            allele_frequency=1.0, info_integers=[("DP", [8])], info_floats=[("AF", [1.0])]),
    variant(300, "AT", "A", qual=None, filters=None, depth=None, allele_count=1, allele_number=2),
]  # fmt: skip
CHR21 = [
    variant(100, "G", "C", qual=1e7, filters=["PASS"], depth=12, allele_count=1, allele_number=4,
            allele_frequency=0.25, info_integers=[("DP", [12])]),
    variant(150, "T", None, qual=0.0001, filters=["PASS"], depth=40),
]  # fmt: skip
NA1 = [
    {**variant(100, "A", "G"), "chrom": "chr20", "genotype": "0/1", "alleles": [0, 1], "phased": False, "dosage": 1,
     "depth": 30, "genotype_quality": 99, "allele_depths": [14, 16]},
    {**variant(200, "C", "T"), "chrom": "chr20", "genotype": "1|1", "alleles": [1, 1], "phased": True, "dosage": 2,
     "depth": 8, "genotype_quality": 20, "allele_depths": [0, 8]},
]  # fmt: skip
NA2 = [
    {**variant(100, "G", "C"), "chrom": "chr21", "genotype": "./1", "alleles": [None, 1], "phased": False,
     "dosage": None, "depth": None},
]  # fmt: skip


def _rows(rows: list[dict[str, Any]], columns: dict[str, str]) -> list[dict[str, Any]]:
    return [{name: row.get(name) for name in columns} for row in rows]


@pytest.fixture(scope="package")
def lake(services: Any) -> Lake:
    clients.client("s3").create_bucket(Bucket=BUCKET)
    clients.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    create_table("variants", VARIANT_COLUMNS, VARIANT_KEYS)
    for chrom, rows in (("chr20", CHR20), ("chr21", CHR21)):
        put(f"tables/variants/{chrom}/part-0.parquet", parquet(VARIANT_COLUMNS, _rows(rows, VARIANT_COLUMNS)))
        add_partition("variants", [DATASET, chrom], f"s3://{BUCKET}/tables/variants/{chrom}/")
    create_table("genotypes", GENOTYPE_COLUMNS, GENOTYPE_KEYS)
    for sample, rows in (("NA1", NA1), ("NA2", NA2)):
        put(f"tables/genotypes/{sample}/part-0.parquet", parquet(GENOTYPE_COLUMNS, _rows(rows, GENOTYPE_COLUMNS)))
        add_partition("genotypes", [DATASET, sample], f"s3://{BUCKET}/tables/genotypes/{sample}/")
    create_table("numbers", {"n": "bigint", "f": "double", "name": "string", "day": "date", "at": "timestamp"})
    clients.client("athena").create_work_group(
        Name="lake-tests",
        Configuration={
            "EnforceWorkGroupConfiguration": False,
            "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/query-results/"},
        },
    )
    return Lake()
