"""The tool that archives and restores studies, as a Batch job definition. It streams, so it has no disk of its own."""

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from genomics.contracts.environment import ArchiveToolEnvironment
from stacks.constructs.batch_tool import ATTEMPTS, SCRATCH, ToolSize, retries
from stacks.constructs.log_group import log_group
from stacks.constructs.tool_image import ToolImage

_TOOL = "archive_study"


class ArchiveTool(Construct):
    """`job_definition` takes the parameters `action` (archive or restore) and `request`; grants go to `role`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        size: ToolSize,
        ledger_table: str,
        log_retention_days: int,
        image_registry: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        image = ToolImage(self, "Image", tool=_TOOL, registry=image_registry)
        self.logs = log_group(self, "Logs", retention_days=log_retention_days)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        environment = ArchiveToolEnvironment(ledger_table=ledger_table)
        container = batch.EcsEc2ContainerDefinition(
            self,
            "Container",
            image=image.container,
            command=["Ref::action", "Ref::request"],
            cpu=size.vcpus,
            memory=cdk.Size.mebibytes(size.memory_mib),
            # Lists of members, of some hundred bytes each, are all that it writes.
            environment={**environment.variables(), "TMPDIR": SCRATCH},
            readonly_root_filesystem=True,
            job_role=self.role,
            logging=ecs.LogDriver.aws_logs(log_group=self.logs, stream_prefix=_TOOL),
            volumes=[batch.EcsVolume.host(name="scratch", container_path=SCRATCH)],
        )
        self.timeout_seconds = ATTEMPTS * size.timeout_minutes * 60
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
