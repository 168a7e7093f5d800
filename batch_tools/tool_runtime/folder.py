"""Stage in a folder: files that a task lists, brought to scratch as they lay when they were listed."""

import logging
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.staging import require_bytes
from genomics.contracts import object_keys
from genomics.contracts.codec import ContractError, loads
from genomics.contracts.demultiplexing import FILES, FolderFile, FolderFiles
from genomics.contracts.steps import Task

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# As many as a client keeps connections for: run folders hold many small files.
_AT_ONCE = 10
_COPIED_BYTES = 1 << 20
_log = logging.getLogger(__name__)


def stage_folder(
    s3: "S3Client", *, task: Task, listing: Mapping[str, tuple[Path, ...]], directory: Path, per_input_byte: float
) -> Path:
    """Fetch the files that the task's input `files` lists to `directory`, which is returned.

    ToolError if there is no room for `per_input_byte` times their size, or if one is not what was listed.
    """
    if len(listing.get(FILES, ())) != 1:
        raise ToolError(f"the task of {task.step} names a folder, and no input {FILES!r} that lists its files")
    try:
        listed = loads(FolderFiles, listing[FILES][0].read_bytes(), where=f"input {FILES!r}")
    except ContractError as error:
        raise ToolError(str(error)) from error
    directory.mkdir()
    require_bytes(directory, listed.size, per_input_byte, what=task.step)
    bucket, prefix = object_keys.parse(task.folder)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(lambda file: _fetch(s3, bucket, prefix, file, directory), listed.files))
    _log.info("staged in %d files of %s, %d bytes", len(listed.files), task.folder, listed.size)
    return directory


def _fetch(s3: "S3Client", bucket: str, prefix: str, file: FolderFile, directory: Path) -> None:
    key = prefix + file.path
    uri = object_keys.uri(bucket, key)
    path = directory / file.path
    if not path.resolve().is_relative_to(directory.resolve()):
        raise ToolError(f"{uri} leads out of its folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        body = s3.get_object(Bucket=bucket, Key=key, IfMatch=file.etag)["Body"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "412", "PreconditionFailed"):
            raise ToolError(f"{uri} is not there any more, or not as it was listed: transfer the run again") from error
        raise
    with body, path.open("wb") as stream:
        shutil.copyfileobj(body, stream, _COPIED_BYTES)
    if (size := path.stat().st_size) != file.size:
        raise ToolError(f"{uri} has {size} bytes, {file.size} were listed: transfer the run again")
