"""Brings a release into the data lake's bucket: streamed, checked against its MD5, kept under its content."""

import hashlib
import http.client
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError, URLError

from botocore.exceptions import BotoCoreError, ClientError

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationError, AnnotationRequest, read_md5
from genomics.contracts.runs import Artifact
from glue_jobs.vcf.sources import s3_client

_READ = 8 << 20
_TIMEOUT_SECONDS = 120
_MD5_BYTES = 1 << 16
_ABSENT = ("404", "NoSuchKey", "NoSuchBucket")


def expected_md5(source: str, given: str = "") -> str:
    """What a file's MD5 must be: as given, else as the file beside it says, which NCBI publishes."""
    if given:
        return read_md5(given, where="the given MD5")
    beside = f"{source}.md5"
    try:
        with _opened(beside) as stream:
            text = stream.read(_MD5_BYTES).decode("latin-1")
    except AnnotationError as error:
        raise AnnotationError(f"{error}; there must be one, or its checksum be given as MD5") from error
    return read_md5(text, where=beside)


def beginning(source: str, size: int) -> bytes:
    """The first bytes of a file, `size` at most; AnnotationError where it cannot be had."""
    with _opened(source) as stream:
        return _read(stream, source, size)


def fetch(request: AnnotationRequest, md5: str, bucket: str) -> Artifact:
    """The release's file in the bucket. AnnotationError if it cannot be had, or is not what its MD5 says."""
    sums = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with tempfile.NamedTemporaryFile() as file:
        with _opened(request.source) as stream:
            while data := _read(stream, request.source):
                for digest in sums:
                    digest.update(data)
                file.write(data)
        file.flush()
        found, sha256 = (digest.hexdigest() for digest in sums)
        if found != md5:
            raise AnnotationError(f"{request.source}: its MD5 is {found}, expected {md5}; fetch it again")
        key = object_keys.annotation_file(request.table.name, request.release, sha256, request.file_name)
        kept = Artifact(object_keys.uri(bucket, key), sha256, file.tell())
        if not _is_there(bucket, key, kept.size):
            s3_client().upload_file(file.name, bucket, key)
    return kept


def _is_there(bucket: str, key: str, size: int) -> bool:
    try:
        return bool(s3_client().head_object(Bucket=bucket, Key=key)["ContentLength"] == size)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return False
        raise


@contextmanager
def _opened(uri: str) -> Iterator[Any]:
    """A stream of what is there; AnnotationError where it cannot be had."""
    match uri.partition("://")[0]:
        case "s3":
            with _object(uri) as stream:
                yield stream
        case "https" | "ftp":
            # NCBI serves over HTTPS what it serves over FTP.
            with _page("https" + uri[uri.index("://") :]) as stream:
                yield stream
        case _:
            raise AnnotationError(f"{uri}: expected an https:// or s3:// URI")


@contextmanager
def _object(uri: str) -> Iterator[Any]:
    try:
        bucket, key = object_keys.parse(uri)
        body = s3_client().get_object(Bucket=bucket, Key=key)["Body"]
    except ValueError as error:
        raise AnnotationError(str(error)) from error
    except ClientError as error:
        reason = error.response["Error"]
        if reason["Code"] in _ABSENT:
            raise AnnotationError(f"{uri}: there is no such object") from error
        raise AnnotationError(f"{uri}: cannot be read: {reason.get('Message') or reason['Code']}") from error
    with body:
        yield body


@contextmanager
def _page(url: str) -> Iterator[Any]:
    try:
        reply = urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS)  # noqa: S310  (the caller has made it https)
    except HTTPError as error:
        error.close()
        raise AnnotationError(f"{url}: cannot be read: {error.code} {error.reason}") from error
    except (URLError, http.client.HTTPException, OSError) as error:
        raise AnnotationError(f"{url}: cannot be read: {getattr(error, 'reason', error)}") from error
    with reply:
        yield reply


def _read(stream: Any, source: str, size: int = _READ) -> bytes:
    try:
        return bytes(stream.read(size))
    except (OSError, http.client.HTTPException, BotoCoreError) as error:
        raise AnnotationError(f"{source}: broke off while it was read ({error}); fetch it again") from error
