"""A step's tool as a Batch job definition, with the references mounted."""

from constructs import Construct

from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.steps import Step
from stacks.constructs.lustre_reference_store import LustreReferenceStore
from stacks.constructs.reference_store import ReferenceStore
from stacks.constructs.tool_image import ImageRegistry
from stacks.constructs.tool_job import SCRATCH, ToolJob, ToolSize

REFERENCES = "/mnt/references"


class BatchTool(ToolJob):
    """`job_definition` runs the tool on a task."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        step: Step,
        size: ToolSize,
        references: ReferenceStore | LustreReferenceStore,
        prepares_references: bool,
        ledger_table: str,
        log_retention_days: int,
        image_registry: ImageRegistry,
        other_image: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            tool=step.value,
            size=size,
            log_retention_days=log_retention_days,
            image_registry=image_registry,
            other_image=other_image,
        )
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
        self.job_definition = self.define(
            command=["--task", "Ref::task"],
            environment=environment.variables(),
            volumes=[references.volume(container_path=REFERENCES, writable=prepares_references)],
        )
