"""The state machine of a load. What passes between its states is told in lambdas/lake/README.md."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts import events
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.spark_job import SparkJob
from stacks.constructs.workflow import ERROR, Workflow, add_retry, emit, invoke, rethrow, run_job

_GLUE_FAULTS = (
    "Glue.ThrottlingException",
    "Glue.InternalServiceException",
    "Glue.OperationTimeoutException",
    "Glue.AWSGlueException",
    "Glue.GlueException",
)
# How long a load may wait for those before it.
_QUEUE_HOURS = 24
# The job runs once at a time. Glue queues further runs, but not in every case: then it refuses to start them.
_BUSY = "Glue.ConcurrentRunsExceededException"
_BUSY_LONGEST_WAIT_SECONDS = 300


@dataclass(frozen=True)
class LoadFunctions:
    """What decides and records, by the names of their states."""

    plan_load: PythonFunction
    check_load: PythonFunction
    record_load: PythonFunction
    record_load_failure: PythonFunction

    def all(self) -> tuple[PythonFunction, ...]:
        """Every one of them."""
        return tuple(vars(self).values())


class LoadWorkflow(Construct):
    """`state_machine` takes `VariantsCalled` to `VariantsLoaded`; `run_arguments` are paths in PlanLoad's answer."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: LoadFunctions,
        job: SparkJob,
        run_arguments: Mapping[str, str],
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._functions, self._job, self._run_arguments = functions, job, run_arguments
        workflow = Workflow(
            self,
            "Workflow",
            definition=self._load(),
            functions=functions.all(),
            comment="One load: a run's variants into the lake's tables",
            timeout_days=7,
            log_retention_days=log_retention_days,
        )
        self.state_machine = workflow.state_machine
        workflow.role.add_to_policy(
            iam.PolicyStatement(
                # Step Functions starts a run, asks for its end, and stops it should the load be stopped.
                actions=["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
                resources=[job.job.job_arn],
            )
        )

    def _load(self) -> sfn.Chain:
        plan_load = invoke(self, "PlanLoad", self._functions.plan_load)
        load_variants = self._load_variants()
        check_load = invoke(self, "CheckLoad", self._functions.check_load)
        record_load = invoke(self, "RecordLoad", self._functions.record_load)
        names = [field.name for field in fields(events.VariantsLoaded)]
        emit_loaded = emit(
            self,
            "EmitVariantsLoaded",
            source=events.SOURCE,
            detail_type=events.VARIANTS_LOADED,
            detail={name: sfn.JsonPath.string_at(f"$.{name}") for name in names},
        )
        failed = self._load_failed()
        for state in (plan_load, load_variants, check_load, record_load, emit_loaded):
            state.add_catch(failed, errors=["States.ALL"], result_path=ERROR)

        emit_loaded.next(sfn.Succeed(self, "Succeeded"))
        anything = (
            sfn.Choice(self, "Anything?")
            .when(
                sfn.Condition.number_greater_than("$.sources", 0),
                load_variants.next(check_load).next(record_load).next(emit_loaded),
            )
            .otherwise(emit_loaded)
        )
        return plan_load.next(anything)

    def _load_variants(self) -> sfn.CustomState:
        task = run_job(
            self,
            "LoadVariants",
            action="glue:startJobRun",
            parameters={
                "JobName": self._job.job.job_name,
                "Arguments": {f"{name}.$": path for name, path in self._run_arguments.items()},
            },
            timeout_seconds=self._job.timeout_minutes * 60 + _QUEUE_HOURS * 3600,
        )
        add_retry(task, _GLUE_FAULTS)
        task.add_retry(
            errors=[_BUSY],
            interval=cdk.Duration.seconds(60),
            backoff_rate=2,
            max_delay=cdk.Duration.seconds(_BUSY_LONGEST_WAIT_SECONDS),
            # Two more than the longest waits in the queue's hours: the first three waits are shorter.
            max_attempts=_QUEUE_HOURS * 3600 // _BUSY_LONGEST_WAIT_SECONDS + 2,
        )
        return task

    def _load_failed(self) -> sfn.IChainable:
        record = invoke(self, "RecordLoadFailure", self._functions.record_load_failure)
        record.add_catch(rethrow(self, "LoadFailedUnrecorded"), errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        return record.next(sfn.Fail(self, "LoadFailed", error="LoadFailed", cause_path="$.line"))
