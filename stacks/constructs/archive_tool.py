"""The tool that archives and restores studies, as a Batch job definition. It streams, so it has no disk of its own."""

from constructs import Construct

from genomics.contracts.environment import ArchiveToolEnvironment
from stacks.constructs.tool_image import ImageRegistry
from stacks.constructs.tool_job import ATTEMPTS, ToolJob, ToolSize


class ArchiveTool(ToolJob):
    """`job_definition` takes the parameters `action` (archive or restore) and `request`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        size: ToolSize,
        ledger_table: str,
        log_retention_days: int,
        image_registry: ImageRegistry,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            tool="archive_study",
            size=size,
            log_retention_days=log_retention_days,
            image_registry=image_registry,
        )
        self.timeout_seconds = ATTEMPTS * size.timeout_minutes * 60
        # Lists of members, of some hundred bytes each, are all that it writes to scratch.
        self.job_definition = self.define(
            command=["Ref::action", "Ref::request"],
            environment=ArchiveToolEnvironment(ledger_table=ledger_table).variables(),
        )
