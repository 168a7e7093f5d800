"""How full the landing folder is, and when it will be."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_WINDOW_DAYS = 7
# A rate from less than this says nothing.
_LEAST_DAYS = 1 / 24
WINDOW_SECONDS = _WINDOW_DAYS * 86400


@dataclass(frozen=True)
class Space:
    """The landing folder's file system, in bytes; `days_until_full` if nothing were deleted, None if nothing comes."""

    total: int
    free: int
    days_until_full: float | None


def used_bytes(folder: Path) -> int:
    """Bytes used in a folder's file system."""
    return shutil.disk_usage(folder).used


def landing_space(folder: Path, observations: Sequence[tuple[float, int]]) -> Space:
    """Space now, and the forecast from what was used when (seconds since the epoch, bytes)."""
    usage = shutil.disk_usage(folder)
    rate = bytes_per_day(observations)
    return Space(usage.total, usage.free, usage.free / rate if rate else None)


def bytes_per_day(observations: Sequence[tuple[float, int]]) -> float | None:
    """What comes in per day. Deletions do not count: whether they go on is not the sequencers' to say."""
    if len(observations) < 2:
        return None
    days = (observations[-1][0] - observations[0][0]) / 86400
    if days < _LEAST_DAYS:
        return None
    came = sum(max(after - before, 0) for (_, before), (_, after) in pairwise(observations))
    return came / days or None
