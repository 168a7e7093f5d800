"""Why a run of a job was started."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Why a job's run or a crawl was started: the trigger, and the workflow's run that it belongs to."""

    trigger: str
    workflow: str | None = None
    workflow_run: str | None = None
