"""Command line of the container: demultiplex the lane that a task names."""

import sys

from batch_tools.demultiplex import demultiplex
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.codec import ContractError, loads
from genomics.contracts.demultiplexing import SHEET, LaneSheet
from genomics.contracts.parameters import DemultiplexParameters
from genomics.contracts.steps import Step


def demultiplex_lane(job: Job) -> Outcome:
    """Demultiplex one lane."""
    if job.folder is None:
        raise ToolError(f"the task of {job.task.step} names no folder")
    try:
        sheet = loads(LaneSheet, job.file(SHEET).read_bytes(), where=f"input {SHEET!r}")
    except ContractError as error:
        raise ToolError(str(error)) from error
    return demultiplex.run(
        folder=job.folder,
        sheet=sheet,
        parameters=job.parameters(DemultiplexParameters),
        threads=job.environment.vcpus,
        memory_mib=job.environment.memory_mib,
        directory=job.directory,
    )


TOOL = Tool(Step.DEMULTIPLEX, demultiplex_lane, demultiplex.PROGRAMS, demultiplex.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
