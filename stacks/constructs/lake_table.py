"""A table of genomics.contracts.tables in the Glue catalog, over Parquet files."""

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
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
