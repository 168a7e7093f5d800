"""The Task of a state machine that runs a step's tool."""

from aws_cdk import aws_batch as batch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genomics.contracts.monitoring import PROJECT_TAG, RUN_TAG, SAMPLE_TAG, TOOL_TAG
from stacks.constructs.batch_tool import BatchTool
from stacks.constructs.job_access import BATCH_FAULTS, QUEUE_HOURS
from stacks.constructs.tool_job import ATTEMPTS
from stacks.constructs.workflow import add_patient_retry, run_job


def run_tool(
    scope: Construct,
    state: str,
    *,
    tool: BatchTool,
    queue: batch.IJobQueue | str,
    project: str,
    job: str,
    of_sample: bool,
    is_last: bool = False,
) -> sfn.CustomState:
    """A Task that runs the tool on the task that stands at `job`, and waits for its end.

    `queue` may be where in the state a queue's ARN stands. Batch itself repeats what the machine caused
    (tool_job.ATTEMPTS); a tool's own error is final. The state's `run_id`, and its `sample` where the job is
    `of_sample`, become tags, by which the job's costs are asked for. `is_last` is run_job's.
    """
    tags = {PROJECT_TAG: project, TOOL_TAG: tool.tool, f"{RUN_TAG}.$": "$.run_id"}
    if of_sample:
        tags[f"{SAMPLE_TAG}.$"] = "$.sample"
    task = run_job(
        scope,
        state,
        action="batch:submitJob",
        parameters={
            "JobDefinition": tool.job_definition.job_definition_arn,
            **({"JobQueue.$": queue} if isinstance(queue, str) else {"JobQueue": queue.job_queue_arn}),
            "JobName.$": f"{job}.name",
            "Parameters": {"task.$": f"{job}.task"},
            "Tags": tags,
        },
        timeout_seconds=ATTEMPTS * tool.size.timeout_minutes * 60 + QUEUE_HOURS * 3600,
        is_last=is_last,
    )
    add_patient_retry(task, BATCH_FAULTS)
    return task
