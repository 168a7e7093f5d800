"""Tables that tenants bring: Parquet and CSV below their prefix of the data lake, found by a crawler."""

import json

from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.glue_security import GlueSecurity
from stacks.constructs.lake_table import catalog_arns
from stacks.constructs.object_access import grant_read

# Counted from the bucket, which is 1: tenants/<tenant>/<table>/
_TABLE_LEVEL = 4


class TenantCrawler(Construct):
    """`name` of the crawler, which makes a table in `database` of each folder `tenants/<tenant>/<table>/`.

    It runs on demand, and by `schedule`, a cron() expression in UTC, where there is one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database_name: str,
        data_lake: s3.IBucket,
        schedule: str | None,
        security: GlueSecurity,
    ) -> None:
        super().__init__(scope, construct_id)
        self.database = glue.Database(
            self, "Database", database_name=database_name, description="Tables as tenants have brought them"
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        grant_read(data_lake, role, object_keys.TENANTS)
        security.grant(role, "crawlers")
        _grant_tables(role, self.database)
        crawler = glue.CfnCrawler(
            self,
            "Crawler",
            description="Tables that tenants bring",
            role=role.role_arn,
            database_name=self.database.database_name,
            targets=glue.CfnCrawler.TargetsProperty(
                s3_targets=[
                    glue.CfnCrawler.S3TargetProperty(path=f"s3://{data_lake.bucket_name}/{object_keys.TENANTS}")
                ]
            ),
            schedule=glue.CfnCrawler.ScheduleProperty(schedule_expression=schedule) if schedule else None,
            # A file that is gone is no reason to forget a table that somebody may have described.
            schema_change_policy=glue.CfnCrawler.SchemaChangePolicyProperty(
                update_behavior="UPDATE_IN_DATABASE", delete_behavior="LOG"
            ),
            configuration=json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": _TABLE_LEVEL}}),
            crawler_security_configuration=security.configuration.security_configuration_name,
        )
        crawler.node.add_dependency(role)
        self.name = crawler.ref


def _grant_tables(role: iam.Role, database: glue.Database) -> None:
    """Let the crawler describe what it finds, in this database and nowhere else."""
    arns = catalog_arns(database, ["*"])
    role.add_to_policy(
        iam.PolicyStatement(
            actions=[
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:GetTables",
                "glue:CreateTable",
                "glue:UpdateTable",
                "glue:GetPartition",
                "glue:GetPartitions",
                "glue:BatchGetPartition",
                "glue:BatchCreatePartition",
                "glue:BatchUpdatePartition",
                "glue:UpdatePartition",
            ],
            resources=arns,
        )
    )
    acknowledge(
        role,
        "AwsSolutions-IAM5",
        "What tables there are is what the crawler is to find out; the database is its own.",
        resource_finding(arns[-1], seen_from=role),
    )
