"""S3's lifecycle rules, carried out whenever the instance's clock is advanced: transitions, expirations, old versions.

S3 works through its rules once a day, at midnight UTC; so what a rule asks for after N days is done N days after the
next midnight. moto keeps the rules and does nothing with them, and drops filters by size.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.s3.models import FakeDeleteMarker, FakeKey, s3_backends

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.durable import objects, units
from embedded_aws.guard import Patch

_SET = Patch("moto.s3.models:FakeBucket.set_lifecycle", "962d4ed9558318ff")
_DELETE = Patch("moto.s3.models:FakeBucket.delete_lifecycle", "c2640adfd430b89d")
_BEGIN_UPLOAD = Patch("moto.s3.models:FakeMultipart.__init__", "e01d16d5b2edacd0")
PATCHES = (_SET, _DELETE, _BEGIN_UPLOAD)

_DAY = 86_400.0
# S3 User Guide, "Transitioning objects using Amazon S3 Lifecycle": smaller objects stay, unless a filter names a size.
_SMALLEST_TRANSITION = 128 * 1024
# Objects only move down.
_WATERFALL = (
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)


@dataclass(frozen=True)
class Filter:
    """Which objects a rule is for; sizes in bytes, both exclusive."""

    prefix: str
    tags: Mapping[str, str]
    larger_than: int | None
    smaller_than: int | None

    @classmethod
    def read(cls, rule: Mapping[str, Any]) -> "Filter":
        """From a rule as XML has it, as a dictionary."""
        given = rule.get("Filter") or {}
        parts = {**given, **(given.get("And") or {})}
        sizes = [parts.get(name) for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan")]
        return cls(
            prefix=parts.get("Prefix") or rule.get("Prefix") or "",
            tags={tag["Key"]: tag.get("Value") or "" for tag in _listed(parts.get("Tag"))},
            larger_than=None if sizes[0] is None else int(sizes[0]),
            smaller_than=None if sizes[1] is None else int(sizes[1]),
        )

    @property
    def names_a_size(self) -> bool:
        """Whether it says how large objects are."""
        return self.larger_than is not None or self.smaller_than is not None

    def fits(self, key: Any, tags: Mapping[str, str]) -> bool:
        """Whether a version of an object is meant."""
        return (
            key.name.startswith(self.prefix)
            and self.tags.items() <= tags.items()
            and (self.larger_than is None or key.size > self.larger_than)
            and (self.smaller_than is None or key.size < self.smaller_than)
        )


def install(context: Context) -> None:
    """Have rules carried out."""

    def set_lifecycle(bucket: Any, rules: Sequence[Mapping[str, Any]]) -> None:
        # moto changes what it reads, and leaves out what it does not know.
        given = [dict(rule) for rule in _listed(rules)]
        original_set(bucket, rules)
        bucket._lifecycle = given

    def delete_lifecycle(bucket: Any) -> None:
        original_delete(bucket)
        bucket._lifecycle = []

    def begin_upload(multipart: Any, *arguments: Any, **named: Any) -> None:
        original_begin(multipart, *arguments, **named)
        multipart._initiated = clock.now()

    original_set = _SET.apply(set_lifecycle)
    original_delete = _DELETE.apply(delete_lifecycle)
    original_begin = _BEGIN_UPLOAD.apply(begin_upload)
    clock.on_advance(lambda: carry_out(context))


def carry_out(context: Context) -> None:
    """Do what every bucket's rules ask for by now."""
    backend = s3_backends[context.account][context.partition]
    with units.unit():
        for bucket in list(backend.buckets.values()):
            for rule in getattr(bucket, "_lifecycle", ()):
                if rule.get("Status") == "Enabled":
                    _apply(backend, bucket, rule)


def _apply(backend: Any, bucket: Any, rule: Mapping[str, Any]) -> None:
    wanted = Filter.read(rule)
    for name, versions in list(bucket.keys.iterlists()):
        if not name.startswith(wanted.prefix):
            continue
        current, noncurrent = versions[-1], list(itertools.pairwise(versions))
        if isinstance(current, FakeKey):
            if wanted.fits(current, _tags(backend, current)):
                _apply_to_current(backend, bucket, rule, wanted, current)
        elif not noncurrent and _is_true((rule.get("Expiration") or {}).get("ExpiredObjectDeleteMarker")):
            backend.delete_object(bucket.name, name, version_id=current.version_id)
        _apply_to_noncurrent(backend, bucket, rule, wanted, noncurrent)
    if days := (rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation"):
        for upload in list(bucket.multiparts.values()):
            if upload.key_name.startswith(wanted.prefix) and _has_passed(
                getattr(upload, "_initiated", clock.now()), days
            ):
                backend.abort_multipart_upload(bucket.name, upload.id)


def _apply_to_current(backend: Any, bucket: Any, rule: Mapping[str, Any], wanted: Filter, key: Any) -> None:
    expiration, created = rule.get("Expiration") or {}, _moment(key.last_modified)
    due = "Days" in expiration and _has_passed(created, expiration["Days"])
    due = due or ("Date" in expiration and clock.now() >= _moment(datetime.fromisoformat(expiration["Date"])))
    if due:
        backend.delete_object(bucket.name, key.name)
        return
    for transition in _listed(rule.get("Transition")):
        if _has_passed(created, transition.get("Days") or 0):
            _move(key, transition["StorageClass"], wanted)


def _apply_to_noncurrent(
    backend: Any, bucket: Any, rule: Mapping[str, Any], wanted: Filter, noncurrent: Sequence[tuple[Any, Any]]
) -> None:
    """`noncurrent` pairs each version with its successor, whose arrival has made it noncurrent; oldest first."""
    expiration = rule.get("NoncurrentVersionExpiration") or {}
    kept = int(expiration.get("NewerNoncurrentVersions") or 0)
    for place, (version, successor) in enumerate(noncurrent):
        since, newer = _moment(successor.last_modified), len(noncurrent) - place - 1
        if isinstance(version, FakeDeleteMarker) or not wanted.fits(version, _tags(backend, version)):
            continue
        if "NoncurrentDays" in expiration and newer >= kept and _has_passed(since, expiration["NoncurrentDays"]):
            backend.delete_object(bucket.name, version.name, version_id=version.version_id)
            continue
        for transition in _listed(rule.get("NoncurrentVersionTransition")):
            if _has_passed(since, transition["NoncurrentDays"]):
                _move(version, transition["StorageClass"], wanted)


def _move(key: Any, storage_class: str, wanted: Filter) -> None:
    if key.size < _SMALLEST_TRANSITION and not wanted.names_a_size:
        return
    if _WATERFALL.index(key.storage_class) < _WATERFALL.index(storage_class):
        key.set_storage_class(storage_class)
        objects.key_changed(key.bucket_name, key.name)


def _has_passed(since: float, days: Any) -> bool:
    """S3 User Guide, "Lifecycle rules: based on an object's age": days later, rounded up to the next midnight UTC."""
    return clock.now() >= math.ceil((since + int(days) * _DAY) / _DAY) * _DAY


def _moment(naive: datetime) -> float:
    return (naive if naive.tzinfo else naive.replace(tzinfo=UTC)).timestamp()


def _tags(backend: Any, key: Any) -> Mapping[str, str]:
    tags: Mapping[str, str] = backend.tagger.get_tag_dict_for_resource(key.arn)
    return tags


def _listed(value: Any) -> Iterator[Any]:
    """XML that occurs once is no list."""
    yield from value if isinstance(value, list) else [value] if value else []


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
