"""ClinVar, kept up to date: a Glue workflow that finds the newest release, loads it, checks it and tells of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import events, object_keys
from genomics.contracts.annotation_tables import ANNOTATION_TABLES, TABLE_PREFIX
from genomics.contracts.annotations import REQUEST_ARGUMENT
from genomics.contracts.codec import dumps
from genomics.contracts.load_checks import LoadLimits
from genomics.contracts.tables import REJECTS
from glue_jobs.annotation_checks import options as checks
from glue_jobs.annotation_refresh import options as refresh
from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.glue_security import GlueSecurity
from stacks.constructs.lake_table import catalog_arns
from stacks.constructs.object_access import grant_read, grant_write
from stacks.constructs.spark_job import SparkJob, SparkSize

# Both read little, and start no Spark: the smallest job that there is.
_SIZE = SparkSize("G.1X", workers=2, timeout_minutes=60)


@dataclass(frozen=True)
class ClinvarSource:
    """Where ClinVar's VCF is, with its MD5 beside it. `schedule` is a cron() expression in UTC; None: on demand."""

    url: str
    assembly: str
    schedule: str | None


class AnnotationRefresh(Construct):
    """`workflow` is its name: refresh, then `load_job`, then the checks, each once the one before has succeeded.

    `refresh_job` and `checks_job` are the names of its own jobs, `checks_role` reads tables; `security` may be shared.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: ClinvarSource,
        load_job: str,
        database: glue.Database,
        data_lake: s3.IBucket,
        limits: LoadLimits,
        packages: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._database, self._data_lake, self._packages = database, data_lake, packages
        self.security = GlueSecurity.made_in(self)
        workflow = glue.CfnWorkflow(
            self, "Workflow", description="The newest release of ClinVar into the lake", max_concurrent_runs=1
        )
        self.workflow = workflow.ref
        request = object_keys.annotation_request("refresh")
        self.refresh_job = self._refresh_job(source, request).job.job_name
        checks_job = self._checks_job(limits)
        self.checks_job, self.checks_role = checks_job.job.job_name, checks_job.role
        asked = {REQUEST_ARGUMENT: object_keys.uri(data_lake.bucket_name, request)}
        # A workflow has one trigger that starts it; one with a schedule can be started by hand all the same.
        self._trigger("Start", [_action(self.refresh_job)], schedule=source.schedule)
        self._trigger("Load", [_action(load_job, asked)], after=self.refresh_job)
        self._trigger("Check", [_action(self.checks_job)], after=load_job)

    def _trigger(
        self,
        construct_id: str,
        actions: list[glue.CfnTrigger.ActionProperty],
        *,
        after: str | None = None,
        schedule: str | None = None,
    ) -> None:
        kind = "CONDITIONAL" if after else "SCHEDULED" if schedule else "ON_DEMAND"
        condition = glue.CfnTrigger.ConditionProperty(logical_operator="EQUALS", job_name=after, state="SUCCEEDED")
        glue.CfnTrigger(
            self,
            f"{construct_id}Trigger",
            type=kind,
            actions=actions,
            workflow_name=self.workflow,
            schedule=schedule,
            predicate=glue.CfnTrigger.PredicateProperty(logical="AND", conditions=[condition]) if after else None,
            # Glue refuses it for triggers that somebody starts.
            start_on_creation=None if kind == "ON_DEMAND" else True,
        )

    def _refresh_job(self, source: ClinvarSource, request: str) -> SparkJob:
        options = refresh.RefreshOptions(
            source=source.url,
            assembly=source.assembly,
            request=object_keys.uri(self._data_lake.bucket_name, request),
            data_lake_bucket=self._data_lake.bucket_name,
        )
        job = self._job("annotation_refresh", "Finds the newest release of ClinVar", refresh.arguments(options))
        grant_read(self._data_lake, job.role, object_keys.ANNOTATIONS, object_keys.annotation_loads())
        grant_write(self._data_lake, job.role, request)
        workflow = cdk.Stack.of(self).format_arn(service="glue", resource="workflow", resource_name=self.workflow)
        job.role.add_to_policy(iam.PolicyStatement(actions=["glue:GetWorkflowRunProperties"], resources=[workflow]))
        return job

    def _checks_job(self, limits: LoadLimits) -> SparkJob:
        options = checks.ChecksOptions(
            database=self._database.database_name,
            data_lake_bucket=self._data_lake.bucket_name,
            limits=dumps(limits),
        )
        job = self._job("annotation_checks", "Checks releases of annotations", checks.arguments(options))
        tables = [table.name for table in ANNOTATION_TABLES]
        written = [object_keys.table(name) for name in tables]
        rejects = object_keys.table_partition(REJECTS.name, {"dataset": "annotations/"}, "").rstrip("/")
        reports = object_keys.load_checks("annotations/").rstrip("/")
        prefixes = (*written, f"{object_keys.TABLES}{TABLE_PREFIX}", rejects, object_keys.annotation_loads(), reports)
        grant_read(self._data_lake, job.role, *prefixes)
        grant_write(self._data_lake, job.role, reports)
        catalog = catalog_arns(self._database, [*tables, f"{TABLE_PREFIX}*"])
        job.role.add_to_policy(iam.PolicyStatement(actions=["glue:GetTable", "glue:GetPartitions"], resources=catalog))
        acknowledge(
            job.role,
            "AwsSolutions-IAM5",
            "Tables of declared schemas do not exist before they are declared; this is the pattern of their names.",
            resource_finding(catalog[-1], seen_from=job.role),
        )
        bus = cdk.Stack.of(self).format_arn(service="events", resource="event-bus", resource_name="default")
        job.role.add_to_policy(
            iam.PolicyStatement(
                actions=["events:PutEvents"],
                resources=[bus],
                conditions={"StringEquals": {"events:source": events.SOURCE}},
            )
        )
        return job

    def _job(self, name: str, description: str, arguments: dict[str, str]) -> SparkJob:
        return SparkJob(
            self,
            "".join(word.title() for word in name.split("_")),
            name=name,
            description=description,
            arguments=arguments,
            packages=self._packages,
            size=_SIZE,
            security=self.security,
        )


def _action(job: str, arguments: dict[str, str] | None = None) -> glue.CfnTrigger.ActionProperty:
    return glue.CfnTrigger.ActionProperty(job_name=job, arguments=arguments)
