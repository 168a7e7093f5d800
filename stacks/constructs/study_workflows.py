"""The state machines of the archive. What passes between their states is told in lambdas/archive/README.md."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from genomics.contracts.ledger import ARCHIVE, RESTORE
from genomics.contracts.monitoring import PROJECT_TAG, STUDY_TAG, TOOL_TAG
from stacks.constructs.archive_tool import ArchiveTool
from stacks.constructs.job_access import BATCH_FAULTS, QUEUE_HOURS, grant_jobs
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.workflow import ERROR, LAMBDA_FAULTS, Workflow, add_retry, invoke, rethrow, run_job

# S3 User Guide, "Understanding archive retrieval options": Bulk takes 48 hours, for very large restores longer.
_LONGEST_RETRIEVAL_DAYS = 7


@dataclass(frozen=True)
class StudyJobs:
    """What archives and restores studies, on which queue, and what records that it could not. `project` is a tag."""

    tool: ArchiveTool
    queue: batch.IJobQueue
    record_failure: PythonFunction
    project: str


@dataclass(frozen=True)
class RestoreFunctions:
    """What a restore asks and tells, by the names of its states."""

    begin_restore: PythonFunction
    await_tars: PythonFunction
    notify_requesters: PythonFunction


class ArchiveWorkflow(Construct):
    """`state_machine` takes a study's objects to Deep Archive."""

    def __init__(self, scope: Construct, construct_id: str, *, jobs: StudyJobs, log_retention_days: int) -> None:
        super().__init__(scope, construct_id)
        job = _job(self, "ArchiveStudy", jobs, action="archive")
        job.add_catch(_failed(self, jobs), errors=["States.ALL"], result_path=ERROR)
        named = _named(self, ARCHIVE, "study", "request", "name")
        workflow = Workflow(
            self,
            "Workflow",
            definition=named.next(job).next(sfn.Succeed(self, "Archived")),
            functions=[jobs.record_failure],
            comment="One archive: a study's BCL, FASTQ and VCF to Deep Archive",
            timeout_days=14,
            log_retention_days=log_retention_days,
        )
        self.state_machine = workflow.state_machine
        grant_jobs(workflow.role, [jobs.queue], [jobs.tool.job_definition])


class RestoreWorkflow(Construct):
    """`state_machine` brings a study back: it asks S3 for the tars and sleeps until they can be read."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        jobs: StudyJobs,
        functions: RestoreFunctions,
        file_share_arns: Sequence[str],
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        workflow = Workflow(
            self,
            "Workflow",
            definition=self._definition(jobs, functions, file_share_arns),
            functions=[jobs.record_failure, *vars(functions).values()],
            comment="One restore: a study from Deep Archive to where it was",
            timeout_days=21,
            log_retention_days=log_retention_days,
        )
        self.state_machine = workflow.state_machine
        grant_jobs(workflow.role, [jobs.queue], [jobs.tool.job_definition])

    def _definition(self, jobs: StudyJobs, functions: RestoreFunctions, file_share_arns: Sequence[str]) -> sfn.Chain:
        begin = invoke(self, "BeginRestore", functions.begin_restore)
        wait = self._await_tars(functions.await_tars)
        job = _job(self, "RestoreStudy", jobs, action="restore")
        notify = invoke(self, "NotifyRequesters", functions.notify_requesters)
        failed = _failed(self, jobs)
        states: list[sfn.TaskStateBase | sfn.CustomState] = [begin, wait, job, notify]
        for state in states:
            state.add_catch(failed, errors=["States.ALL"], result_path=ERROR)

        told = notify.next(sfn.Succeed(self, "Restored"))
        # From the last to the first, as each has to know what comes after it, done or not.
        for number, arn in reversed(list(enumerate(file_share_arns, 1))):
            told = self._refresh(number, arn, then=told)
        tars_needed = (
            sfn.Choice(self, "TarsNeeded?")
            .when(sfn.Condition.boolean_equals("$.joined", True), sfn.Succeed(self, "Joined"))
            .when(sfn.Condition.number_greater_than("$.tars", 0), wait.next(job).next(told))
            .otherwise(told)
        )
        return _named(self, RESTORE, "study", "email").next(begin).next(tars_needed)

    def _await_tars(self, function: PythonFunction) -> tasks.LambdaInvoke:
        given = {"study": sfn.JsonPath.string_at("$.study"), "token": sfn.JsonPath.task_token}
        task = tasks.LambdaInvoke(
            self,
            "AwaitTars",
            lambda_function=function.function,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object(given),
            result_path=sfn.JsonPath.DISCARD,
            retry_on_service_exceptions=False,
            task_timeout=sfn.Timeout.duration(cdk.Duration.days(_LONGEST_RETRIEVAL_DAYS)),
        )
        add_retry(task, LAMBDA_FAULTS)
        return task

    def _refresh(self, number: int, file_share_arn: str, *, then: sfn.Chain) -> sfn.Chain:
        """Have a file share see what is back: S3 tells a gateway of nothing. A gateway that is away holds up nobody."""
        task = tasks.CallAwsService(
            self,
            f"RefreshShare{number}",
            service="storagegateway",
            action="refreshCache",
            parameters={"FileShareARN": file_share_arn, "FolderList": ["/"], "Recursive": True},
            iam_resources=[file_share_arn],
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=sfn.Timeout.duration(cdk.Duration.minutes(5)),
        )
        task.add_retry(errors=["States.ALL"], interval=cdk.Duration.minutes(1), max_attempts=3, backoff_rate=2)
        task.add_catch(then, errors=["States.ALL"], result_path="$.unrefreshed")
        return task.next(then)


def _named(scope: Construct, item: str, *fields: str) -> sfn.Pass:
    """The input's `fields`, with what the ledger calls the work, and the execution."""
    given = {name: sfn.JsonPath.string_at(f"$.{name}") for name in fields}
    return sfn.Pass(
        scope, "Named", parameters={**given, "item": item, "execution": sfn.JsonPath.string_at("$$.Execution.Id")}
    )


def _job(scope: Construct, state: str, jobs: StudyJobs, *, action: str) -> sfn.CustomState:
    task = run_job(
        scope,
        state,
        action="batch:submitJob",
        parameters={
            "JobDefinition": jobs.tool.job_definition.job_definition_arn,
            "JobQueue": jobs.queue.job_queue_arn,
            "JobName.$": "$.name",
            "Parameters": {"action": action, "request.$": "$.request"},
            "Tags": {PROJECT_TAG: jobs.project, TOOL_TAG: jobs.tool.tool, f"{STUDY_TAG}.$": "$.study"},
        },
        timeout_seconds=jobs.tool.timeout_seconds + QUEUE_HOURS * 3600,
    )
    add_retry(task, BATCH_FAULTS)
    return task


def _failed(scope: Construct, jobs: StudyJobs) -> sfn.IChainable:
    record = invoke(scope, "RecordFailure", jobs.record_failure)
    record.add_catch(rethrow(scope, "FailedUnrecorded"), errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
    return record.next(sfn.Fail(scope, "Failed", error="StudyFailed", cause_path="$.line"))
