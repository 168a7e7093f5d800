"""Command line of the container: report on the quality of the sample that a task names."""

import sys

from batch_tools.quality import quality
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.steps import Step


def report_quality(job: Job) -> Outcome:
    """Report on a sample from what its tools have counted."""
    fastp = job.files("report")
    if len(job.task.lanes) != len(fastp):
        raise ToolError(f"{len(job.task.lanes)} lanes and {len(fastp)} reports of fastp")
    return quality.run(
        sample=job.task.sample,
        findings=quality.Findings(
            fastp=dict(zip(job.task.lanes, fastp, strict=True)),
            coverage_summary=job.file("summary"),
            coverage_distribution=job.file("region_distribution"),
            variant_stats=job.file("stats"),
        ),
        alignments=job.file("alignments"),
        threads=job.environment.vcpus,
        directory=job.directory,
        reference=prepared_reference(job) if job.task.reference else None,
    )


TOOL = Tool(Step.QUALITY, report_quality, quality.PROGRAMS, quality.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
