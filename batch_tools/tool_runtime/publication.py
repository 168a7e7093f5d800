"""Publishing a step's outputs: all uploaded to partial keys, then promoted, then committed by the record, last."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from batch_tools.tool_runtime.objects import MissingObjectError, head, read_document, sha256
from batch_tools.tool_runtime.tool import Attempt
from genomics.contracts import object_keys
from genomics.contracts.codec import ContractError, dumps
from genomics.contracts.steps import OutputFile, StepRecord, Task

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PROMOTIONS = 5
_log = logging.getLogger(__name__)


def finished(s3: "S3Client", task: Task) -> StepRecord | None:
    """The task's record, if all its outputs are as it says; None, with the reason logged, if there is work to do."""
    try:
        record = read_document(s3, task.record, StepRecord)
    except MissingObjectError:
        _log.info("no record of an earlier result: %s", task.record)
        return None
    except ContractError as error:
        _log.warning("the record cannot be read and does not count: %s", error)
        return None
    if record.fingerprint != task.fingerprint or set(record.outputs) != set(task.outputs):
        _log.warning("the record %s is of another task and does not count", task.record)
        return None
    if changed := _changed(s3, record):
        _log.warning("the record does not count: %s", changed)
        return None
    return record


class Publication:
    """One attempt's way of bringing outputs to their keys. Attempts at the same task may overlap: the last one to end
    leaves outputs and record that agree, whatever the others did in between.
    """

    def __init__(self, s3: "S3Client", task: Task, attempt: Attempt) -> None:
        self._s3 = s3
        self._task = task
        self._attempt = attempt

    def upload(self, outputs: Mapping[str, Path]) -> dict[str, OutputFile]:
        """Upload to partial keys. What is returned names the final ones; its entity tags are still empty."""
        files = {}
        for name, path in outputs.items():
            uri = self._task.outputs[name]
            bucket, key = object_keys.parse(uri)
            try:
                self._s3.upload_file(
                    Filename=str(path), Bucket=bucket, Key=object_keys.partial(key, self._attempt.name)
                )
            except S3UploadFailedError as error:
                # It tells at length from where to where; what is wrong is what S3 has answered.
                raise error.__context__ or error from None
            files[name] = OutputFile(uri=uri, sha256=sha256(path), size=path.stat().st_size, etag="")
        return files

    def commit(self, record: StepRecord) -> StepRecord:
        """Copy what `upload` brought to the final keys and write the record; returns the record as it stands."""
        for number in range(_PROMOTIONS):
            committed = replace(record, outputs={name: self._promote(file) for name, file in record.outputs.items()})
            bucket, key = object_keys.parse(self._task.record)
            body = dumps(committed).encode()
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
            # Another attempt may have promoted its own in the meantime; then these are promoted once more.
            if not (changed := _changed(self._s3, committed)):
                return committed
            _log.warning("another attempt at this task is promoting too: %s", changed)
            time.sleep(number)
        raise RuntimeError(f"outputs of {self._task.record} were replaced {_PROMOTIONS} times while being promoted")

    def discard(self) -> None:
        """Delete what this attempt and earlier ones of the job left at partial keys. Never fails: it comes last."""
        for uri in self._task.outputs.values():
            bucket, key = object_keys.parse(uri)
            for attempt in (self._attempt.name, *self._attempt.earlier_names):
                partial = object_keys.partial(key, attempt)
                try:
                    self._s3.delete_object(Bucket=bucket, Key=partial)
                except (BotoCoreError, ClientError) as error:
                    _log.warning("%s is left behind: %s", object_keys.uri(bucket, partial), error)

    def _promote(self, file: OutputFile) -> OutputFile:
        bucket, key = object_keys.parse(file.uri)
        source = {"Bucket": bucket, "Key": object_keys.partial(key, self._attempt.name)}
        self._s3.copy(CopySource=source, Bucket=bucket, Key=key)  # type: ignore[arg-type]
        return replace(file, etag=head(self._s3, file.uri).etag)


def _changed(s3: "S3Client", record: StepRecord) -> str | None:
    """What is not as the record says, or None."""
    return next((problem for file in record.outputs.values() if (problem := _difference(s3, file))), None)


def _difference(s3: "S3Client", file: OutputFile) -> str | None:
    try:
        found = head(s3, file.uri)
    except MissingObjectError as error:
        return str(error)
    if (found.size, found.etag) != (file.size, file.etag):
        return f"{file.uri} is not the object that was recorded"
    return None
