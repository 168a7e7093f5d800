"""One execution's work: find what has changed, copy it into S3 as the bucket access role, verify, report."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.datasync.filters import Filters
from embedded_aws.datasync.model import Execution
from embedded_aws.datasync.reports import TaskReport
from embedded_aws.datasync.source import Entry, entries

_PARALLEL_FILES = 8
_BLOCK = 1024 * 1024
# A file above this is sent in parts; each thread already is one of several.
_UPLOAD = TransferConfig(multipart_threshold=8 * _BLOCK, multipart_chunksize=8 * _BLOCK, use_threads=False)

T = TypeVar("T")


class ExecutionError(RuntimeError):
    """The execution ends in ERROR; `code` as DescribeTaskExecution gives it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass
class Copy:
    """Copies from `source` to `prefix` of `bucket` through `s3`, the client of the bucket access role."""

    execution: Execution
    source: Path
    s3: Any
    bucket: str
    prefix: str
    storage_class: str
    report: TaskReport
    log: Callable[[str], None]
    _checksums: dict[str, str] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    # By key, of what lies at the destination already.
    _classes: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _free_at: float = 0.0

    def run(self, enter: Callable[[str], None]) -> None:
        """All phases; `enter` is told of each. Raises ExecutionError."""
        mode = self.execution.options["VerifyMode"]
        enter("PREPARING")
        found, changed = self._phase("Prepare", self._prepare)
        enter("TRANSFERRING")
        self._phase("Transfer", lambda: self._in_parallel(self._transfer, changed))
        if mode != "NONE":
            enter("VERIFYING")
            chosen = changed if mode == "ONLY_FILES_TRANSFERRED" else found
            self._phase("Verify", lambda: self._in_parallel(self._verify, chosen))
        if self._failed:
            raise ExecutionError("FilesFailed", f"{len(self._failed)} files were not transferred or not verified")

    def _phase(self, name: str, work: Callable[[], T]) -> T:
        began, before = time.monotonic(), len(self._failed)
        self.execution.phases[name] = "PENDING"
        status = "ERROR"
        try:
            result = work()
            status = "SUCCESS" if len(self._failed) == before else "ERROR"
        finally:
            self.execution.phases[name] = status
            self.execution.durations[name] = int((time.monotonic() - began) * 1000)
        return result

    def _prepare(self) -> tuple[list[Entry], list[Entry]]:
        """What the filters take, and what of it differs from the destination."""
        filters = Filters.read(self.execution.includes, self.execution.excludes)
        try:
            found = list(entries(self.source, filters, self._refuse))
            known = self._sizes({_top(entry.path) for entry in found})
            changed = [entry for entry in self._each(found) if self._has_changed(entry, known)]
        except OSError as error:
            raise ExecutionError("SourceUnreachable", f"{self.source}: {error.strerror}") from error
        except (ClientError, BotoCoreError) as error:
            raise ExecutionError("DestinationUnreachable", str(error)) from error
        counts = self.execution.counts
        counts["EstimatedFilesToTransfer"] = len(changed)
        counts["EstimatedBytesToTransfer"] = sum(entry.size for entry in changed)
        return found, changed

    def _in_parallel(self, work: Callable[[Entry], None], chosen: Sequence[Entry]) -> None:
        with ThreadPoolExecutor(_PARALLEL_FILES) as threads:
            list(threads.map(work, self._each(chosen)))

    def _each(self, chosen: Sequence[Entry]) -> Iterable[Entry]:
        for entry in chosen:
            self._check()
            yield entry

    def _check(self) -> None:
        if self.execution.cancelled.is_set():
            raise ExecutionError("TaskExecutionCancelled", "The task execution was cancelled.")

    def _sizes(self, folders: set[str]) -> dict[str, int]:
        """By key, of what is there already in the folders that the transfer is about, and may be left as it is."""
        pages = self.s3.get_paginator("list_objects_v2")
        found = [
            item
            for folder in sorted(folders)
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + folder)
            for item in page.get("Contents", ())
        ]
        self._classes = {item["Key"]: item["StorageClass"] for item in found}
        is_all = self.execution.options["TransferMode"] == "ALL"
        return {} if is_all else {item["Key"]: item["Size"] for item in found}

    def _has_changed(self, entry: Entry, known: Mapping[str, int]) -> bool:
        size = known.get(self._key(entry))
        if size is None:
            return True
        if self.execution.options["OverwriteMode"] == "ALWAYS":
            if size != entry.size:
                return True
            if self.s3.head_object(Bucket=self.bucket, Key=self._key(entry))["Metadata"] != entry.metadata:
                return True
        self.report.add("Skipped", entry)
        self.execution.counts["FilesSkipped"] += 1
        return False

    def _transfer(self, entry: Entry) -> None:
        try:
            self._put(entry)
        except (OSError, ClientError, BotoCoreError) as error:
            self.report.add("Transferred", entry, error=str(error))
            self._refuse(entry.path, str(error))
            return
        self.report.add("Transferred", entry)
        self.log(f"[NOTICE] Transferred {'directory' if entry.is_folder else 'file'} {entry.path}, {entry.size} bytes")
        with self._lock:
            self.execution.counts["FilesTransferred"] += 1
            self.execution.counts["BytesTransferred"] += entry.size
            self.execution.counts["BytesWritten"] += entry.size

    def _put(self, entry: Entry) -> None:
        # A folder's object holds only metadata, in S3 Standard: User Guide, "Storage class considerations".
        target = {"Bucket": self.bucket, "Key": self._key(entry)}
        if entry.is_folder:
            self.s3.put_object(**target, Metadata=entry.metadata)
            return
        with (self.source / entry.path[1:]).open("rb") as file:
            reader = _Reader(file, self._wait)
            # What is overwritten keeps its class: the same page.
            storage_class = self._classes.get(target["Key"], self.storage_class)
            told = {"Metadata": entry.metadata, "StorageClass": storage_class}
            if entry.size <= _UPLOAD.multipart_threshold:
                self.s3.put_object(**target, Body=reader.read(), **told)
            else:
                self.s3.upload_fileobj(reader, **target, ExtraArgs=told, Config=_UPLOAD)
        with self._lock:
            self._checksums[entry.path] = reader.digest.hexdigest()

    def _verify(self, entry: Entry) -> None:
        if entry.path in self._failed:
            return
        if error := self._difference(entry):
            self.report.add("Verified", entry, error=error)
            self._refuse(entry.path, error)
            return
        self.report.add("Verified", entry)
        self.log(f"[NOTICE] Verified {'directory' if entry.is_folder else 'file'} {entry.path}, {entry.size} bytes")
        with self._lock:
            self.execution.counts["FilesVerified"] += 1

    def _difference(self, entry: Entry) -> str:
        """How the object differs from the file, metadata and bytes; empty if it does not."""
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=self._key(entry))
            if found["Metadata"] != entry.metadata:
                return "the metadata differ"
            if entry.is_folder:
                return ""
            if found["ContentLength"] != entry.size:
                return f"the object has {found['ContentLength']} bytes, the file had {entry.size}"
            digest = hashlib.sha256()
            for block in found["Body"].iter_chunks(_BLOCK):
                digest.update(block)
            sent = self._checksums.get(entry.path) or _checksum(self.source / entry.path[1:])
        except (OSError, ClientError, BotoCoreError) as error:
            return str(error)
        return "" if digest.hexdigest() == sent else "the checksums differ"

    def _key(self, entry: Entry) -> str:
        return self.prefix + entry.path[1:] + ("/" if entry.is_folder else "")

    def _refuse(self, path: str, reason: str) -> None:
        self.log(f"[ERROR] {path}: {reason}")
        with self._lock:
            self._failed.add(path)

    def _wait(self, size: int) -> None:
        """Hold a thread back until `size` bytes more stay within the task's limit."""
        limit = self.execution.options["BytesPerSecond"]
        if limit <= 0:
            return
        with self._lock:
            begin = max(self._free_at, time.monotonic())
            self._free_at = begin + size / limit
        self.execution.cancelled.wait(max(0.0, self._free_at - time.monotonic()))


class _Reader:
    """A file that is hashed, and held back, as it is read."""

    def __init__(self, file: IO[bytes], wait: Callable[[int], None]) -> None:
        self._file, self._wait = file, wait
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._wait(len(block))
        self.digest.update(block)
        return block


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _top(path: str) -> str:
    return path[1:].partition("/")[0]
