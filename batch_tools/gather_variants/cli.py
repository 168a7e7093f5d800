"""Command line of the container: gather the regions that a task names."""

import sys

from batch_tools.gather_variants import gather_variants
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.parameters import GatherVariantsParameters
from genomics.contracts.regions import calling_jobs
from genomics.contracts.steps import Step


def gather_regions(job: Job) -> Outcome:
    """Gather all regions of a sample."""
    calls, indexes, regions = job.files("calls"), job.files("index"), calling_jobs(job.task.regions)
    if not len(regions) == len(calls) == len(indexes):
        raise ToolError(f"{len(regions)} jobs' regions, {len(calls)} files of calls and {len(indexes)} indexes")
    blocks = job.files("blocks") if "blocks" in job.inputs else (None,) * len(regions)
    if len(blocks) != len(regions):
        raise ToolError(f"{len(regions)} jobs' regions and {len(blocks)} files of reference blocks")
    return gather_variants.run(
        sample=job.task.sample,
        shards=[gather_variants.Shard(*shard) for shard in zip(regions, calls, indexes, blocks, strict=True)],
        reference=prepared_reference(job),
        parameters=job.parameters(GatherVariantsParameters),
        threads=job.environment.vcpus,
        memory_mib=job.environment.memory_mib,
        directory=job.directory,
    )


TOOL = Tool(Step.GATHER_VARIANTS, gather_regions, gather_variants.PROGRAMS, gather_variants.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
