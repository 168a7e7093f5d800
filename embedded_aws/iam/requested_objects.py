"""What a request to S3 asks for. S3 User Guide, "Required permissions for Amazon S3 API operations"."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from embedded_aws.context import Context
from embedded_aws.iam import encryption
from embedded_aws.requests import Access
from embedded_aws.s3 import deletions as object_deletions

_BUCKET_READS = {
    "uploads": "ListBucketMultipartUploads",
    "location": "GetBucketLocation",
    "lifecycle": "GetLifecycleConfiguration",
    "versioning": "GetBucketVersioning",
    "policyStatus": "GetBucketPolicyStatus",
    "policy": "GetBucketPolicy",
    "website": "GetBucketWebsite",
    "acl": "GetBucketAcl",
    "tagging": "GetBucketTagging",
    "logging": "GetBucketLogging",
    "cors": "GetBucketCORS",
    "notification": "GetBucketNotification",
    "accelerate": "GetAccelerateConfiguration",
    "versions": "ListBucketVersions",
    "encryption": "GetEncryptionConfiguration",
    "publicAccessBlock": "GetBucketPublicAccessBlock",
    "ownershipControls": "GetBucketOwnershipControls",
    "object-lock": "GetBucketObjectLockConfiguration",
    "replication": "GetReplicationConfiguration",
    "requestPayment": "GetBucketRequestPayment",
    "inventory": "GetInventoryConfiguration",
    "analytics": "GetAnalyticsConfiguration",
    "metrics": "GetMetricsConfiguration",
    "intelligent-tiering": "GetIntelligentTieringConfiguration",
}
_BUCKET_WRITES = {
    name: action.replace("Get", "Put", 1) for name, action in _BUCKET_READS.items() if action.startswith("Get")
}
_BUCKET_DELETES = {**_BUCKET_WRITES, "policy": "DeleteBucketPolicy", "website": "DeleteBucketWebsite"}
# Name in the query, action, and action on a version that is named.
_OBJECT_READS = {
    "uploadId": ("ListMultipartUploadParts", "ListMultipartUploadParts"),
    "acl": ("GetObjectAcl", "GetObjectVersionAcl"),
    "tagging": ("GetObjectTagging", "GetObjectVersionTagging"),
    "attributes": ("GetObjectAttributes", "GetObjectVersionAttributes"),
    "retention": ("GetObjectRetention", "GetObjectRetention"),
    "legal-hold": ("GetObjectLegalHold", "GetObjectLegalHold"),
}
_OBJECT_WRITES = {
    "acl": ("PutObjectAcl", "PutObjectVersionAcl"),
    "tagging": ("PutObjectTagging", "PutObjectVersionTagging"),
    "retention": ("PutObjectRetention", "PutObjectRetention"),
    "legal-hold": ("PutObjectLegalHold", "PutObjectLegalHold"),
    "restore": ("RestoreObject", "RestoreObject"),
    "select": ("GetObject", "GetObject"),
}
_OBJECT_DELETES = {
    "uploadId": ("AbortMultipartUpload", "AbortMultipartUpload"),
    "tagging": ("DeleteObjectTagging", "DeleteObjectVersionTagging"),
}
# What a header of a write asks for beside s3:PutObject.
_WRITE_HEADERS = {
    "x-amz-tagging": "PutObjectTagging",
    "x-amz-acl": "PutObjectAcl",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
}
_KEY_PARAMETERS = ("prefix", "delimiter", "max-keys")
_KEY_HEADERS = (
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-acl",
    "x-amz-storage-class",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-content-sha256",
    "if-none-match",
    "if-match",
)


def of_s3(context: Context, response: Any, resource: str) -> list[Access]:
    """The accesses of moto's S3 `response`, whose bucket or object has the ARN `resource`."""
    if resource.endswith(":::*"):
        return [Access("s3:ListAllMyBuckets", "*")]
    query = response.normalized_request.args
    keys = _condition_keys(query, response.headers)
    bucket_arn, _, key = resource.partition("/")
    accesses = _of_object(context, response, resource, query) if key else _of_bucket(response, bucket_arn, query)
    return [access if access.keys else Access(access.action, access.resource, keys) for access in accesses]


def absent_object(context: Context, access: Access) -> Access | None:
    """The s3:ListBucket that decides whether a reader may know that there is no such object, where there is none."""
    if access.action != "s3:GetObject":
        return None
    bucket = encryption.bucket_of(context, access.resource)
    if bucket is None or _stored(bucket, access.resource.partition("/")[2]) is not None:
        return None
    return Access("s3:ListBucket", access.resource.partition("/")[0])


