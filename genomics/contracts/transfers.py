"""A run folder's transfer: how the run tracker, DataSync and the functions that reconcile tell each other of it.

The tracker writes the manifest (`object_keys.transfer_manifest`), starts an execution of the task with
`include_filter` and `tags`, and is done; whoever meets the execution later learns from its tags whose it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

RUN_TAG = "run"
ATTEMPT_TAG = "attempt"

# DataSync's rule for tag values, without the blanks and the slash that no folder name needs.
_RUN_ID = re.compile(r"[A-Za-z0-9+=._:@-]{1,128}")


@dataclass(frozen=True)
class Transfer:
    """One attempt to bring a run folder over. `run_id` is the folder's name, attempts count from 1."""

    run_id: str
    attempt: int

    def __post_init__(self) -> None:
        if not _RUN_ID.fullmatch(self.run_id) or self.run_id in (".", ".."):
            raise ValueError(f"run folder {self.run_id!r} may hold letters, digits and '+=._:@-' only (128 at most)")
        if self.attempt < 1:
            raise ValueError(f"attempt {self.attempt} is not 1 or more")

    @property
    def include_filter(self) -> str:
        """The pattern, as DataSync has it, of the folder and all that it holds."""
        return f"/{self.run_id}"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the execution."""
        return {RUN_TAG: self.run_id, ATTEMPT_TAG: str(self.attempt)}

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Transfer | None":
        """Whose execution it is; None of one that the tracker has not started."""
        run_id, attempt = tags.get(RUN_TAG, ""), tags.get(ATTEMPT_TAG, "")
        return cls(run_id, int(attempt)) if run_id and attempt.isdigit() else None
