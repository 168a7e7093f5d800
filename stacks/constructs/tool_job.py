"""A folder of batch_tools/ as a Batch job: its image, a role and a log group of its own, and what is tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.log_group import log_group
from stacks.constructs.tool_image import ImageRegistry, ToolImage

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


class ToolJob(Construct):
    """`tool` is its name, `image` its image's identity, grants go to `role`; `define` then makes the job definition."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tool: str,
        size: ToolSize,
        log_retention_days: int,
        image_registry: ImageRegistry,
        other_image: str | None = None,
    ) -> None:
        """`other_image` is a folder of batch_tools/ whose image has more than the tool's own."""
        super().__init__(scope, construct_id)
        self.tool, self.size = tool, size
        code_of = tool if other_image else None
        self._image = ToolImage(self, "Image", tool=other_image or tool, registry=image_registry, code_of=code_of)
        self.image = self._image.identity
        self.logs = log_group(self, "Logs", retention_days=log_retention_days)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))

    def define(
        self, *, command: Sequence[str], environment: Mapping[str, str], volumes: Sequence[batch.EcsVolume] = ()
    ) -> batch.EcsJobDefinition:
        """The job definition: `command` on a read-only root file system, with scratch space and `volumes`."""
        container = batch.EcsEc2ContainerDefinition(
            self,
            "Container",
            image=self._image.container,
            command=list(command),
            cpu=self.size.vcpus,
            memory=cdk.Size.mebibytes(self.size.memory_mib),
            # Temporary files go where the working files are.
            environment={**environment, "TMPDIR": SCRATCH},
            readonly_root_filesystem=True,
            job_role=self.role,
            logging=ecs.LogDriver.aws_logs(log_group=self.logs, stream_prefix=self.tool),
            volumes=[*volumes, batch.EcsVolume.host(name="scratch", container_path=SCRATCH)],
        )
        definition = batch.EcsJobDefinition(
            self,
            "Definition",
            container=container,
            retry_attempts=ATTEMPTS,
            retry_strategies=retries(),
            timeout=cdk.Duration.minutes(self.size.timeout_minutes),
            propagate_tags=True,
        )
        self._image.acknowledge_pull(container)
        return definition


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
