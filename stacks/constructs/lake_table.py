"""A table of genomics.contracts in the Glue catalog, over Parquet files."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.tables import Column, Table

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


class LakeTable(Construct):
    """`name` in `database`; its rows lie below `object_keys.table(name)` in `bucket`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, table: Table, database: glue.Database, bucket: s3.IBucket
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = table.name
        glue.CfnTable(
            self,
            "Table",
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_name=database.database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=table.name,
                description=table.description,
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "parquet"},
                partition_keys=[_column(column) for column in table.partitions],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[_column(column) for column in table.columns],
                    location=f"s3://{bucket.bucket_name}/{object_keys.table(table.name)}",
                    input_format=f"{_PARQUET}.MapredParquetInputFormat",
                    output_format=f"{_PARQUET}.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe",
                        parameters={"serialization.format": "1"},
                    ),
                ),
            ),
        )


def _column(column: Column) -> glue.CfnTable.ColumnProperty:
    return glue.CfnTable.ColumnProperty(name=column.name, type=column.type, comment=column.comment)


def catalog_arns(database: glue.Database, tables: Sequence[str]) -> list[str]:
    """What a policy on tables names: these, by name or pattern, their database and the catalog."""
    stack = cdk.Stack.of(database)
    arns = [
        stack.format_arn(service="glue", resource="table", resource_name=f"{database.database_name}/{table}")
        for table in tables
    ]
    return [stack.format_arn(service="glue", resource="catalog"), database.database_arn, *arns]


def grant_partitions(role: iam.Role, database: glue.Database, tables: Sequence[str]) -> None:
    """Let a job point the tables' partitions at what it has written; it may not change what a table is."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=[
                "glue:GetTable",
                "glue:GetPartitions",
                "glue:BatchCreatePartition",
                "glue:BatchUpdatePartition",
                "glue:BatchDeletePartition",
            ],
            resources=catalog_arns(database, tables),
        )
    )
