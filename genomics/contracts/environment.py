"""Environment variables that stacks set and runtimes read, each named once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

_NUMBERS = {int: int, float: float}


class _Environment:
    """A frozen dataclass whose fields are environment variables, in upper case."""

    def variables(self) -> dict[str, str]:
        """What the stack sets."""
        return {field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What the runtime finds; a missing variable is named."""
        values = {}
        for field in fields(cls):  # type: ignore[arg-type]
            name = field.name.upper()
            if name not in environment:
                raise RuntimeError(f"environment variable {name} is not set")
            values[field.name] = _NUMBERS.get(field.type, str)(environment[name])  # type: ignore[arg-type]
        return cls(**values)


@dataclass(frozen=True)
class ToolEnvironment(_Environment):
    """Of every container in batch_tools/. `tool_image` identifies it; `references` and `scratch` are directories."""

    tool_image: str
    vcpus: int
    memory_mib: int
    ledger_table: str
    references: str
    scratch: str
    reference_store: str


@dataclass(frozen=True)
class StartRunEnvironment(_Environment):
    """Of the Lambdas that turn events into executions: of the inbox, and of run folders that have arrived."""

    state_machine_arn: str
    sequencing_bucket: str
    ledger_table: str


@dataclass(frozen=True)
class PlanEnvironment(_Environment):
    """Of the Lambdas that plan runs and samples. `tool_images` is JSON: step -> image identity.

    `reference_store` is the file system that prepared references are looked for on. The queues are ARNs.
    """

    sequencing_bucket: str
    ledger_table: str
    tool_images: str
    reference_store: str
    job_queue: str
    urgent_job_queue: str


@dataclass(frozen=True)
class LedgerEnvironment(_Environment):
    """Of the Lambdas that record outcomes."""

    sequencing_bucket: str
    ledger_table: str


@dataclass(frozen=True)
class AskSignOffEnvironment(_Environment):
    """Of the Lambda that says that a run awaits its sign-off, for so long."""

    ledger_table: str
    sign_off_seconds: int


@dataclass(frozen=True)
class KeepTokenEnvironment(_Environment):
    """Of the Lambda that takes the tasks of the activity `sign_off_activity`, an ARN."""

    ledger_table: str
    sign_off_activity: str


@dataclass(frozen=True)
class ServiceEnvironment(_Environment):
    """Of the Lambdas that tell the LIMS or the ticket system, at `url`, with the token in `secret` (ARN or name)."""

    sequencing_bucket: str
    ledger_table: str
    url: str
    secret: str


@dataclass(frozen=True)
class PlanLoadEnvironment(_Environment):
    """Of the Lambdas that decide which sources the lake still has to load, and record what was loaded."""

    data_lake_bucket: str
    sequencing_bucket: str
    ledger_table: str


@dataclass(frozen=True)
class CheckLoadEnvironment(_Environment):
    """Of the Lambda that checks what was loaded; `limits` is JSON: LoadLimits."""

    data_lake_bucket: str
    limits: str


@dataclass(frozen=True)
class ArchiveToolEnvironment(_Environment):
    """Of the container that archives and restores studies."""

    ledger_table: str


@dataclass(frozen=True)
class FindDueStudiesEnvironment(_Environment):
    """Of the Lambda that starts archives. Sizes as an ArchiveRequest has them; days count from an object's writing."""

    sequencing_bucket: str
    ledger_table: str
    state_machine_arn: str
    archive_after_days: int
    tar_gib: int
    part_mib: int


@dataclass(frozen=True)
class StudyLedgerEnvironment(_Environment):
    """Of the Lambdas that record how archives and restores ended."""

    ledger_table: str


@dataclass(frozen=True)
class RestoreEnvironment(_Environment):
    """Of the Lambdas that begin restores and wait for tars. `restore_tier` is S3's; copies stay for `restored_days`.

    `owner` is told of studies that name none; it may be empty.
    """

    sequencing_bucket: str
    ledger_table: str
    topic_arn: str
    restore_tier: str
    restored_days: int
    owner: str


@dataclass(frozen=True)
class NoticeReadsEnvironment(_Environment):
    """Of the Lambda that reads the file gateway's log."""

    sequencing_bucket: str
    state_machine_arn: str


@dataclass(frozen=True)
class NotifyEnvironment(_Environment):
    """Of the Lambda that writes to those who wait."""

    ledger_table: str
    topic_arn: str


@dataclass(frozen=True)
class ReconcileEnvironment(_Environment):
    """Of the Lambda that compares what was transferred with what was to be."""

    sequencing_bucket: str
    ledger_table: str
    alarm_topic_arn: str


@dataclass(frozen=True)
class SweepTransfersEnvironment(_Environment):
    """Of the Lambda that looks for executions of the task whose end nobody has reconciled."""

    task_arn: str
    ledger_table: str
    queue_url: str


@dataclass(frozen=True)
class RecordJobEnvironment(_Environment):
    """Of the Lambda that writes jobs' metrics. `usd_per_vcpu_hour` is what its estimate of their cost rests on."""

    project: str
    usd_per_vcpu_hour: float


@dataclass(frozen=True)
class RecordExecutionEnvironment(_Environment):
    """Of the Lambda that records how executions stand; those of other machines than this are runs.

    Of demultiplexings the ledger tells as of runs.
    """

    ledger_table: str
    load_state_machine_arn: str


@dataclass(frozen=True)
class ScanEnvironment(_Environment):
    """Of the container that scans deliveries. `signatures` is the directory of ClamAV's databases.

    A content of up to `largest_mib` is looked into as a whole, with archives up to `archive_depth` within each other.
    With an endpoint, that service is asked instead; its secret is named as in Secrets Manager.
    """

    signatures: str
    largest_mib: int
    archive_depth: int
    timeout_seconds: int
    attempts: int
    virus_endpoint: str
    virus_secret: str
    phi_endpoint: str
    phi_secret: str
