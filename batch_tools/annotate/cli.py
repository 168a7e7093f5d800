"""Command line of the container: annotate the sample that a task names."""

import sys

from batch_tools.annotate import annotate
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.steps import Step

_KNOWLEDGE = ("csq_genes", "snpeff_database", "clinvar", "clinvar_index")


def annotate_sample(job: Job) -> Outcome:
    """Annotate a sample's variants."""
    return annotate.run(
        sample=job.task.sample,
        vcf=job.file("vcf"),
        knowledge=annotate.Knowledge(**{name: job.file(name) for name in _KNOWLEDGE if name in job.inputs}),
        reference=prepared_reference(job),
        memory_mib=job.environment.memory_mib,
        directory=job.directory,
    )


TOOL = Tool(Step.ANNOTATE, annotate_sample, annotate.PROGRAMS, annotate.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
