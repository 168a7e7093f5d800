"""What S3 tells of its objects: to EventBridge, and to the queues, topics and functions of a bucket's notifications.

moto alone calls the destinations inside the request, drops what fails there, and tells twice of a multipart upload.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from moto.s3.models import s3_backends

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.events import delivery as event_delivery
from embedded_aws.guard import Patch

_SEND = Patch("moto.s3.notifications:send_event", "da8a7c7c6f2b0a8f")
PATCHES = (_SEND,)

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


Emit = Callable[..., None]


def install(context: Context, delivery: event_delivery.Delivery, emit: Emit) -> None:
    """Have what happens to objects told; `emit` is events.emit."""

    def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        configuration = bucket.notification_configuration
        name = str(getattr(event_name, "value", event_name)).removeprefix("s3:")
        if configuration is None or not _is_announced(context, name, key):
            return
        sequencer = f"{time.time_ns():018X}"
        for notification in _wanted(configuration, name, key.name):
            record = _record(context, bucket, name, key, sequencer, notification.id)
            target = {"Arn": notification.arn, "Input": json.dumps({"Records": [record]})}
            delivery.put(event_delivery.Origin(bucket.name, bucket.arn), target, record)
        if configuration.event_bridge is not None:
            emit(
                context,
                source="aws.s3",
                detail_type=_detail_type(name),
                resources=[bucket.arn],
                detail=lambda: _detail(context, bucket, name, key, sequencer),
            )

    _SEND.apply(send_event)


def _wanted(configuration: Any, name: str, key: str) -> Iterator[Any]:
    for notification in [*configuration.cloud_function, *configuration.queue, *configuration.topic]:
        rules = (notification.filters.get("S3Key") or {}).get("FilterRule") or []
        affixes = {rule["Name"]: rule["Value"] for rule in rules}
        is_key = key.startswith(affixes.get("prefix", "")) and key.endswith(affixes.get("suffix", ""))
        if is_key and {f"s3:{name}", f"s3:{name.partition(':')[0]}:*"} & set(notification.events):
            yield notification


def _is_announced(context: Context, name: str, key: Any) -> bool:
    # moto completes a multipart upload through put_object, and tags whatever it puts, and tells of both.
    if name == "ObjectCreated:Put":
        return key.multipart is None
    if name == "ObjectTagging:Put":
        return bool(s3_backends[context.account][context.partition].tagger.get_tag_dict_for_resource(key.arn))
    return True


def _detail_type(name: str) -> str:
    return _DETAIL_TYPES.get(name) or _DETAIL_TYPES.get(name.partition(":")[0]) or name


def _detail(context: Context, bucket: Any, name: str, key: Any, sequencer: str) -> dict[str, Any]:
    """As in the S3 User Guide, "EventBridge event message structure"."""
    thing = {"key": key.name, "sequencer": sequencer}
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


def _record(
    context: Context, bucket: Any, name: str, key: Any, sequencer: str, configuration_id: str
) -> dict[str, Any]:
    """As in the S3 User Guide, "Event message structure": keys are URL-encoded there."""
    thing = {"key": quote_plus(key.name), "sequencer": sequencer}
    if not name.startswith("ObjectRemoved"):
        thing |= {"size": key.size, "eTag": key.etag.strip('"')}
    if bucket.is_versioned:
        thing["versionId"] = key.version_id
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": context.region,
        "eventTime": datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        "eventName": name,
        "userIdentity": {"principalId": context.account},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": uuid.uuid4().hex[:16].upper(), "x-amz-id-2": uuid.uuid4().hex},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": context.account}, "arn": bucket.arn},
            "object": thing,
        },
    }
