"""What a deployment offers to those outside it: stack names and outputs, written by stacks, read by the CLI."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Self

# Each needs earlier ones at most. Those in the second tuple are deployed when settings ask for them.
STACKS = (
    *("storage", "network", "transfer", "file-access", "secondary"),
    *("lake", "machine-learning", "archive", "monitoring"),
)
OPTIONAL_STACKS = ("transfer", "file-access")


def stack_name(project: str, stack: str) -> str:
    """CloudFormation's name of a stack, e.g. `genomics-storage`."""
    return f"{project}-{stack}"


def output_name(field: str) -> str:
    """CloudFormation's name of an output, e.g. `SequencingBucket`."""
    return "".join(word.capitalize() for word in field.split("_"))


@dataclass(frozen=True)
class Deployment:
    """Physical names of what a user talks to; those of an optional stack are None where it is not deployed."""

    sequencing_bucket: str
    data_lake_bucket: str
    logs_bucket: str
    ledger_table: str
    inbox_dead_letter_queue_url: str
    run_state_machine_arn: str
    load_state_machine_arn: str
    lake_database: str
    lake_workgroup: str
    variants_job: str
    check_load_function: str
    annotations_job: str
    clinvar_workflow: str
    tenant_crawler: str
    tenant_database: str
    session_role_arn: str
    session_users_policy_arn: str
    training_set_job: str
    archive_state_machine_arn: str
    restore_state_machine_arn: str
    restore_topic_arn: str
    gateway_log_group: str
    dashboard: str
    alarm_topic_arn: str
    analysts_role_arn: str | None = None
    external_schema_statement: str | None = None
    resources_bucket: str | None = None
    runbook_role_arn: str | None = None
    model_job_role_arn: str | None = None
    model_group: str | None = None
    run_folder_dead_letter_queue_url: str | None = None
    sign_off_activity_arn: str | None = None
    transfer_task_arn: str | None = None
    transfer_alarm_topic_arn: str | None = None
    tracker_role_arn: str | None = None
    tracker_profile_arn: str | None = None
    tracker_trust_anchor_arn: str | None = None

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Self:
        """Read the outputs of all stacks; a missing one is named."""
        names = {output_name(field.name): field for field in fields(cls)}
        missing = [name for name, field in names.items() if field.default is MISSING and name not in outputs]
        if missing:
            raise LookupError(f"the deployment has no output {missing[0]}; deploy all stacks of this version")
        return cls(**{field.name: outputs[name] for name, field in names.items() if name in outputs})
