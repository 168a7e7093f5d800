"""EventBridge: rules deliver to their targets off the request's thread, in order of arrival, retried, with a DLQ.

moto alone delivers inside the caller's request, only to queues and log groups, ignores a rule's state, and announces
one multipart upload twice.
"""

import copy
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends
from moto.s3.models import s3_backends

from embedded_aws import clock, event_delivery, event_patterns, queue_pollers, queues, schedules
from embedded_aws.context import Context
from embedded_aws.guard import Patch

_SEND_TO_TARGETS = Patch("moto.events.models:Rule.send_to_targets", "472e002e2dab8a59")
_PUT_TARGETS = Patch("moto.events.models:EventsBackend.put_targets", "5c3742b61a68c82b")
_S3_EVENT = Patch("moto.s3.notifications:_send_event_bridge_message", "971cee49c68708d2")
PATCHES = (
    _SEND_TO_TARGETS,
    _PUT_TARGETS,
    _S3_EVENT,
    *queue_pollers.PATCHES,
    *queues.PATCHES,
    *event_patterns.PATCHES,
    *schedules.PATCHES,
)

_REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}
_DELETION_TYPES = {
    "ObjectRemoved:Delete": "Permanently Deleted",
    "ObjectRemoved:DeleteMarkerCreated": "Delete Marker Created",
}
_DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "ObjectAcl": "Object ACL Updated",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectRestore:Post": "Object Restore Initiated",
    "ObjectRestore:Completed": "Object Restore Completed",
    "ObjectRestore:Delete": "Object Restore Expired",
}

_INSTALLED: list[event_delivery.Delivery] = []


def install(context: Context) -> None:
    """Put our delivery in the place of moto's."""
    delivering = event_delivery.Delivery(context)

    def send_to_targets(rule: Any, event: Mapping[str, Any], transform_input: bool = True) -> None:
        _offer(delivering, rule, event)

    def put_targets(backend: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        event_delivery.require_supported(targets)
        original_put_targets(backend, name, event_bus_arn, targets)

    def s3_event(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        name = str(getattr(event_name, "value", event_name)).removeprefix("s3:")
        if _is_announced(context, name, key):
            emit(
                context,
                source="aws.s3",
                detail_type=_detail_type(name),
                resources=[bucket.arn],
                detail=lambda: _s3_detail(context, bucket, name, key),
            )

    _SEND_TO_TARGETS.apply(send_to_targets)
    original_put_targets = _PUT_TARGETS.apply(put_targets)
    _S3_EVENT.apply(s3_event)
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


def _is_announced(context: Context, name: str, key: Any) -> bool:
    # moto completes a multipart upload through put_object, and tags whatever it puts, and tells of both.
    if name == "ObjectCreated:Put":
        return key.multipart is None
    if name == "ObjectTagging:Put":
        return bool(s3_backends[context.account][context.partition].tagger.get_tag_dict_for_resource(key.arn))
    return True


def _detail_type(name: str) -> str:
    return _DETAIL_TYPES.get(name) or _DETAIL_TYPES.get(name.partition(":")[0]) or name


def _s3_detail(context: Context, bucket: Any, name: str, key: Any) -> dict[str, Any]:
    """As in the S3 User Guide, "EventBridge event message structure"."""
    thing = {"key": key.name, "sequencer": f"{time.time_ns():018X}"}
    if not name.startswith("ObjectRemoved"):
        thing |= {"size": key.size, "etag": key.etag.strip('"')}
    if bucket.is_versioned:
        thing["version-id"] = key.version_id
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": thing,
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": context.account,
        "source-ip-address": "127.0.0.1",
    }
    if name in _REASONS:
        detail["reason"] = _REASONS[name]
    if name in _DELETION_TYPES:
        detail["deletion-type"] = _DELETION_TYPES[name]
    return detail
