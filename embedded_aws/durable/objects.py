"""S3 on disk: each object version, delete marker and uploaded part is a row; large contents are files beside it.

A file is complete before the row that names it is committed, and is removed after the row is. Files that no row names,
which a kill in between leaves, are swept at the next start.
"""

import functools
import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from moto.s3.models import (
    FakeBucket,
    FakeKey,
    MultipartDict,
    s3_backends,
)
from moto.s3.utils import _VersionedKeyStore

from embedded_aws.context import Context
from embedded_aws.durable import database, units
from embedded_aws.durable.database import Database
from embedded_aws.durable.object_documents import (
    described,
    described_upload,
    restored,
    restored_marker,
    restored_upload,
)
from embedded_aws.guard import Patch
from embedded_aws.s3.contents import Store

_BACKEND = "moto.s3.models:S3Backend"
_RESPONSE = "moto.s3.responses:S3Response"
# Each is given the bucket and then the upload's id.
_UPLOADS = (
    Patch(f"{_BACKEND}.complete_multipart_upload", "f16c9a08e5db3f4f"),
    Patch(f"{_BACKEND}.abort_multipart_upload", "3e434ef62c194d31"),
    Patch(f"{_BACKEND}.upload_part", "6a8a2763f53dc699"),
    Patch(f"{_BACKEND}.upload_part_copy", "f6f876edf982382e"),
)
_CREATE_UPLOAD = Patch(f"{_BACKEND}.create_multipart_upload", "20b9a24585cf8144")
_DELETE_BUCKET = Patch(f"{_BACKEND}.delete_bucket", "5507210f9b04a827")
_KEY_REQUESTS = (
    Patch(f"{_RESPONSE}._key_response_put", "ed2de9f03418d001"),
    Patch(f"{_RESPONSE}._key_response_post", "d6ab8e66ad85a193"),
    Patch(f"{_RESPONSE}._key_response_delete", "88d7e2cb3be5daf6"),
)
PATCHES = (
    *_UPLOADS,
    _CREATE_UPLOAD,
    _DELETE_BUCKET,
    *_KEY_REQUESTS,
    # Not replaced, but what is restored must be as if it had been made by them.
    Patch("moto.s3.models:FakeKey.__init__", "cd9d1347667a9ccf"),
    Patch("moto.s3.models:FakeMultipart.__init__", "e01d16d5b2edacd0"),
    Patch("moto.s3.models:FakeDeleteMarker.__init__", "8ee72589c1b16bd8"),
    Patch("moto.s3.models:FakeBucket.__init__", "8965d4badfeec9f4"),
    Patch("moto.s3.utils:_VersionedKeyStore", "6592286b65e1d849"),
)


class KeyStore(_VersionedKeyStore):
    """The objects of a bucket; tells of each key whose versions change."""

    bucket = ""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        key_changed(self.bucket, key)

    def setlist(self, key: str, list_: Any) -> None:
        """Replace the versions of a key."""
        super().setlist(key, list_)
        key_changed(self.bucket, key)

    def pop(self, key: str) -> None:  # type: ignore[override]
        """Remove a key with all versions. KeyError where there is none."""
        super().pop(key)
        key_changed(self.bucket, key)


@dataclass(frozen=True)
class _Place:
    """Where objects are in memory, and where the files of large ones lie."""

    backend: Any
    directory: Path


_place: list[_Place] = []


def install(context: Context, directory: Path) -> None:
    """Have every bucket find again what it held. `directory` is where the files of large objects lie."""
    _place[:] = [_Place(s3_backends[context.account][context.partition], directory)]
    bucket: Any = FakeBucket
    bucket.keys = _Loaded("keys", _restored_keys)
    bucket.multiparts = _Loaded("multiparts", _restored_uploads)
    # moto copies versions to list them; what they hold is not to be copied.
    key: Any = FakeKey
    key.__deepcopy__ = lambda found, memo: _shallow(found)
    _notice_changes()
    _sweep(database.opened(), directory)


