"""Buckets, tables and queues on disk: the calls that made them what they are.

They are made again by repeating the last call of each kind; stacks adopt those that are theirs.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from embedded_aws.context import Context
from embedded_aws.durable import database, units
from embedded_aws.durable.database import Database, StateError
from embedded_aws.guard import Patch


def _patches(backend: str, hashes: Mapping[str, str]) -> tuple[Patch, ...]:
    return tuple(Patch(f"{backend}.{name}", sha256) for name, sha256 in hashes.items())


# The first of each makes the thing, the last removes it.
_S3 = _patches(
    "moto.s3.models:S3Backend",
    {
        "create_bucket": "f7ecc576c5d211e9",
        "put_bucket_versioning": "c8284dd83f75c987",
        "put_bucket_encryption": "55ac2e138daf10dc",
        "delete_bucket_encryption": "7b2702d1fb13dac3",
        "put_bucket_policy": "cb66d163aa17c190",
        "delete_bucket_policy": "0c07aa64d270a71d",
        "put_bucket_ownership_controls": "ad11ce37a7b3c532",
        "delete_bucket_ownership_controls": "a66d718b3a1d23ab",
        "put_bucket_replication": "6dd7d63edffb3176",
        "delete_bucket_replication": "b196ef4478348713",
        "put_bucket_lifecycle": "ee09f5ba9d44a40c",
        "delete_bucket_lifecycle": "8cbb0f42870f80cc",
        "put_bucket_website": "860a5befd2bf2a00",
        "delete_bucket_website": "b11c1eb27b5a0130",
        "put_bucket_tagging": "a3b19e1d7c96e5b5",
        "delete_bucket_tagging": "f39a062fa3374455",
        "put_bucket_cors": "fae3b7a6ad52845c",
        "delete_bucket_cors": "f19b9a387ce23c9e",
        "put_bucket_logging": "7e43583416a16acf",
        "put_bucket_notification_configuration": "b7cd2049d4302fb8",
        "put_bucket_accelerate_configuration": "ba74324bce0589ca",
        "put_public_access_block": "3ea30781f8e68881",
        "delete_public_access_block": "3aaf7a61d86d433b",
        "put_object_lock_configuration": "553a029e18eaf10b",
        "delete_bucket": "5507210f9b04a827",
    },
)
_DYNAMODB = _patches(
    "moto.dynamodb.models:DynamoDBBackend",
    {
        "create_table": "2bb8105ad9fa618b",
        "update_table": "3fa85dce71a0cdca",
        "update_time_to_live": "9da0deb00bb22c5e",
        "update_continuous_backups": "7409e6eb4121a4ee",
        "delete_table": "bab269fa8eff1819",
    },
)
_SQS = _patches(
    "moto.sqs.models:SQSBackend",
    {
        "create_queue": "a7c0bbae0c426c46",
        "set_queue_attributes": "ea0bf1a56eef756f",
        "delete_queue": "4c96ec6f14247abb",
    },
)
PATCHES = (*_S3, *_DYNAMODB, *_SQS)


def install(context: Context) -> None:
    """Note each call that makes or changes a bucket, table or queue."""
    for kind, patches in (("s3", _S3), ("dynamodb", _DYNAMODB), ("sqs", _SQS)):
        for patch in patches:
            _note(kind, patch, removes=patch is patches[-1])


def restore(context: Context, kept_in: Database) -> None:
    """Make what was there by repeating its calls, each in the place where it first stood."""
    services = {
        "s3": (s3_backends[context.account][context.partition], "buckets"),
        "dynamodb": (dynamodb_backends[context.account][context.region], "tables"),
        "sqs": (sqs_backends[context.account][context.region], "queues"),
    }
    for service, (backend, collection) in services.items():
        calls = kept_in.documents(f"{service} call")
        missing = {owner for owner, _, _ in calls} - set(getattr(backend, collection))
        for owner, name, arguments in calls:
            if owner in missing:
                try:
                    getattr(backend, name)(**arguments)
                except Exception as error:
                    raise StateError(f"{service} {owner} cannot be restored: {name} failed: {error}") from error


def _note(service: str, patch: Patch, *, removes: bool) -> None:
    kind, name = f"{service} call", patch.symbol.rpartition(".")[2]

    def call(backend: Any, *arguments: Any, **named: Any) -> Any:
        bound = signature.bind(backend, *arguments, **named)
        # Before the call, for moto works with what it is given.
        given = _given(bound)
        result = original(backend, *arguments, **named)
        owner = str(next(iter(given.values())))
        if removes:
            if result is not None or service == "sqs":
                units.changed((kind, owner), lambda kept_in: kept_in.remove(kind, owner))
        elif name.startswith("delete_"):
            units.document_changed(kind, owner, name.replace("delete_", "put_", 1), lambda: None)
        else:
            units.document_changed(kind, owner, name, lambda: given)
        return result

    original: Any = patch.apply(call)
    signature = inspect.signature(original)


def _given(bound: inspect.BoundArguments) -> dict[str, Any]:
    _, *arguments = bound.arguments.items()
    given = dict(arguments)
    given |= given.pop("kwargs", {})
    copied: dict[str, Any] = database.read(database.written(given))
    return copied
