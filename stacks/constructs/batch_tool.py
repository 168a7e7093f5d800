"""A tool of batch_tools/ as a Batch job definition, with an image, a role and a log group of its own."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.steps import Step
from stacks.constructs.log_group import log_group
from stacks.constructs.reference_store import ReferenceStore
from stacks.constructs.tool_image import ToolImage

REFERENCES = "/mnt/references"
SCRATCH = "/scratch"
ATTEMPTS = 3
# A tool that was killed, or told to stop and has cleaned up: its machine is going, unless its memory was too little.
_KILLED, _TERMINATED = "137", "143"


@dataclass(frozen=True)
class ToolSize:
    """What one job gets; an attempt that takes longer than `timeout_minutes` is stopped."""

    vcpus: int
    memory_mib: int
    timeout_minutes: int


class BatchTool(Construct):
    """`job_definition` runs the tool on a task; `image` is the image's identity, grants go to `role`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        step: Step,
        size: ToolSize,
        references: ReferenceStore,
        prepares_references: bool,
        ledger_table: str,
        log_retention_days: int,
        image_registry: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        image = ToolImage(self, "Image", tool=step.value, registry=image_registry)
        self.size = size
        self.image = image.identity
        self.logs = log_group(self, "Logs", retention_days=log_retention_days)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        references.grant(self.role, writable=prepares_references)
        environment = ToolEnvironment(
            tool_image=self.image,
            vcpus=size.vcpus,
            memory_mib=size.memory_mib,
            ledger_table=ledger_table,
            references=REFERENCES,
            scratch=SCRATCH,
            reference_store=references.file_system_id,
        )
        container = batch.EcsEc2ContainerDefinition(
            self,
            "Container",
            image=image.container,
            command=["--task", "Ref::task"],
            cpu=size.vcpus,
            memory=cdk.Size.mebibytes(size.memory_mib),
            # The root file system is read-only, so temporary files go where the working files are.
            environment={**environment.variables(), "TMPDIR": SCRATCH},
            readonly_root_filesystem=True,
            job_role=self.role,
            logging=ecs.LogDriver.aws_logs(log_group=self.logs, stream_prefix=step.value),
            volumes=[
                references.volume(container_path=REFERENCES, writable=prepares_references),
                batch.EcsVolume.host(name="scratch", container_path=SCRATCH),
            ],
        )
        self.job_definition = batch.EcsJobDefinition(
            self,
            "Definition",
            container=container,
            retry_attempts=ATTEMPTS,
            retry_strategies=retries(),
            timeout=cdk.Duration.minutes(size.timeout_minutes),
            propagate_tags=True,
        )
        image.acknowledge_pull(container)


def retries() -> list[batch.RetryStrategy]:
    """The machine's faults are tried again, the tool's own are not. Batch takes the first that matches.

    It allows five. What matches none is tried again: an image that cannot be pulled, a container that cannot start.
    """
    retry, leave = batch.Action.RETRY, batch.Action.EXIT
    # It also ends with 137, and would with the same memory do so again.
    out_of_memory = batch.Reason.custom(on_reason="OutOfMemoryError*")
    return [
        batch.RetryStrategy.of(retry, batch.Reason.SPOT_INSTANCE_RECLAIMED),
        batch.RetryStrategy.of(leave, out_of_memory),
        batch.RetryStrategy.of(retry, batch.Reason.custom(on_exit_code=_KILLED)),
        batch.RetryStrategy.of(retry, batch.Reason.custom(on_exit_code=_TERMINATED)),
        batch.RetryStrategy.of(leave, batch.Reason.custom(on_exit_code="*")),
    ]
