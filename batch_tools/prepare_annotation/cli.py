"""Command line of the container: prepare what the variants of a task's reference are annotated with."""

import sys

from batch_tools.prepare_annotation import prepare_annotation
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.parameters import AnnotateParameters
from genomics.contracts.steps import Step


def prepare(job: Job) -> Outcome:
    """Prepare genes, ClinVar, or both."""
    return prepare_annotation.run(
        genes=job.file("genes") if "genes" in job.inputs else None,
        clinvar=job.file("clinvar") if "clinvar" in job.inputs else None,
        reference=prepared_reference(job),
        parameters=job.parameters(AnnotateParameters),
        memory_mib=job.environment.memory_mib,
        directory=job.directory,
    )


TOOL = Tool(Step.PREPARE_ANNOTATION, prepare, prepare_annotation.PROGRAMS, prepare_annotation.SCRATCH_PER_INPUT_BYTE)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
