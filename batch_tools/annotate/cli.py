"""Command line of the container: annotate the sample that a task names."""

import sys
from pathlib import Path

from batch_tools.annotate import annotate, vep
from batch_tools.tool_runtime.launch import launch
from batch_tools.tool_runtime.reference import prepared_reference
from batch_tools.tool_runtime.tool import Job, Outcome, Tool
from genomics.contracts.parameters import VEP, AnnotateParameters
from genomics.contracts.steps import Step, Task

_KNOWLEDGE = ("csq_genes", "snpeff_database", "clinvar", "clinvar_index")


def annotate_sample(job: Job) -> Outcome:
    """Annotate a sample's variants."""
    parameters = job.parameters(AnnotateParameters)
    has_vep = parameters.predictor == VEP
    cache = vep.find_cache(Path(job.environment.references), parameters) if has_vep else None
    files = {name: job.file(name) for name in _KNOWLEDGE if name in job.inputs}
    return annotate.run(
        sample=job.task.sample,
        vcf=job.file("vcf"),
        knowledge=annotate.Knowledge(**files, vep_cache=cache),
        reference=prepared_reference(job),
        memory_mib=job.environment.memory_mib,
        directory=job.directory,
        processes=job.environment.vcpus,
    )


def _not_asked_for(task: Task) -> tuple[str, ...]:
    return ("snpeff",) if task.parameters.get("predictor") == VEP else (vep.PROGRAM,)


TOOL = Tool(Step.ANNOTATE, annotate_sample, annotate.PROGRAMS, annotate.SCRATCH_PER_INPUT_BYTE, unused=_not_asked_for)

if __name__ == "__main__":
    sys.exit(launch(TOOL))
