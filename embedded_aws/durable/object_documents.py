"""What is kept of S3's objects, delete markers and uploads beside their bytes, as documents, and back."""

import threading
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from moto.moto_api._internal.managed_state_model import ManagedState
from moto.s3.models import (
    FakeAcl,
    FakeDeleteMarker,
    FakeGrant,
    FakeGrantee,
    FakeKey,
    FakeMultipart,
    get_canned_acl,
)
from moto.utilities.utils import LowercaseDict
from requests.structures import CaseInsensitiveDict

from embedded_aws.durable.restorations import Restoration
from embedded_aws.s3.contents import Part, Store

_PLAIN = (
    "website_redirect_location",
    "checksum_algorithm",
    "checksum_value",
    "checksum_type",
    "checksum_parts",
    "encryption",
    "kms_key_id",
    "bucket_key_enabled",
    "lock_mode",
    "lock_legal_status",
    "lock_until",
    "_storage_class",
    "_version_id",
    "_is_versioned",
    "_status",
)
_MOMENTS = ("last_modified", "_expiry")
# What every key has, before its own.
_UNSET = {
    **vars(ManagedState("s3::keyrestore", transitions=[(None, "IN_PROGRESS"), ("IN_PROGRESS", "RESTORED")])),
    **dict.fromkeys((*_PLAIN, *_MOMENTS)),
}


def described(backend: Any, version: Any) -> dict[str, Any]:
    """What is kept of an object version, a part or a delete marker beside its bytes."""
    if isinstance(version, FakeDeleteMarker):
        return {"marker": version.version_id, "last_modified": version.last_modified.isoformat()}
    document: dict[str, Any] = {"size": version.size, "etag": version.etag.strip('"')}
    fields = version.__dict__
    document |= {name: fields[name] for name in _PLAIN if fields.get(name) is not None}
    document |= {name: fields[name].isoformat() for name in _MOMENTS if fields.get(name) is not None}
    document["metadata"] = dict(version._metadata)
    if restoration := fields.get("_restoration"):
        document["restoration"] = asdict(restoration)
    if (acl := _described_acl(version.acl)) != _PRIVATE:
        document["acl"] = acl
    if version.bucket_name and (tags := backend.tagger.get_tag_dict_for_resource(version.arn)):
        document["tags"] = tags
    if version.multipart is not None:
        parts = [[number, described(backend, part)] for number, part in version.multipart.parts.items()]
        document["multipart"] = {"id": version.multipart.id, "parts": parts}
    return document


def described_upload(upload: Any) -> dict[str, Any]:
    """What is kept of a multipart upload beside its parts."""
    return {
        "key": upload.key_name,
        "metadata": dict(upload.metadata),
        "storage": upload.storage,
        "tags": upload.tags,
        "acl": _described_acl(upload.acl),
        "encryption": upload.sse_encryption,
        "kms_key_id": upload.kms_key_id,
    }


def _described_acl(acl: Any) -> list[Any] | None:
    if acl is None:
        return None
    return [[[[g.id, g.uri, g.display_name] for g in grant.grantees], list(grant.permissions)] for grant in acl.grants]


# Nobody changes an ACL; a key is given another one.
_PRIVATE_ACL = get_canned_acl("private")
_PRIVATE = _described_acl(_PRIVATE_ACL)


def _acl(described: list[Any] | None) -> Any:
    if described is None:
        return None
    return FakeAcl([FakeGrant([FakeGrantee(*g) for g in grantees], granted) for grantees, granted in described])


def restored(backend: Any, bucket: str | None, name: Any, document: Mapping[str, Any], contents: Store | Part) -> Any:
    """An object version, or a part where `bucket` is None, from what `described` gave."""
    key: Any = FakeKey.__new__(FakeKey)
    metadata = LowercaseDict.__new__(LowercaseDict)
    metadata.store = {name.lower(): value for name, value in document["metadata"].items()}
    fields = key.__dict__
    fields.update(
        _UNSET,
        name=name,
        account_id=backend.account_id,
        region_name=backend.region_name,
        partition=backend.partition,
        bucket_name=bucket,
        acl=_acl(document["acl"]) if "acl" in document else _PRIVATE_ACL,
        contentsize=document["size"],
        disposed=False,
        lock=threading.Lock(),
        multipart=None,
        _metadata=metadata,
        _contents=contents,
        _etag=document["etag"],
    )
    for field, value in document.items():
        if field in _PLAIN:
            fields[field] = value
        elif field in _MOMENTS:
            fields[field] = datetime.fromisoformat(value)
    if restoration := document.get("restoration"):
        key._restoration = Restoration(**restoration)
    if parts := document.get("multipart"):
        key.multipart = _finished_upload(backend, parts, contents)
    if tags := document.get("tags"):
        backend.tagger.tag_resource(key.arn, [{"Key": k, "Value": v} for k, v in tags.items()])
    return key


def _finished_upload(backend: Any, document: Mapping[str, Any], whole: Any) -> Any:
    """What an object still knows of the upload that made it: where its parts lie."""
    upload: Any = FakeMultipart.__new__(FakeMultipart)
    upload.id, upload.parts, start = document["id"], {}, 0
    for number, part in document["parts"]:
        upload.parts[number] = restored(backend, None, number, part, Part(whole, start, part["size"]))
        start += part["size"]
    upload.partlist = list(upload.parts)
    return upload


def restored_marker(before: Any, name: str, document: dict[str, Any]) -> Any:
    """A delete marker, which knows what it hides."""
    marker: Any = FakeDeleteMarker.__new__(FakeDeleteMarker)
    marker.key, marker.name, marker._version_id = before, name, document["marker"]
    marker.last_modified = datetime.fromisoformat(document["last_modified"])
    return marker


def restored_upload(backend: Any, upload_id: str, document: Mapping[str, Any], parts: Mapping[int, Any]) -> Any:
    """A multipart upload that is still going on."""
    upload: Any = FakeMultipart.__new__(FakeMultipart)
    upload.__dict__.update(
        key_name=document["key"],
        metadata=CaseInsensitiveDict(document["metadata"]),
        account_id=backend.account_id,
        region_name=backend.region_name,
        storage=document["storage"],
        tags=document["tags"],
        acl=_acl(document["acl"]),
        id=upload_id,
        sse_encryption=document["encryption"],
        kms_key_id=document["kms_key_id"],
        parts=parts,
        partlist=list(parts),
    )
    return upload
