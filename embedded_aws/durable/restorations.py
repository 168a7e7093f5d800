"""A restored copy of an archived object: what is kept of it."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Restoration:
    """A copy that will be readable from `due` (seconds since the epoch) on, for `days`."""

    tier: str
    due: float
    days: int

    @property
    def expires(self) -> datetime:
        """S3 API Reference, RestoreObject: the days after completion, rounded up to the next midnight in UTC."""
        after = datetime.fromtimestamp(self.due, UTC) + timedelta(days=self.days)
        return datetime.fromtimestamp(math.ceil(after.timestamp() / 86_400) * 86_400, UTC)
