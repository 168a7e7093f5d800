"""Command line of the container: measure the coverage of the sample that a task names."""

import sys

from batch_tools.coverage import coverage
from batch_tools.coverage.htslib import findable_htslib
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.parameters import CoverageParameters
from genomics.contracts.steps import Step


def measure_coverage(job: Job) -> Outcome:
    """Measure how deep a sample's alignments cover its regions."""
    return coverage.run(
        sample=job.task.sample,
        alignments=job.file("alignments"),
        index=job.file("index"),
        regions=job.task.regions,
        parameters=job.parameters(CoverageParameters),
        threads=job.environment.vcpus,
        directory=job.directory,
        reference=prepared_reference(job) if job.task.reference else None,
    )


TOOL = Tool(Step.COVERAGE, measure_coverage, coverage.PROGRAMS, coverage.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    with findable_htslib():
        sys.exit(launch(TOOL))