def _notice_changes() -> None:
    for patch in _KEY_REQUESTS:
        _after(patch, lambda _, response, *arguments: key_changed(response.bucket_name, arguments[-1]))
    for patch in _UPLOADS:
        _after(patch, lambda _, backend, bucket, upload, *rest: upload_changed(bucket, upload))
    _after(_CREATE_UPLOAD, lambda made, backend, bucket, *rest: upload_changed(bucket, made.id))
    _after(_DELETE_BUCKET, lambda _, backend, bucket: bucket_deleted(bucket))


def _after(patch: Patch, told: Callable[..., None]) -> None:
    """Tell of each call, with its result and its arguments."""

    def call(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        told(result, *arguments, *named.values())
        return result

    original: Any = patch.apply(call)
    functools.update_wrapper(call, original)


class _Loaded:
    """An attribute of buckets that is read from disk when it is first looked at."""

    def __init__(self, name: str, load: Callable[[Any, Database], Any]) -> None:
        self._name, self._load = f"_durable_{name}", load

    def __get__(self, bucket: Any, owner: type) -> Any:
        found = bucket.__dict__.get(self._name)
        if found is None:
            kept_in = database.opened()
            with kept_in.alone:
                found = bucket.__dict__.get(self._name)
                if found is None:
                    found = bucket.__dict__[self._name] = self._load(bucket, kept_in)
        return found

    def __set__(self, bucket: Any, value: Any) -> None:
        """What moto sets when it makes a bucket is empty."""


def _shallow(key: Any) -> Any:
    copied = FakeKey.__new__(FakeKey)
    copied.__dict__.update(key.__dict__)
    return copied


def key_changed(bucket: str, key: str) -> None:
    """Note that the versions of a key, or what is known of one of them, have changed."""
    units.changed(("object", bucket, key), partial(_save_key, bucket, key))


def upload_changed(bucket: str, upload: str) -> None:
    """Note that a multipart upload was begun, got a part, or has ended."""
    units.changed(("upload", bucket, upload), partial(_save_upload, bucket, upload))


def bucket_deleted(bucket: str) -> None:
    """Note that a bucket is gone, with whatever it still held."""
    units.changed(("bucket", bucket), partial(_save_bucket, bucket))


def _save_key(bucket_name: str, key: str, kept_in: Database) -> Callable[[], None]:
    bucket = _place[0].backend.buckets.get(bucket_name)
    versions = list(bucket.keys.getlist(key, [])) if bucket else []
    rows = kept_in.rows("select number, document, file from objects where bucket = ? and key = ?", (bucket_name, key))
    known = {number: (document, file) for number, document, file in rows}
    kept: list[tuple[Store, int]] = []
    for version in versions:
        document = json.dumps(described(_place[0].backend, version), separators=(",", ":"))
        number = version.__dict__.get("_durable_number")
        if number not in known:
            store: Store | None = version.__dict__.get("_contents")
            number = version._durable_number = _next_number(kept_in)
            kept_in.execute(
                "insert into objects values (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    bucket_name,
                    key,
                    version.version_id,
                    document,
                    store.file if store else None,
                    store.memory if store else None,
                ),
            )
            if store:
                kept.append((store, number))
        elif known.pop(number)[0] != document:
            kept_in.execute("update objects set document = ? where number = ?", (document, number))
    return partial(_finish, "objects", kept, _forget_rows(kept_in, "objects", known))


def _save_upload(bucket_name: str, upload_id: str, kept_in: Database) -> Callable[[], None]:
    bucket = _place[0].backend.buckets.get(bucket_name)
    upload = bucket.multiparts.get(upload_id) if bucket else None
    query = "select number, document, file from parts where bucket = ? and upload = ?"
    known = {number: (d, file) for number, d, file in kept_in.rows(query, (bucket_name, upload_id))}
    kept: list[tuple[Store, int]] = []
    if upload is None:
        kept_in.remove("upload", bucket_name, upload_id)
    else:
        kept_in.put("upload", bucket_name, upload_id, described_upload(upload))
        for part_number, part in list(upload.parts.items()):
            if part.__dict__.get("_durable_number") in known:
                del known[part._durable_number]
                continue
            number = part._durable_number = _next_number(kept_in)
            store: Store = part._contents
            document = json.dumps(described(_place[0].backend, part), separators=(",", ":"))
            kept_in.execute(
                "insert into parts values (?, ?, ?, ?, ?, ?, ?)",
                (number, bucket_name, upload_id, part_number, document, store.file, store.memory),
            )
            kept.append((store, number))
    return partial(_finish, "parts", kept, _forget_rows(kept_in, "parts", known))


