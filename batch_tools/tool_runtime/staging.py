"""Stage in: a task's inputs, brought to scratch and checked against what they must hold."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.objects import MissingObjectError, head, read_document, sha256
from genomics.contracts import object_keys
from genomics.contracts.steps import StepRecord, Task, TaskInput

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RECORD = "record.json"
_GIB = 1 << 30
_log = logging.getLogger(__name__)

Inputs = Mapping[str, tuple[TaskInput, ...]]


@dataclass(frozen=True)
class Staged:
    """Inputs on scratch: `files` as the task names them, `inputs` with the checksum and size that were verified."""

    files: Mapping[str, tuple[Path, ...]]
    inputs: Inputs


def expected_inputs(s3: "S3Client", task: Task) -> dict[str, tuple[TaskInput, ...]]:
    """The task's inputs with the size and SHA-256 that each must have.

    The task has them for what the user brought; for what a step made they stand in the record beside the object.
    ToolError if an object, or the record that vouches for it, is not there.
    """
    records: dict[str, StepRecord] = {}
    return {name: tuple(_expected(s3, asked, records) for asked in inputs) for name, inputs in task.inputs.items()}


def require_space(directory: Path, *, inputs: Inputs, per_input_byte: float, what: str) -> None:
    """ToolError unless `directory` has room for `per_input_byte` times the size of `inputs`."""
    require_bytes(
        directory, sum(each.size or 0 for group in inputs.values() for each in group), per_input_byte, what=what
    )


def require_bytes(directory: Path, size: int, per_input_byte: float, *, what: str) -> None:
    """The same for `size` bytes of input."""
    needed, free = int(size * per_input_byte), shutil.disk_usage(directory).free
    if free < needed:
        raise ToolError(
            f"{directory} has {free} bytes free ({free / _GIB:.1f} GiB); {what} on {size} bytes of input needs {needed}"
            f" ({needed / _GIB:.1f} GiB): give the job a larger volume"
        )


def stage_in(s3: "S3Client", inputs: Inputs, directory: Path) -> Staged:
    """Fetch inputs to `directory`, each to a directory of its own, under its name; ToolError if one is not right."""
    files = {
        name: tuple(_fetch(s3, each, directory / name / str(number)) for number, each in enumerate(group))
        for name, group in inputs.items()
    }
    return Staged(files=files, inputs=inputs)


def _expected(s3: "S3Client", asked: TaskInput, records: dict[str, StepRecord]) -> TaskInput:
    found = head(s3, asked.uri)
    expected = asked if asked.sha256 else _recorded(s3, asked.uri, records)
    if expected.size is not None and expected.size != found.size:
        raise ToolError(f"{asked.uri} has {found.size} bytes, expected {expected.size}: it was replaced or cut short")
    return TaskInput(uri=asked.uri, sha256=expected.sha256, size=found.size)


def _recorded(s3: "S3Client", uri: str, records: dict[str, StepRecord]) -> TaskInput:
    place = f"{uri.rpartition('/')[0]}/{_RECORD}"
    if place not in records:
        try:
            records[place] = read_document(s3, place, StepRecord)
        except MissingObjectError as error:
            raise ToolError(f"{uri} has no {_RECORD} beside it: the step that makes it has not finished") from error
    for output in records[place].outputs.values():
        if output.uri == uri:
            return TaskInput(uri=uri, sha256=output.sha256, size=output.size)
    raise ToolError(f"{uri} is not among the outputs that {place} records")


def _fetch(s3: "S3Client", expected: TaskInput, directory: Path) -> Path:
    bucket, key = object_keys.parse(expected.uri)
    directory.mkdir(parents=True)
    path = directory / key.rpartition("/")[2]
    s3.download_file(Bucket=bucket, Key=key, Filename=str(path))
    if (found := sha256(path)) != expected.sha256:
        raise ToolError(
            f"{expected.uri} has SHA-256 {found}, expected {expected.sha256}: it was changed or damaged; delete"
            f" {_RECORD} beside it, so that it is made again, or bring it again, and start the run again"
        )
    _log.info("staged in %s, %d bytes, checksum verified", expected.uri, path.stat().st_size)
    return path
