"""What a state machine may do with Batch, to run jobs and wait for them."""

import itertools
from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_iam as iam

from stacks.constructs.findings import acknowledge, resource_finding

BATCH_FAULTS = (
    "Batch.TooManyRequestsException",
    "Batch.ServerException",
    "Batch.AWSBatchException",
    "Batch.BatchException",
)
# How long a job may wait for a machine.
QUEUE_HOURS = 24


def grant_jobs(
    role: iam.Role, queues: Iterable[batch.IJobQueue], definitions: Iterable[batch.EcsJobDefinition]
) -> None:
    """Let a state machine's role submit jobs of the definitions with tags, wait for their end, and stop them."""
    for definition, queue in itertools.product(definitions, queues):
        definition.grant_submit_job(role, queue)
    stack = cdk.Stack.of(role)
    jobs = stack.format_arn(service="batch", resource="job", resource_name="*")
    # A .sync Task learns of a job's end through this rule of Step Functions' own, and stops jobs of stopped runs.
    rule = stack.format_arn(service="events", resource="rule", resource_name="StepFunctionsGetEventsForBatchJobsRule")
    role.add_to_policy(
        iam.PolicyStatement(actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"], resources=[rule])
    )
    role.add_to_policy(iam.PolicyStatement(actions=["batch:TerminateJob", "batch:TagResource"], resources=[jobs]))
    # Describing jobs has no resource level in IAM.
    role.add_to_policy(iam.PolicyStatement(actions=["batch:DescribeJobs"], resources=["*"]))
    acknowledge(
        role,
        "AwsSolutions-IAM5",
        "Jobs get their identifiers when they are submitted, so none can be named before.",
        resource_finding(jobs, seen_from=role),
    )
