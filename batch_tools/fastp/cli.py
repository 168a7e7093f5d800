"""Command line of the container: trim the lane that a task names."""

import sys

from batch_tools.fastp import fastp
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.parameters import FastpParameters
from genomics.contracts.steps import Step


def trim(job: Job) -> Outcome:
    """Trim one lane."""
    return fastp.run(
        reads_1=job.file("reads_1"),
        reads_2=job.file("reads_2"),
        parameters=job.parameters(FastpParameters),
        threads=job.environment.vcpus,
        directory=job.directory,
    )


TOOL = Tool(Step.FASTP, trim, fastp.PROGRAMS, fastp.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
