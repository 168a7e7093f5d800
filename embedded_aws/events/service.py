"""EventBridge: rules deliver to their targets off the request's thread, in order of arrival, retried, with a DLQ.

moto alone delivers inside the caller's request, only to queues and log groups, and ignores a rule's state.
"""

import copy
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.events import delivery as event_delivery
from embedded_aws.events import patterns as event_patterns
from embedded_aws.events import schedules
from embedded_aws.guard import Patch
from embedded_aws.messaging import queue_pollers, queues
from embedded_aws.s3 import announcements as object_events

_SEND_TO_TARGETS = Patch("moto.events.models:Rule.send_to_targets", "472e002e2dab8a59")
_PUT_TARGETS = Patch("moto.events.models:EventsBackend.put_targets", "5c3742b61a68c82b")
PATCHES = (
    _SEND_TO_TARGETS,
    _PUT_TARGETS,
    *object_events.PATCHES,
    *queue_pollers.PATCHES,
    *queues.PATCHES,
    *event_patterns.PATCHES,
    *schedules.PATCHES,
)

_INSTALLED: list[event_delivery.Delivery] = []


def install(context: Context) -> None:
    """Put our delivery in the place of moto's."""
    delivering = event_delivery.Delivery(context)

    def send_to_targets(rule: Any, event: Mapping[str, Any], transform_input: bool = True) -> None:
        _offer(delivering, rule, event)

    def put_targets(backend: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        event_delivery.require_supported(targets)
        original_put_targets(backend, name, event_bus_arn, targets)

    _SEND_TO_TARGETS.apply(send_to_targets)
    original_put_targets = _PUT_TARGETS.apply(put_targets)
    object_events.install(context, delivering, emit)
    event_patterns.install()
    queues.install(context)
    queue_pollers.install(context)
    schedules.install(context, delivering)
    delivering.start()
    _INSTALLED[:] = [delivering]


def delivery() -> event_delivery.Delivery:
    """The instance's delivery of events."""
    return _INSTALLED[0]


def emit(
    context: Context,
    *,
    source: str,
    detail_type: str,
    resources: Sequence[str],
    detail: Callable[[], Mapping[str, Any]],
) -> None:
    """Put a service's own event on the default bus. `detail` is only asked for when a rule may want the event."""
    bus = events_backends[context.account][context.region].event_buses["default"]
    rules = [rule for rule in list(bus.rules.values()) if _may_want(rule, source)]
    if not rules:
        return
    event: Any = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": context.account,
        "time": clock.now(),
        "region": context.region,
        "resources": list(resources),
        "detail": detail(),
    }
    for rule in rules:
        rule.send_to_targets(event)


def _offer(delivery: event_delivery.Delivery, rule: Any, event: Mapping[str, Any]) -> None:
    if rule.state == "DISABLED" or rule.scheduled_expression:
        return
    told = _as_told(event)
    if rule.event_pattern.matches_event(told):
        for target in copy.deepcopy(rule.targets):
            delivery.put(event_delivery.Origin(rule.name, rule.arn), target, told)


def _as_told(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as targets see it: its time to the second, and nothing of moto's own."""
    told = {name: value for name, value in event.items() if name not in ("time", "ingestion-time")}
    moment = event["time"]
    if not isinstance(moment, str) or moment.replace(".", "", 1).isdigit():
        moment = datetime.fromtimestamp(float(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    order = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    told["time"] = moment
    ordered = {name: told[name] for name in order if name in told}
    copied: dict[str, Any] = json.loads(json.dumps({**ordered, **told}, default=str))
    return copied


def _may_want(rule: Any, source: str) -> bool:
    wanted = rule.event_pattern.get_pattern().get("source")
    return wanted is None or source in wanted or any(isinstance(item, dict) for item in wanted)
