"""Command line of the container: prepare the reference that a task names."""

import sys
from dataclasses import replace
from pathlib import Path

from batch_tools.prepare_reference import prepare_reference
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import is_prepared
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.steps import REFERENCE_STORE, Step, Task


def prepare(job: Job) -> Outcome:
    """Prepare one reference."""
    outcome = prepare_reference.run(
        fasta=job.file("fasta"),
        fingerprint=job.task.fingerprint,
        references=Path(job.environment.references),
        attempt=job.attempt.name,
        earlier_attempts=job.attempt.earlier_names,
        memory_mib=job.environment.memory_mib,
        directory=job.directory,
    )
    return replace(outcome, metrics={**outcome.metrics, REFERENCE_STORE: job.environment.reference_store})


def is_there(task: Task, environment: ToolEnvironment) -> bool:
    """Whether the references mount holds what the task asks for; the record in S3 alone does not say so."""
    return is_prepared(Path(environment.references) / task.fingerprint)


TOOL = Tool(
    Step.PREPARE_REFERENCE,
    prepare,
    prepare_reference.PROGRAMS,
    prepare_reference.SCRATCH_PER_INPUT_BYTE,
    is_complete=is_there,
)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
