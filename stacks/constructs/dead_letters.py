"""Queues of what could not be delivered or dealt with, kept as long as SQS keeps anything: for a person to look at."""

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.findings import acknowledge


def dead_letter_queue(scope: Construct, construct_id: str = "UndeliveredEvents") -> sqs.Queue:
    """A queue of dead letters, which has none behind itself."""
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
    )
    acknowledge(queue, "AwsSolutions-SQS3", "It is a dead-letter queue itself.")
    return queue
