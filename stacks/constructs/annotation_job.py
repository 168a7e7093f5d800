"""ClinVar's tables, and the job that loads releases of annotations into them and into tables of its own."""

from collections.abc import Sequence

from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import ANNOTATION_TABLES, TABLE_PREFIX, current_view
from genomics.contracts.annotations import REQUEST_ARGUMENT
from genomics.contracts.tables import REJECTS
from glue_jobs.annotations.options import AnnotationsOptions, arguments
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.lake_table import LakeTable, catalog_arns, grant_partitions
from stacks.constructs.object_access import grant_delete, grant_read, grant_write
from stacks.constructs.spark_job import SparkJob, SparkSize

_DECLARED = f"{TABLE_PREFIX}*"
_TABLES = tuple(table.name for table in ANNOTATION_TABLES)


class AnnotationJob(Construct):
    """`job_name` takes a release of an annotation, from the internet or the data lake, to its table, as `role`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: glue.Database,
        data_lake: s3.IBucket,
        packages: Sequence[str],
        size: SparkSize,
    ) -> None:
        super().__init__(scope, construct_id)
        for table in ANNOTATION_TABLES:
            name = table.name.title().replace("_", "")
            LakeTable(self, f"{name}Table", table=table, database=database, bucket=data_lake)
        options = AnnotationsOptions(
            request="",
            database=database.database_name,
            data_lake_bucket=data_lake.bucket_name,
        )
        job = SparkJob(
            self,
            "Job",
            name="annotations",
            description="ClinVar and other annotations to tables, a release at a time",
            arguments={name: value for name, value in arguments(options).items() if name != REQUEST_ARGUMENT},
            packages=packages,
            size=size,
        )
        self.job_name, self.role = job.job.job_name, job.role
        grant_read(data_lake, job.role, object_keys.ANNOTATIONS, *_written())
        grant_write(data_lake, job.role, object_keys.ANNOTATIONS, *_written())
        grant_delete(data_lake, job.role, *_written())
        grant_partitions(job.role, database, [*_TABLES, _DECLARED, REJECTS.name])
        _grant_definitions(job.role, database)


def _written() -> tuple[str, ...]:
    """Prefixes of what loads write and replace."""
    return (
        *(object_keys.table(table) for table in _TABLES),
        f"{object_keys.TABLES}{TABLE_PREFIX}",
        object_keys.table_partition(REJECTS.name, {"dataset": "annotations/"}, "").rstrip("/"),
        object_keys.annotation_loads(),
    )


def _grant_definitions(role: iam.Role, database: glue.Database) -> None:
    """Let the job define tables of declared schemas, and say which release is the newest; no other table."""
    views = [current_view(table) for table in _TABLES]
    arns = catalog_arns(database, [*views, _DECLARED])
    role.add_to_policy(
        iam.PolicyStatement(actions=["glue:GetTable", "glue:CreateTable", "glue:UpdateTable"], resources=arns)
    )
    acknowledge(
        role,
        "AwsSolutions-IAM5",
        "Tables of declared schemas do not exist before they are declared; this is the pattern of their names.",
        resource_finding(arns[-1], seen_from=role),
    )