def _of_object(context: Context, response: Any, resource: str, query: Mapping[str, str]) -> Iterable[Access]:
    headers, method = response.headers, response.method
    version = "Version" if "versionId" in query else ""
    bucket, key = encryption.bucket_of(context, resource), resource.partition("/")[2]
    if method in ("GET", "HEAD", "OPTIONS"):
        action = _first(_OBJECT_READS, query, f"GetObject{version}")
        yield Access(f"s3:{action}", resource)
        if "attributes" in query:
            yield Access(f"s3:GetObject{version}", resource)
        reads = action in ("GetObject", "GetObjectVersion")
        if reads and bucket and (stored := _stored(bucket, key, query.get("versionId"))):
            yield from encryption.of_object_read(context, bucket, stored)
    elif method == "DELETE":
        yield Access(f"s3:{_first(_OBJECT_DELETES, query, f'DeleteObject{version}')}", resource)
        yield from _bypass(headers, resource)
    else:
        action = _first(_OBJECT_WRITES, query, "PutObject")
        yield Access(f"s3:{action}", resource)
        if action == "PutObject":
            yield from (Access(f"s3:{more}", resource) for name, more in _WRITE_HEADERS.items() if headers.get(name))
            if bucket:
                yield from encryption.of_object_write(context, bucket, key, headers, is_part="uploadId" in query)
            if source := headers.get("x-amz-copy-source"):
                yield from _of_source(context, resource, source)


def _of_source(context: Context, resource: str, source: str) -> Iterable[Access]:
    """What a copy reads. The source is `bucket/key`, encoded for URLs, perhaps with `?versionId=`."""
    path, _, query = source.partition("?")
    arn = f"{resource.rpartition(':')[0]}:{unquote(path).lstrip('/')}"
    version = query.partition("versionId=")[2]
    yield Access("s3:GetObjectVersion" if version else "s3:GetObject", arn)
    bucket = encryption.bucket_of(context, arn)
    if bucket and (stored := _stored(bucket, arn.partition("/")[2], version)):
        yield from encryption.of_object_read(context, bucket, stored)


def _of_bucket(response: Any, arn: str, query: Mapping[str, str]) -> Iterable[Access]:
    method = response.method
    if method == "POST" and "delete" in query:
        for each in object_deletions.listed(response.body):
            named = f"{arn}/{each['Key']}"
            yield Access("s3:DeleteObjectVersion" if each.get("VersionId") else "s3:DeleteObject", named)
            yield from _bypass(response.headers, named)
    elif method in ("GET", "HEAD", "OPTIONS"):
        yield Access(f"s3:{_single(_BUCKET_READS, query, 'ListBucket')}", arn)
    elif method == "DELETE":
        yield Access(f"s3:{_single(_BUCKET_DELETES, query, 'DeleteBucket')}", arn)
    elif method == "POST":
        # A form's upload: its key stands in the form.
        yield Access("s3:PutObject", f"{arn}/{response.form_data.get('key', '')}")
    else:
        yield Access(f"s3:{_single(_BUCKET_WRITES, query, 'CreateBucket')}", arn)


def _bypass(headers: Mapping[str, str], resource: str) -> Iterable[Access]:
    if headers.get("x-amz-bypass-governance-retention", "").lower() == "true":
        yield Access("s3:BypassGovernanceRetention", resource)


def _stored(bucket: Any, key: str, version: str | None = None) -> Any | None:
    """The object, where there is one; a delete marker is none."""
    if version:
        found = next((each for each in bucket.keys.getlist(key, []) if str(each.version_id) == version), None)
    else:
        found = bucket.keys.get(key)
    return found if found is not None and hasattr(found, "encryption") else None


def _condition_keys(query: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Sequence[str]]:
    keys: dict[str, Sequence[str]] = {"s3:tlsversion": ("1.3",)}
    for name in _KEY_PARAMETERS:
        if name in query:
            keys[f"s3:{name}"] = (query[name],)
    for name in _KEY_HEADERS:
        if value := headers.get(name):
            keys[f"s3:{name}"] = (value,)
    if "versionId" in query:
        keys["s3:versionid"] = (query["versionId"],)
    return keys


def _first(actions: Mapping[str, tuple[str, str]], query: Mapping[str, str], default: str) -> str:
    named = "versionId" in query
    return next((pair[named] for name, pair in actions.items() if name in query), default)


def _single(actions: Mapping[str, str], query: Mapping[str, str], default: str) -> str:
    return next((action for name, action in actions.items() if name in query), default)
