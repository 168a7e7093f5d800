"""A delivery in quarantine: a verdict on every file, and a report on the whole; nothing is moved or changed."""

import gzip
import hashlib
import io
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from batch_tools.scan_delivery.file_scan import Opened, Scanners, scan_file
from batch_tools.scan_delivery.viruses import ScannerError
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.deliveries import (
    MANIFEST,
    MOST_PROBLEMS,
    Agreement,
    DeliveredFile,
    DeliveryReport,
    FileState,
    FileVerdict,
    Finding,
    ManifestError,
    ScanRequest,
    compare,
    gravest,
    read_manifest,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# What versions are asked of: the programs beside Python.
PROGRAMS = ("clamd",)
_PIECE_BYTES = 1 << 20
# Files that are read at the same time; a client keeps as many connections.
_AT_ONCE = 8
# A line for each of 100,000 files is a tenth of this.
_MOST_OF_A_MANIFEST = 256 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The report, and where it was put: `report.json`, beside `verdicts.jsonl.gz`."""

    report: DeliveryReport
    key: str


def run(*, request: ScanRequest, s3: "S3Client", scanners: Scanners, directory: Path) -> Outcome:
    """Scan a delivery, file by file; `directory` takes a compressed line for each of its files.

    A manifest that lies makes the delivery INVALID: a file's verdict tells what the manifest has wrong about it, and
    those that are as it says are scanned all the same. ToolError if there is no manifest.
    """
    prefix = object_keys.delivery_prefix(request.delivery.tenant, request.delivery.day, request.delivery.name)
    body = _manifest(s3, request.bucket, prefix)
    fingerprint = hashlib.sha256(body).hexdigest()
    problems: tuple[str, ...] = ()
    files: dict[str, DeliveredFile] = {}
    try:
        files = read_manifest(_lines(body), request.agreements)
    except ManifestError as error:
        problems = error.problems
    differing = dict(compare(files, _sizes(s3, request.bucket, prefix))) if files else {}
    problems += tuple(differing.values())
    path = directory / "verdicts.jsonl.gz"
    counts: Counter[str] = Counter()
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        for verdict in _verdicts(request, s3, scanners, prefix, files, differing):
            counts[verdict.state.value] += 1
            stream.write(dumps(verdict) + "\n")
    report = DeliveryReport(
        delivery=request.delivery,
        manifest=fingerprint,
        state=gravest([*(FileState(state) for state in counts), *([FileState.INVALID] if problems else [])]),
        counts=dict(counts),
        problems=problems[:MOST_PROBLEMS],
        versions={"viruses": _version(scanners)},
    )
    return Outcome(report, _publish(s3, request, report, path))


def _manifest(s3: "S3Client", bucket: str, prefix: str) -> bytes:
    uri = object_keys.uri(bucket, prefix + MANIFEST)
    try:
        answer = s3.get_object(Bucket=bucket, Key=prefix + MANIFEST)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
            raise ToolError(f"{uri} is not there: send the delivery's manifest") from error
        raise
    if answer["ContentLength"] > _MOST_OF_A_MANIFEST:
        raise ToolError(f"{uri} has more than {_MOST_OF_A_MANIFEST} bytes: split the delivery")
    return answer["Body"].read()


def _lines(body: bytes) -> Iterator[str]:
    try:
        yield from io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="\n")
    except UnicodeDecodeError as error:
        raise ManifestError(
            [f"{MANIFEST}: is no UTF-8 ({error.reason} at byte {error.start}); write it anew"]
        ) from error


def _sizes(s3: "S3Client", bucket: str, prefix: str) -> dict[str, int]:
    """Path -> bytes of what was delivered."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"].removeprefix(prefix): entry["Size"] for page in pages for entry in page.get("Contents", ())}


def _verdicts(
    request: ScanRequest,
    s3: "S3Client",
    scanners: Scanners,
    prefix: str,
    files: dict[str, DeliveredFile],
    differing: dict[str, str],
) -> Iterator[FileVerdict]:
    agreements = {agreement.study: agreement for agreement in request.agreements}

    def scan(file: DeliveredFile) -> FileVerdict:
        agreement = agreements.get(file.study, Agreement(file.study))
        verdict = scan_file(file, partial(_opened, s3, request.bucket, prefix + file.path), scanners, agreement)
        _log.info("%s: %s", file.path, verdict.state)
        return verdict

    yield from _in_order(scan, (file for path, file in files.items() if path not in differing))
    for path, problem in differing.items():
        yield _unread(path, files.get(path), problem)


def _in_order(scan: Callable[[DeliveredFile], FileVerdict], files: Iterable[DeliveredFile]) -> Iterator[FileVerdict]:
    """Some files at once, as most of a small one's time is spent waiting; their verdicts in order."""
    waiting: deque[Future[FileVerdict]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for file in files:
            waiting.append(threads.submit(scan, file))
            if len(waiting) == 2 * _AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _unread(path: str, file: DeliveredFile | None, problem: str) -> FileVerdict:
    finding = Finding(FileState.INVALID, problem, field=MANIFEST)
    return FileVerdict(path, FileState.INVALID, file.size if file else 0, findings=(finding,))


@contextmanager
def _opened(s3: "S3Client", bucket: str, key: str) -> Iterator[Opened]:
    """An object as it is read, from its first byte; what S3 or the network does wrong is an OSError."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
        with closing(answer["Body"]) as body:
            pieces = body.iter_chunks(_PIECE_BYTES)
            yield Opened(pieces, etag=answer["ETag"], version_id=answer.get("VersionId", ""))
    except (BotoCoreError, ClientError) as error:
        raise OSError(f"{object_keys.uri(bucket, key)} cannot be read ({error})") from error


def _version(scanners: Scanners) -> str:
    try:
        return scanners.viruses.version()
    except ScannerError as error:
        return f"unknown ({error})"


def _publish(s3: "S3Client", request: ScanRequest, report: DeliveryReport, verdicts: Path) -> str:
    """The verdicts, then the report: where it is, they are."""

    def key(name: str) -> str:
        delivery = request.delivery
        return object_keys.scan_report(delivery.tenant, delivery.day, delivery.name, report.manifest, name)

    s3.upload_file(Filename=str(verdicts), Bucket=request.bucket, Key=key("verdicts.jsonl.gz"))
    body = dumps(report).encode()
    s3.put_object(Bucket=request.bucket, Key=key("report.json"), Body=body, ContentType="application/json")
    return key("report.json")
