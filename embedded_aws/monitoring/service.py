"""CloudWatch: metrics in log lines are counted, queues tell their depth, percentiles are computed, alarms evaluated.

Step Functions and Lambda report through `metrics`. moto alone lists a metric of two dimensions once for each value.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.monitoring import alarms, metrics, queue_depths
from embedded_aws.monitoring.log_metrics import values_in

_LOG = Patch("moto.logs.models:LogStream.put_log_events", "b07b0d5ae328f7dd")
_LIST = Patch("moto.cloudwatch.models:CloudWatchBackend.get_filtered_metrics", "63270f556ea9d022")
_STATISTIC = Patch("moto.cloudwatch.models:Statistics.get_statistics_for_type", "d10becd72eee65f1")
_ALL = Patch("moto.cloudwatch.models:CloudWatchBackend.get_all_metrics", "ce7821bc32f49f4d")
PATCHES = (_LOG, _LIST, _STATISTIC, _ALL)

_PERCENTILE = re.compile(r"p(?P<rank>\d{1,2}(\.\d+)?|100)")


def install(context: Context) -> None:
    """Have metrics come into being, and alarms look at them."""

    def put_log_events(stream: Any, log_events: Sequence[Mapping[str, Any]]) -> str:
        metrics.put(context, *(value for event in log_events for value in values_in(event["message"])))
        return str(original_put(stream, log_events))

    def statistic(statistics: Any, name: str) -> Any:
        if found := _PERCENTILE.fullmatch(name):
            return percentile(statistics.metric_single_values_list, float(found["rank"]))
        return original_statistic(statistics, name)

    original_put = _LOG.apply(put_log_events)
    original_statistic = _STATISTIC.apply(statistic)
    _LIST.apply(_filtered_metrics)
    original_all: Any = _ALL.apply(lambda backend: [*original_all(backend), *queue_depths.now(context)])
    alarms.install(context)


def start(context: Context) -> None:
    """Begin to look at alarms."""
    alarms.start(context)


def percentile(values: Sequence[float], rank: float) -> float | None:
    """The value below or at which `rank` per cent of the values lie, between two of them linearly; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * rank / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _filtered_metrics(
    backend: Any, metric_name: str | None, namespace: str | None, dimensions: Sequence[Mapping[str, str]] | None
) -> list[Any]:
    """ListMetrics: each metric once, whatever its values."""
    found: dict[Any, Any] = {}
    for datum in backend.get_all_metrics():
        key = datum.namespace, datum.name, frozenset((d.name, d.value) for d in datum.dimensions)
        if key not in found and datum.filter(namespace=namespace, name=metric_name, dimensions=dimensions or []):
            found[key] = datum
    return list(found.values())
