"""Command line of the container: align the sample that a task names."""

import sys

from batch_tools.align import align
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.parameters import ALIGNERS, AlignParameters
from genomics.contracts.steps import Step, Task


def align_sample(job: Job) -> Outcome:
    """Align all lanes of a sample."""
    reads_1, reads_2 = job.files("reads_1"), job.files("reads_2")
    if not len(job.task.lanes) == len(reads_1) == len(reads_2):
        raise ToolError(f"{len(job.task.lanes)} lanes, {len(reads_1)} first and {len(reads_2)} second mates")
    return align.run(
        sample=job.task.sample,
        lanes=[align.Lane(*lane) for lane in zip(job.task.lanes, reads_1, reads_2, strict=True)],
        reference=prepared_reference(job),
        parameters=job.parameters(AlignParameters),
        threads=job.environment.vcpus,
        memory_mib=job.environment.memory_mib,
        directory=job.directory,
    )


def _other_aligners(task: Task) -> tuple[str, ...]:
    chosen = task.parameters.get("aligner", AlignParameters().aligner)
    return tuple(aligner for aligner in ALIGNERS if aligner != chosen)


TOOL = Tool(Step.ALIGN, align_sample, align.PROGRAMS, align.SCRATCH_PER_INPUT_BYTE, unused=_other_aligners)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
