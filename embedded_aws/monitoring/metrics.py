"""What services report to CloudWatch by themselves. The last VALUES_KEPT values are remembered, of all metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moto.cloudwatch.models import MetricDatum, cloudwatch_backends

from embedded_aws import clock
from embedded_aws.context import Context

# CloudWatch keeps values of one minute for 15 days.
VALUES_KEPT = 20_000


@dataclass(frozen=True)
class Value:
    """One value of a metric. `at` is in seconds since the epoch; None is the present."""

    namespace: str
    name: str
    value: float
    unit: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    at: float | None = None


def put(context: Context, *values: Value) -> None:
    """Add values to CloudWatch's."""
    kept = cloudwatch_backends[context.account][context.region].metric_data
    kept.extend(datum(value) for value in values)
    if len(kept) > VALUES_KEPT:
        del kept[: VALUES_KEPT // 10]


def datum(value: Value) -> MetricDatum:
    """The value as moto keeps it, whose times are in UTC without saying so."""
    moment = datetime.fromtimestamp(clock.now() if value.at is None else value.at, UTC).replace(tzinfo=None)
    dimensions = [{"Name": name, "Value": text} for name, text in value.dimensions.items()]
    return MetricDatum(value.namespace, value.name, value.value, dimensions, moment, value.unit)
