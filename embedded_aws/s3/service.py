"""S3: object bytes on disk rather than in memory, conditional writes that exclude each other, policies left to IAM."""

import contextvars
import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from moto.s3 import models
from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML

from embedded_aws.context import Context
from embedded_aws.durable import objects as durable_objects
from embedded_aws.guard import Patch
from embedded_aws.s3.contents import Contents, Part, Store, blocks_of, can_check, checksum, encoded, joined

_ACCESS_LOG = Patch("moto.s3.models:S3Backend.log_incoming_request", "87cb27fcc7ed3668")
_LOG_PERMISSION = Patch("moto.s3.models:FakeBucket._log_permissions_enabled_policy", "d647342f8ffe14ae")
_DISPOSE = Patch("moto.s3.models:FakeKey.dispose", "3e18a93bddaad7ba")
_COMPLETE = Patch("moto.s3.models:FakeMultipart.complete", "a5cd01f2f2f28c9b")
_GET = Patch("moto.s3.responses:S3Response.get_object", "e9731229dec14fcd")
_COPY = Patch("moto.s3.models:S3Backend.copy_object", "e63e9144071cdad9")
_COPY_PART = Patch("moto.s3.models:S3Backend.upload_part_copy", "f6f876edf982382e")
_PUT_KEY = Patch("moto.s3.responses:S3Response._key_response_put", "ed2de9f03418d001")
_POST_KEY = Patch("moto.s3.responses:S3Response._key_response_post", "d6ab8e66ad85a193")
_CHECKSUM = Patch("moto.s3.responses:compute_checksum", "30a7569e3106abf8")
_COMPLETE_UPLOAD = Patch("moto.s3.models:S3Backend.complete_multipart_upload", "f16c9a08e5db3f4f")
PATCHES = (
    _ACCESS_LOG,
    _LOG_PERMISSION,
    _DISPOSE,
    _COMPLETE,
    _GET,
    _COPY,
    _COPY_PART,
    _PUT_KEY,
    _POST_KEY,
    _CHECKSUM,
    _COMPLETE_UPLOAD,
    *durable_objects.PATCHES,
    # Its properties `value` and `etag` are replaced.
    Patch("moto.s3.models:FakeKey.__init__", "cd9d1347667a9ccf"),
)

# Smallest part but the last, as S3 has it.
_SMALLEST_PART = 5 * 1024 * 1024

_conditional_writes = threading.RLock()
# Inside, an object's value may be Contents; everyone else in moto expects bytes.
_unread: contextvars.ContextVar[bool] = contextvars.ContextVar("unread", default=False)


def install(context: Context) -> None:
    """Keep the bytes of objects below the data directory."""
    directory = context.directory("objects")

    def set_value(key: Any, content: bytes | str | Contents) -> None:
        if isinstance(content, str):
            content = content.encode()
        key._contents = Store(directory, content)
        key.contentsize = key._contents.size

    def complete(multipart: Any, body: Iterator[tuple[int, str]]) -> tuple[Any, str, tuple[str, str, int] | None]:
        parts = _checked_parts(multipart, body)
        # What was uploaded and not named is not part of the object.
        multipart.parts = {part.name: part for part in parts}
        multipart.partlist = list(multipart.parts)
        contents = [part._contents.contents() for part in parts]
        digest = hashlib.md5(b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts), usedforsecurity=False)
        return joined(directory, contents), f"{digest.hexdigest()}-{len(parts)}", _checksum_of(multipart, contents)

    key: Any = models.FakeKey
    key.value, key.etag = property(_get_value, set_value), property(_get_etag)
    _DISPOSE.apply(_dispose)
    _COMPLETE.apply(complete)
    _wrap(_COMPLETE_UPLOAD, _with_parts_in_the_whole)
    durable_objects.install(context, directory)
    for patch in (_GET, _COPY_PART):
        _wrap(patch, _without_reading)
    _wrap(_COPY, lambda copy: _as_one_piece(_without_reading(copy)))
    for patch in (_PUT_KEY, _POST_KEY):
        _wrap(patch, _one_conditional_write_at_a_time)
    _CHECKSUM.apply(_compute_checksum)
    # AWS looks at the target's policy when it delivers; a bucket may name a target whose policy comes later.
    _LOG_PERMISSION.apply(staticmethod(lambda target_bucket, target_prefix: True))
    # Access logs would be one more object for each request; the request log has them all.
    _ACCESS_LOG.apply(lambda backend, request, bucket_name: None)


