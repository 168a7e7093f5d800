"""One attempt at a task, from the gate to the record."""

import errno
import logging
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.folder import stage_folder
from batch_tools.tool_runtime.memory import MemoryMeter
from batch_tools.tool_runtime.progress import Progress
from batch_tools.tool_runtime.publication import Publication, finished
from batch_tools.tool_runtime.staging import Staged, expected_inputs, require_space, stage_in
from batch_tools.tool_runtime.tool import Attempt, Job, Outcome, Tool
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.steps import StepRecord, Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """What a tool's work came to."""

    staged: Staged
    outcome: Outcome
    versions: dict[str, str]
    staging_seconds: float
    seconds: float
    peak_memory_mib: int
    cpu_seconds: float


@dataclass(frozen=True)
class Execution:
    """Carries out one task with one tool, as one attempt."""

    tool: Tool
    task: Task
    environment: ToolEnvironment
    attempt: Attempt
    s3: "S3Client"
    dynamodb: "DynamoDBClient"

    def run(self) -> StepRecord:
        """Do the task unless its outputs are there; returns the record either way.

        ToolError, or whatever else went wrong, is told to the ledger and raised.
        """
        if self.task.step is not self.tool.step:
            raise ToolError(f"the task is for {self.task.step}, this tool does {self.tool.step}")
        progress = Progress(self.dynamodb, self.environment.ledger_table, self.task, self.attempt)
        if record := self._earlier_result():
            reason = f"outputs are there already: {self.task.record}, made by job {record.job_id}"
            _log.info("nothing to do: %s", reason)
            progress.succeeded(record, reason)
            return record
        progress.running()
        try:
            record = self._make(progress)
        except ToolError as error:
            progress.failed(str(error), error.exit_code)
            raise
        except Exception as error:
            progress.failed(one_line(error), 1)
            raise
        progress.succeeded(record, self.task.reason)
        return record

    def _earlier_result(self) -> StepRecord | None:
        record = finished(self.s3, self.task)
        if record and not self.tool.is_complete(self.task, self.environment):
            _log.warning("%s is valid, but what it stands for outside S3 is gone: making it again", self.task.record)
            return None
        return record

    def _make(self, progress: Progress) -> StepRecord:
        publication = Publication(self.s3, self.task, self.attempt)
        try:
            with self._scratch() as scratch, _full_disk_explained(scratch, self.task):
                measured = self._work(scratch)
                files = publication.upload(self._verified(measured.outcome))
            return publication.commit(
                StepRecord(
                    fingerprint=self.task.fingerprint,
                    run_id=self.task.run_id,
                    sample=self.task.sample,
                    step=self.task.step,
                    part=self.task.part,
                    inputs=measured.staged.inputs,
                    outputs=files,
                    parameters=self.task.parameters,
                    image=self.environment.tool_image,
                    tool_versions=measured.versions,
                    started_at=progress.started_at,
                    seconds=measured.seconds,
                    staging_seconds=measured.staging_seconds,
                    peak_memory_mib=measured.peak_memory_mib,
                    vcpus=self.environment.vcpus,
                    memory_mib=self.environment.memory_mib,
                    job_id=self.attempt.job_id,
                    attempt=self.attempt.number,
                    metrics=measured.outcome.metrics,
                    cpu_seconds=measured.cpu_seconds,
                )
            )
        finally:
            publication.discard()

    def _work(self, scratch: Path) -> Measured:
        unused = self.tool.unused(self.task)
        versions = tool_versions(program for program in self.tool.programs if program not in unused)
        inputs = expected_inputs(self.s3, self.task)
        require_space(scratch, inputs=inputs, per_input_byte=self.tool.scratch_per_input_byte, what=str(self.task.step))
        begun = time.monotonic()
        staged = stage_in(self.s3, inputs, scratch / "inputs")
        folder = None
        if self.task.folder:
            folder = stage_folder(
                self.s3,
                task=self.task,
                listing=staged.files,
                directory=scratch / "folder",
                per_input_byte=self.tool.scratch_per_input_byte,
            )
        staging_seconds = round(time.monotonic() - begun, 3)
        directory = scratch / "work"
        directory.mkdir()
        job = Job(self.task, self.environment, self.attempt, staged.files, directory, folder)
        begun, cpu_begun = time.monotonic(), _cpu_seconds()
        with MemoryMeter() as memory:
            outcome = self.tool.run(job)
        seconds, cpu_seconds = round(time.monotonic() - begun, 3), round(_cpu_seconds() - cpu_begun, 3)
        _log.info("done in %.1f s, at most %d MiB of memory: %s", seconds, memory.peak_mib, dict(outcome.metrics))
        return Measured(staged, outcome, versions, staging_seconds, seconds, memory.peak_mib, cpu_seconds)

    def _verified(self, outcome: Outcome) -> dict[str, Path]:
        if set(outcome.outputs) != set(self.task.outputs):
            raise ToolError(
                f"{self.task.step} makes {', '.join(sorted(outcome.outputs))};"
                f" the task asks for {', '.join(sorted(self.task.outputs))}"
            )
        for name, path in outcome.outputs.items():
            if not path.is_file() or not path.stat().st_size:
                raise ToolError(f"{self.task.step} left no {name} at {path.name}, or an empty one")
        return dict(outcome.outputs)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        root = Path(self.environment.scratch)
        root.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix=f"{self.attempt.name}-", dir=root))
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _full_disk_explained(scratch: Path, task: Task) -> Iterator[None]:
    """What failed for want of room on scratch, in this process or in a program, ends as a ToolError that says so."""
    try:
        yield
    except (OSError, ToolError) as error:
        full = os.strerror(errno.ENOSPC)
        if getattr(error, "errno", None) != errno.ENOSPC and full not in str(error):
            raise
        used = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file() and not path.is_symlink())
        free = shutil.disk_usage(scratch).free
        raise ToolError(
            f"{scratch.parent} is full: {task.step} has used {used} bytes and needs more, {free} bytes are free;"
            f" give the job a larger volume ({error})"
        ) from error


def _cpu_seconds() -> float:
    """Of this process and of the programs that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def one_line(error: BaseException) -> str:
    """An unexpected error as a line: its type and its words."""
    return " ".join(f"{type(error).__name__}: {error}".split())
