"""Queues of what could not be delivered or dealt with, kept as long as SQS keeps anything: for a person to look at."""

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.findings import acknowledge


def dead_letter_queue(scope: Construct, construct_id: str) -> sqs.Queue:
    """A queue of what another queue's receiver could not deal with."""
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
    )


def undelivered_events(scope: Construct) -> sqs.Queue:
    """A queue of events that rules could not deliver to their targets."""
    queue = dead_letter_queue(scope, "UndeliveredEvents")
    acknowledge(queue, "AwsSolutions-SQS3", "It is the dead-letter queue of the rules.")
    return queue