def _get_value(key: Any) -> bytes | Contents:
    store: Store = key._contents
    return store.opened() if _unread.get() else bytes(store.contents())


def _get_etag(key: Any) -> str:
    if key._etag is None:
        key._etag = key._contents.md5()
    return f'"{key._etag}"'


def _dispose(key: Any, garbage: bool = False) -> None:
    # When Python collects the key, nobody can have it at hand any more.
    if not garbage and (contents := key.__dict__.get("_contents")):
        contents.detach()
    key.disposed = True


def _checked_parts(multipart: Any, body: Iterator[tuple[int, str]]) -> list[Any]:
    parts: list[Any] = []
    for number, etag in body:
        part = multipart.parts.get(number)
        if part is None or part.etag.strip('"') != etag.replace('"', ""):
            raise InvalidPart
        if parts and parts[-1].size < _SMALLEST_PART:
            raise EntityTooSmall
        parts.append(part)
    if not parts:
        raise MalformedXML
    return parts


def _checksum_of(multipart: Any, contents: list[bytes | Contents]) -> tuple[str, str, int] | None:
    algorithm = multipart.metadata.get("x-amz-checksum-algorithm")
    if not algorithm or not can_check(algorithm):
        return None
    kind = multipart.metadata.get("x-amz-checksum-type") or "COMPOSITE"
    if kind == "COMPOSITE":
        sums = b"".join(checksum(algorithm, blocks_of(part)) for part in contents)
        return kind, encoded(checksum(algorithm, [sums])), len(contents)
    whole = (block for part in contents for block in blocks_of(part))
    return kind, encoded(checksum(algorithm, whole)), 1


def _compute_checksum(body: bytes | Contents, algorithm: str, encode_base64: bool = True) -> bytes:
    if not can_check(algorithm):
        raise NotImplementedError(f"S3 checksum {algorithm}")
    value = checksum(algorithm, blocks_of(body))
    return encoded(value).encode() if encode_base64 else value


def _wrap(patch: Patch, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    def call(*arguments: Any, **named: Any) -> Any:
        return wrapped(*arguments, **named)

    wrapped = wrapper(patch.apply(call))


def _without_reading(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        token = _unread.set(True)
        try:
            return function(*arguments, **named)
        finally:
            _unread.reset(token)

    return call


def _as_one_piece(copy: Callable[..., Any]) -> Callable[..., Any]:
    """A copy has no parts, and a checksum of the whole: moto takes over the source's, of its parts' checksums."""

    def call(backend: Any, src_key: Any, dest_bucket_name: str, dest_key_name: str, *rest: Any, **named: Any) -> None:
        copy(backend, src_key, dest_bucket_name, dest_key_name, *rest, **named)
        made = backend.get_object(dest_bucket_name, dest_key_name)
        made.multipart = None
        if src_key.checksum_type == "COMPOSITE":
            made.checksum_type = "FULL_OBJECT"
            made.checksum_value = encoded(checksum(src_key.checksum_algorithm, blocks_of(made._contents.contents())))

    return call


def _with_parts_in_the_whole(complete: Callable[..., Any]) -> Callable[..., Any]:
    """The bytes of an object's parts are those of the object: kept once."""

    def call(*arguments: Any, **named: Any) -> Any:
        key = complete(*arguments, **named)
        start = 0
        for part in key.multipart.parts.values() if key else ():
            part._contents = Part(key._contents, start, part.size)
            start += part.size
        return key

    return call


def _one_conditional_write_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(response: Any, *arguments: Any, **named: Any) -> Any:
        if "If-None-Match" in response.headers or "If-Match" in response.headers:
            with _conditional_writes:
                return function(response, *arguments, **named)
        return function(response, *arguments, **named)

    return call
