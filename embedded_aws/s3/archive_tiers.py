"""S3's archive classes: RestoreObject takes the hours of its tier, and until then the object cannot be read.

Hours pass on the instance's clock. moto restores at the first look, knows no tier and no version, and announces nothing
that EventBridge would tell.
"""

import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from moto.s3 import models
from moto.s3.exceptions import MalformedXML, MissingKey, MissingVersion
from moto.s3.models import s3_backends

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.durable import objects
from embedded_aws.durable.restorations import Restoration
from embedded_aws.events import service as events
from embedded_aws.guard import Patch

_POST_KEY = Patch("moto.s3.responses:S3Response._key_response_post", "d6ab8e66ad85a193")
_UTC_NOW = Patch("moto.s3.models:utcnow", "7b8bb404c4f6dc02")
PATCHES = (
    _POST_KEY,
    _UTC_NOW,
    # Its property `status` is replaced.
    Patch("moto.s3.models:FakeKey.__init__", "cd9d1347667a9ccf"),
)

_MINUTE, _HOUR = 60.0, 3600.0
# S3 User Guide, "Understanding archive retrieval options": by class and tier, the longest that it typically takes.
_SECONDS: Mapping[str, Mapping[str, float]] = {
    "GLACIER": {"Expedited": 5 * _MINUTE, "Standard": 5 * _HOUR, "Bulk": 12 * _HOUR},
    "DEEP_ARCHIVE": {"Standard": 12 * _HOUR, "Bulk": 48 * _HOUR},
}
_IN_PROGRESS, _RESTORED = "IN_PROGRESS", "RESTORED"


class RestoreRefusedError(Exception):
    """No copy is begun; `code` and `status` as S3 answers them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def install(context: Context) -> None:
    """Have archived objects restored as their tiers say, when the clock says so."""

    def status(key: Any) -> str | None:
        _look(context, key)
        found: str | None = key._status
        return found

    def post_key(
        response: Any, request: Any, body: bytes, bucket_name: str, query: dict[str, Any], key_name: str
    ) -> Any:
        if "restore" not in query:
            return original_post(response, request, body, bucket_name, query, key_name)
        response._set_action("KEY", "POST", query)
        response._authenticate_and_authorize_s3_action(bucket_name=bucket_name, key_name=key_name)
        version = query.get("versionId")
        version = version[0] if isinstance(version, list) else version
        key = response.backend.get_object(bucket_name, key_name, version_id=version)
        if key is None:
            raise MissingVersion if version else MissingKey
        days, tier = _asked(body)
        try:
            return _restore(context, key, days, tier), {}, ""
        except RestoreRefusedError as error:
            # moto knows the status of those errors only that the API's model lists.
            told = f"<Error><Code>{error.code}</Code><Message>{error}</Message></Error>"
            return error.status, {"Content-Type": "application/xml"}, told

    def look_at_all() -> None:
        for key in _restored_keys(context):
            _look(context, key)

    def set_status(key: Any, value: str | None) -> None:
        key._status = value

    original_post: Callable[..., Any] = _POST_KEY.apply(post_key)
    models.FakeKey.status = property(status, set_status)  # type: ignore[assignment]
    # Objects are as old as the instance's clock says; moto keeps times in UTC without saying so.
    _UTC_NOW.apply(lambda: datetime.fromtimestamp(clock.now(), UTC).replace(tzinfo=None))
    clock.on_advance(look_at_all)


def _restore(context: Context, key: Any, days: int, tier: str) -> int:
    """S3 API Reference, RestoreObject: 202 where a copy is begun, 200 where there is one, which stays longer."""
    tiers = _SECONDS.get(key.storage_class)
    if tiers is None:
        message = "Restore is not allowed for the object's current storage class"
        raise RestoreRefusedError(403, "InvalidObjectState", message)
    if tier not in tiers:
        message = "Retrieval option is not supported by this storage class"
        raise RestoreRefusedError(400, "InvalidArgument", message)
    _look(context, key)
    before: Restoration | None = getattr(key, "_restoration", None)
    asked = Restoration(tier, clock.now() + tiers[tier], days)
    if before and key._status == _RESTORED:
        _keep(key, replace(asked, due=clock.now()), _RESTORED)
        return 200
    if before and before.due <= asked.due:
        raise RestoreRefusedError(409, "RestoreAlreadyInProgress", "Object restore is already in progress")
    _keep(key, asked, _IN_PROGRESS)
    told = {"requester": context.account, "source-ip-address": "127.0.0.1"}
    _tell(context, key, "Object Restore Initiated", told)
    return 202


def _look(context: Context, key: Any) -> None:
    """Carry out what is due for an object: its copy is there, or is gone again."""
    restoration: Restoration | None = getattr(key, "_restoration", None)
    if restoration is None:
        return
    if key._status == _IN_PROGRESS and clock.now() >= restoration.due:
        _keep(key, restoration, _RESTORED)
        expiry = restoration.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        _tell(
            context, key, "Object Restore Completed", {"requester": "s3.amazonaws.com", "restore-expiry-time": expiry}
        )
    if key._status == _RESTORED and clock.now() >= restoration.expires.timestamp():
        key._restoration, key._status, key._expiry = None, None, None
        objects.key_changed(key.bucket_name, key.name)
        _tell(context, key, "Object Restore Expired", {"requester": "s3.amazonaws.com"})


def _keep(key: Any, restoration: Restoration, status: str) -> None:
    key._restoration, key._status = restoration, status
    key._expiry = restoration.expires.replace(tzinfo=None)
    objects.key_changed(key.bucket_name, key.name)


def _asked(body: bytes) -> tuple[int, str]:
    """Days and tier of a RestoreRequest; S3's tier is Standard where none is named."""
    try:
        request = ET.fromstring(body)  # noqa: S314  (from whoever may restore objects anyway)
    except ET.ParseError as error:
        raise MalformedXML from error
    texts = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in request.iter()}
    if not texts.get("Days", "").isdigit() or int(texts["Days"]) < 1:
        raise MalformedXML
    return int(texts["Days"]), texts.get("Tier") or "Standard"


def _restored_keys(context: Context) -> Iterator[Any]:
    for bucket in list(s3_backends[context.account][context.partition].buckets.values()):
        for _, versions in bucket.keys.iterlists():
            yield from (key for key in list(versions) if getattr(key, "_restoration", None))


def _tell(context: Context, key: Any, detail_type: str, more: Mapping[str, str]) -> None:
    """S3 User Guide, "EventBridge event message structure"."""
    bucket = s3_backends[context.account][context.partition].buckets[key.bucket_name]
    if bucket.notification_configuration is None or bucket.notification_configuration.event_bridge is None:
        return
    thing = {"key": key.name, "size": key.size, "etag": key.etag.strip('"')}
    if bucket.is_versioned:
        thing["version-id"] = key.version_id
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {**thing, "sequencer": f"{time.time_ns():018X}"},
        "request-id": uuid.uuid4().hex[:16].upper(),
        "source-storage-class": key.storage_class,
        **more,
    }
    events.emit(context, source="aws.s3", detail_type=detail_type, resources=[bucket.arn], detail=lambda: detail)