def _save_bucket(bucket_name: str, kept_in: Database) -> Callable[[], None] | None:
    if bucket_name in _place[0].backend.buckets:
        return None
    files = []
    for table in ("objects", "parts"):
        rows = kept_in.rows(f"select number, document, file from {table} where bucket = ?", (bucket_name,))  # noqa: S608
        files += _forget_rows(kept_in, table, {number: (document, file) for number, document, file in rows})
    kept_in.remove("upload", bucket_name)
    return partial(_finish, "objects", [], files)


def _next_number(kept_in: Database) -> int:
    # Not SQLite's own: after a rollback it would give the same one to another object.
    global _last_number  # noqa: PLW0603 one instance to a process; called within a transaction only
    if not _last_number:
        highest = [kept_in.rows(f"select max(number) from {table}")[0][0] or 0 for table in ("objects", "parts")]  # noqa: S608
        _last_number = max(highest)
    _last_number += 1
    return _last_number


_last_number = 0


def _forget_rows(kept_in: Database, table: str, rows: dict[int, tuple[str, str | None]]) -> list[str]:
    for number in rows:
        kept_in.execute(f"delete from {table} where number = ?", (number,))  # noqa: S608 one of two constants
    return [file for _, file in rows.values() if file]


def _finish(table: str, kept: list[tuple[Store, int]], files: list[str]) -> None:
    for store, number in kept:
        store.is_kept(partial(_read, table, number))
    for file in files:
        (_place[0].directory / file).unlink(missing_ok=True)


def _read(table: str, number: int) -> bytes:
    query = f"select bytes from {table} where number = ?"  # noqa: S608 one of two constants
    ((content,),) = database.opened().rows(query, (number,))
    return bytes(content)


def _restored_keys(bucket: Any, kept_in: Database) -> KeyStore:
    store = KeyStore()
    store.bucket = bucket.name
    # Looking for garbage again and again, while only what stays is made, takes as long as making it.
    collects = gc.isenabled()
    gc.disable()
    try:
        _fill(store, bucket, kept_in)
    finally:
        if collects:
            gc.enable()
    return store


def _fill(store: KeyStore, bucket: Any, kept_in: Database) -> None:
    query = "select number, key, document, file from objects where bucket = ? order by number"
    for number, key, text, file in kept_in.rows(query, (bucket.name,)):
        document = json.loads(text)
        versions = dict.setdefault(store, key, [])
        if "marker" in document:
            version = restored_marker(versions[-1] if versions else None, key, document)
        else:
            version = restored(_place[0].backend, bucket.name, key, document, _store("objects", number, document, file))
        version._durable_number = number
        versions.append(version)


def _restored_uploads(bucket: Any, kept_in: Database) -> MultipartDict:
    found = MultipartDict()
    for _, upload_id, document in kept_in.documents("upload", bucket.name):
        parts = {}
        query = "select number, part, document, file from parts where bucket = ? and upload = ? order by part"
        for number, part, text, file in kept_in.rows(query, (bucket.name, upload_id)):
            described_part = json.loads(text)
            contents = _store("parts", number, described_part, file)
            parts[part] = restored(_place[0].backend, None, part, described_part, contents)
            parts[part]._durable_number = number
        found[upload_id] = restored_upload(_place[0].backend, upload_id, document, parts)
    return found


def _store(table: str, number: int, document: dict[str, Any], file: str | None) -> Store:
    read = partial(_read, table, number)
    return Store.kept(_place[0].directory, document["size"], file=file, read=read)


def _sweep(kept_in: Database, directory: Path) -> None:
    """Remove the files that no row names. Before anybody writes: a file is there before its row is."""
    rows = kept_in.rows("select file from objects union all select file from parts")
    named = {file for (file,) in rows if file}
    for path in _files(directory):
        if path.relative_to(directory).as_posix() not in named:
            path.unlink()


def _files(directory: Path) -> Iterator[Path]:
    return (path for folder in directory.iterdir() if folder.is_dir() for path in folder.iterdir())
