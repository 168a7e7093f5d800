"""Command line of the container: call variants in the regions that a task names."""

import sys

from batch_tools.call_variants import call_variants
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.parameters import CallVariantsParameters
from genomics.contracts.steps import Step


def call_regions(job: Job) -> Outcome:
    """Call one region, or several that are small."""
    if not job.task.regions:
        raise ToolError("the task names no region")
    return call_variants.run(
        sample=job.task.sample,
        alignments=job.file("alignments"),
        index=job.file("index"),
        regions=job.task.regions,
        reference=prepared_reference(job),
        parameters=job.parameters(CallVariantsParameters),
        directory=job.directory,
    )


TOOL = Tool(Step.CALL_VARIANTS, call_regions, call_variants.PROGRAMS, call_variants.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
