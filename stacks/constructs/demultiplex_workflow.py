"""The state machine of a demultiplexing. What passes between its states is told in lambdas/secondary/README.md."""

from aws_cdk import aws_batch as batch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs.batch_tool import BatchTool
from stacks.constructs.job_access import grant_jobs
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.tool_task import run_tool
from stacks.constructs.workflow import ERROR, Workflow, invoke, rethrow


class DemultiplexWorkflow(Construct):
    """`state_machine` takes a run folder from its arrival to a request for a run of each study, lane by lane."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan_lanes: PythonFunction,
        request_runs: PythonFunction,
        record_run_failure: PythonFunction,
        tool: BatchTool,
        queue: batch.IJobQueue,
        project: str,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        plan = invoke(self, "PlanLanes", plan_lanes)
        job = run_tool(
            self, "Demultiplex", tool=tool, queue=queue, project=project, job="$.job", of_sample=False, is_last=True
        )
        lanes = self._lanes(job)
        request = invoke(self, "RequestRuns", request_runs)
        failed = self._failed(record_run_failure)
        for state in (plan, lanes, request):
            state.add_catch(failed, errors=["States.ALL"], result_path=ERROR)
        workflow = Workflow(
            self,
            "Workflow",
            definition=plan.next(lanes).next(request).next(sfn.Succeed(self, "Requested")),
            functions=(plan_lanes, request_runs, record_run_failure),
            comment="One run folder: every lane from its base calls to reads by sample",
            timeout_days=14,
            log_retention_days=log_retention_days,
        )
        self.state_machine = workflow.state_machine
        grant_jobs(workflow.role, [queue], [tool.job_definition])

    def _lanes(self, job: sfn.CustomState) -> sfn.Map:
        """The first lane that fails ends all, with its error."""
        job.add_catch(rethrow(self, "LaneFailed"), errors=["States.ALL"], result_path=ERROR)
        return sfn.Map(
            self,
            "Lanes",
            items_path="$.lanes",
            item_selector={
                "run_id": sfn.JsonPath.string_at("$.run_id"),
                "job": sfn.JsonPath.object_at("$$.Map.Item.Value"),
            },
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(job)

    def _failed(self, record_run_failure: PythonFunction) -> sfn.IChainable:
        record = invoke(self, "RecordFailure", record_run_failure)
        record.add_catch(rethrow(self, "FailedUnrecorded"), errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        return record.next(sfn.Fail(self, "Failed", error="DemultiplexingFailed", cause_path="$.line"))
