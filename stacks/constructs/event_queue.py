"""Events of the default bus start a function through a queue, and what it cannot deal with is kept for a person."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.dead_letters import dead_letter_queue

_RECEIVES = 3


class EventQueue(Construct):
    """`queue` takes the events that fit `pattern`; after three failed receipts they lie in `dead_letters`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pattern: events.EventPattern,
        description: str,
        function_timeout_seconds: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # Lambda's own advice: six times the function's time, so that no message is seen twice while one is at work.
            visibility_timeout=cdk.Duration.seconds(6 * function_timeout_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_RECEIVES),
        )
        events.Rule(
            self,
            "Arrivals",
            description=description,
            event_pattern=pattern,
            targets=[
                targets.SqsQueue(
                    self.queue,
                    dead_letter_queue=self.dead_letters,
                    retry_attempts=8,
                    max_event_age=cdk.Duration.hours(6),
                )
            ],
        )

    def feed(self, function: lambda_.IFunction, *, batch_size: int = 10) -> None:
        """Let the function receive what arrives; of several messages it answers which it could not deal with."""
        function.add_event_source(
            sources.SqsEventSource(self.queue, batch_size=batch_size, report_batch_item_failures=batch_size > 1)
        )
