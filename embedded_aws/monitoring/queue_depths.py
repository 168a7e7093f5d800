"""SQS's metrics of how many messages a queue holds: those of the moment in which somebody asks CloudWatch.

SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS". SQS reports once a minute, and of a queue that
nobody has used for six hours nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudwatch.models import MetricDatum
from moto.sqs.models import sqs_backends

from embedded_aws.context import Context
from embedded_aws.monitoring.metrics import Value, datum

_DEPTHS: Mapping[str, Callable[[Any], int]] = {
    "ApproximateNumberOfMessagesVisible": lambda queue: queue.approximate_number_of_messages,
    "ApproximateNumberOfMessagesNotVisible": lambda queue: queue.approximate_number_of_messages_not_visible,
    "ApproximateNumberOfMessagesDelayed": lambda queue: queue.approximate_number_of_messages_delayed,
}


def now(context: Context) -> list[MetricDatum]:
    """The depths of all queues."""
    return [
        datum(Value("AWS/SQS", name, float(depth(queue)), "Count", {"QueueName": queue.name}))
        for queue in list(sqs_backends[context.account][context.region].queues.values())
        for name, depth in _DEPTHS.items()
    ]
