"""What a deployment offers to those outside it: stack names and outputs, written by stacks, read by the CLI."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

STACKS = ("storage", "network", "secondary", "lake")


def stack_name(project: str, stack: str) -> str:
    """CloudFormation's name of a stack, e.g. `genomics-storage`."""
    return f"{project}-{stack}"


def output_name(field: str) -> str:
    """CloudFormation's name of an output, e.g. `SequencingBucket`."""
    return "".join(word.capitalize() for word in field.split("_"))


@dataclass(frozen=True)
class Deployment:
    """Physical names of what a user talks to."""

    sequencing_bucket: str
    data_lake_bucket: str
    ledger_table: str
    inbox_dead_letter_queue_url: str
    run_state_machine_arn: str
    load_state_machine_arn: str
    lake_database: str
    lake_workgroup: str
    variants_job: str

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Self:
        """Read the outputs of all stacks; a missing one is named."""
        missing = [output_name(f.name) for f in fields(cls) if output_name(f.name) not in outputs]
        if missing:
            raise LookupError(f"the deployment has no output {missing[0]}; deploy all stacks of this version")
        return cls(**{f.name: outputs[output_name(f.name)] for f in fields(cls)})
