"""Stage lake: variants become tables that SQL answers from."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.environment import PlanLoadEnvironment
from genomics.contracts.events import SOURCE, VARIANTS_CALLED
from genomics.contracts.load_checks import LoadLimits
from genomics.contracts.named_queries import QUERIES
from genomics.contracts.tables import LOOKUPS, RELEASES, TABLES
from glue_jobs.variants.options import VariantsOptions, arguments
from stacks.constructs.annotation_job import AnnotationJob
from stacks.constructs.annotation_refresh import AnnotationRefresh, ClinvarSource
from stacks.constructs.dead_letters import undelivered_events
from stacks.constructs.deployment_outputs import offer
from stacks.constructs.lake_access import LakeAccess
from stacks.constructs.lake_table import LakeTable, grant_partitions
from stacks.constructs.load_checks import CheckLoadFunction, load_notices
from stacks.constructs.load_workflow import LoadFunctions, LoadWorkflow
from stacks.constructs.object_access import grant_delete, grant_read, grant_write
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.query_workgroup import QueryWorkgroup
from stacks.constructs.run_ledger import RunLedger
from stacks.constructs.session_role import SessionRole
from stacks.constructs.spark_job import SparkExtension, SparkJob, SparkSize, pinned
from stacks.constructs.tenant_crawler import TenantCrawler
from stacks.constructs.warehouse import Warehouse

# What reading VCFs takes, beside Spark's own.
_READER_PACKAGES = ("isal", "numba", "pyarrow", "pysam")
# What Spark is told where Hail reads them: https://hail.is/docs/0.2/install/other-cluster.html
_HAIL_SETTINGS = {
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.kryo.registrator": "is.hail.kryo.HailKryoRegistrator",
}


@dataclass(frozen=True)
class LakeConfig:
    """`project` prefixes what must have a name: the database, which SQL writes, and the workgroup.

    What is loaded is held against `limits`. A schedule is a cron() expression in UTC; None: on demand.
    `analysts` and `administrators` are ARNs: who may take the role that selects, and who joins Lake Formation's own.
    `engine` reads VCFs: "native", or "hail", for which Hail's jar must lie in the data lake (docs/operations.md).
    """

    project: str
    engine: str
    spark_worker_type: str
    spark_workers: int
    spark_timeout_minutes: int
    query_scan_limit_gib: int
    analysts: tuple[str, ...]
    administrators: tuple[str, ...]
    redshift_rpus: int
    log_retention_days: int
    disposable: bool
    limits: LoadLimits
    clinvar: ClinvarSource
    tenant_crawl_schedule: str | None


class Lake(cdk.Stack):
    """Catalog, the job that fills it, the state machine that drives the job, and the workgroup that answers."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sequencing: s3.IBucket,
        data_lake: s3.IBucket,
        ledger: RunLedger,
        vpc: ec2.IVpc,
        config: LakeConfig,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self._sequencing, self._data_lake, self._ledger, self._config = sequencing, data_lake, ledger, config
        self._spark_size = SparkSize(config.spark_worker_type, config.spark_workers, config.spark_timeout_minutes)
        self._database = glue.Database(
            self,
            "Database",
            database_name=config.project.replace("-", "_"),
            description="Variants and genotypes",
            location_uri=f"s3://{data_lake.bucket_name}/{object_keys.TABLES}",
        )
        for table in (*TABLES, *LOOKUPS, *RELEASES):
            LakeTable(self, f"{table.name.title()}Table", table=table, database=self._database, bucket=data_lake)
        job, run_arguments = self._variants_job()
        functions = self._load_functions()
        loads = LoadWorkflow(
            self,
            "Loads",
            functions=functions,
            job=job,
            run_arguments=run_arguments,
            log_retention_days=config.log_retention_days,
        )
        self.loads = loads.state_machine
        self.dead_letters = self._start_on_variants_called(loads.state_machine)
        annotations = AnnotationJob(
            self,
            "Annotations",
            database=self._database,
            data_lake=data_lake,
            packages=_READER_PACKAGES,
            size=self._spark_size,
        )
        refresh = AnnotationRefresh(
            self,
            "Refresh",
            source=config.clinvar,
            load_job=annotations.job_name,
            database=self._database,
            data_lake=data_lake,
            limits=config.limits,
            packages=_READER_PACKAGES,
        )
        crawler = TenantCrawler(
            self,
            "Tenants",
            database_name=f"{config.project.replace('-', '_')}_tenants",
            data_lake=data_lake,
            schedule=config.tenant_crawl_schedule,
            security=refresh.security,
        )
        sessions = SessionRole(
            self,
            "Sessions",
            databases=[self._database, crawler.database],
            data_lake=data_lake,
            security=refresh.security,
        )
        self.notices = load_notices(
            sequencing=sequencing,
            data_lake=data_lake,
            jobs=[refresh.refresh_job, annotations.job_name, refresh.checks_job],
        )
        workgroup = self._workgroup()
        access = LakeAccess(
            self,
            "Access",
            database=self._database,
            data_lake=data_lake,
            project=config.project,
            workgroup=workgroup.name,
            writers={"Variants": job.role, "Annotations": annotations.role},
            readers={"Checks": refresh.checks_role, "Sessions": sessions.role},
            analysts=config.analysts,
            administrators=config.administrators,
        )
        offer(
            self,
            load_state_machine_arn=loads.state_machine.state_machine_arn,
            lake_database=self._database.database_name,
            lake_workgroup=workgroup.name,
            analysts_role_arn=access.analysts.role_arn,
            variants_job=job.job.job_name,
            check_load_function=functions.check_load.function.function_name,
            annotations_job=annotations.job_name,
            clinvar_workflow=refresh.workflow,
            tenant_crawler=crawler.name,
            tenant_database=crawler.database.database_name,
            session_role_arn=sessions.role.role_arn,
            session_users_policy_arn=sessions.users.managed_policy_arn,
        )
        if config.redshift_rpus:
            warehouse = Warehouse(
                self,
                "Warehouse",
                name=config.project,
                database=self._database,
                vpc=vpc,
                rpus=config.redshift_rpus,
                disposable=config.disposable,
            )
            access.let_select("Warehouse", warehouse.role)
            offer(self, external_schema_statement=warehouse.statement)

    def _variants_job(self) -> tuple[SparkJob, dict[str, str]]:
        options = VariantsOptions(
            request="$.request",
            database=self._database.database_name,
            data_lake_bucket=self._data_lake.bucket_name,
            engine=self._config.engine,
        )
        per_run = {"--request"}
        given = arguments(options)
        hail = self._hail() if self._config.engine == "hail" else None
        job = SparkJob(
            self,
            "VariantsJob",
            name="variants",
            description="VCF to the tables variants, genotypes, consequences and rejects",
            arguments={name: value for name, value in given.items() if name not in per_run},
            packages=(*_READER_PACKAGES, "hail") if hail else _READER_PACKAGES,
            size=self._spark_size,
            extension=hail,
        )
        grant_read(self._sequencing, job.role, object_keys.RUNS, object_keys.STEPS)
        for grant in (grant_read, grant_write, grant_delete):
            grant(self._data_lake, job.role, object_keys.TABLES, object_keys.LOADS)
        grant_partitions(job.role, self._database, [table.name for table in (*TABLES, *LOOKUPS, *RELEASES)])
        return job, {name: value for name, value in given.items() if name in per_run}

    def _hail(self) -> SparkExtension:
        (requirement,) = pinned(["hail"])
        jar = object_keys.hail_jar(requirement.partition("==")[2])
        return SparkExtension(glue.Code.from_bucket(self._data_lake, jar), _HAIL_SETTINGS)

    def _load_functions(self) -> LoadFunctions:
        functions = LoadFunctions(
            plan_load=self._function("plan_load", "Decides which of a run's samples the lake has not got yet"),
            check_load=CheckLoadFunction(
                self,
                "CheckLoadFunction",
                sequencing=self._sequencing,
                data_lake=self._data_lake,
                limits=self._config.limits,
                log_retention_days=self._config.log_retention_days,
            ),
            record_load=self._function("record_load", "Says what was loaded"),
            record_load_failure=self._function("record_load_failure", "Says why a load failed"),
        )
        for function in (functions.plan_load, functions.record_load):
            grant_read(self._sequencing, function.role, object_keys.RUNS)
            grant_read(self._data_lake, function.role, object_keys.LOADS)
        grant_write(self._sequencing, functions.plan_load.role, object_keys.RUNS)
        return functions

    def _function(self, module: str, description: str) -> PythonFunction:
        environment = PlanLoadEnvironment(
            data_lake_bucket=self._data_lake.bucket_name,
            sequencing_bucket=self._sequencing.bucket_name,
            ledger_table=self._ledger.table.table_name,
        )
        function = PythonFunction(
            self,
            f"{module.title().replace('_', '')}Function",
            stage="lake",
            module=module,
            description=description,
            environment=environment.variables(),
            timeout_seconds=300,
            log_retention_days=self._config.log_retention_days,
        )
        self._ledger.grant_update(function.role)
        return function

    def _start_on_variants_called(self, loads: sfn.StateMachine) -> sqs.Queue:
        """Returns the queue of events that started no load."""
        undelivered = undelivered_events(self)
        role = iam.Role(self, "EventsRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        events.Rule(
            self,
            "VariantsCalled",
            description="Runs of this deployment that have called variants",
            event_pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=[VARIANTS_CALLED],
                # The bus is shared by all deployments of the account; the results' bucket tells whose run it was.
                detail={"results": [{"prefix": f"s3://{self._sequencing.bucket_name}/"}]},
            ),
            targets=[
                targets.SfnStateMachine(
                    loads,
                    input=events.RuleTargetInput.from_event_path("$.detail"),
                    role=role,
                    dead_letter_queue=undelivered,
                    retry_attempts=8,
                    max_event_age=cdk.Duration.hours(6),
                )
            ],
        )
        return undelivered

    def _workgroup(self) -> QueryWorkgroup:
        key = self._data_lake.encryption_key
        assert key is not None  # noqa: S101 - every DataBucket has one
        return QueryWorkgroup(
            self,
            "Queries",
            name=self._config.project,
            database=self._database.database_name,
            bucket=self._data_lake,
            prefix=object_keys.QUERY_RESULTS,
            key=key,
            scan_limit_gib=self._config.query_scan_limit_gib,
            queries=QUERIES,
            recursive_delete=self._config.disposable,
        )
