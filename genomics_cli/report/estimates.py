"""The estimate beside the actual as the page shows it, from the summary's document."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genomics_cli.estimates.intervals import Interval
from genomics_cli.estimates.tables import duration, money, span

_UNKNOWN = "\u2013"
_WIDTH = 297.0


@dataclass(frozen=True)
class EstimateRow:
    """One step in words; the band and the mark in the drawing's units, on a scale that is common to all rows."""

    step: str
    jobs: int
    expected: str
    actual: str
    expected_usd: str
    actual_usd: str
    basis: str
    is_within: bool
    band_from: float
    band_width: float
    mark: float


def estimate_rows(estimate: Mapping[str, Any] | None) -> tuple[EstimateRow, ...]:
    """A row for each step that ran; none without an estimate."""
    steps = estimate["steps"] if estimate else []
    ends = [(each["estimated_seconds"]["low"], each["actual_seconds"]) for each in steps]
    tops = [(each["estimated_seconds"]["high"], each["actual_seconds"]) for each in steps]
    scale = Interval(min((min(e) for e in ends), default=1.0), max((max(t) for t in tops), default=1.0))
    return tuple(_row(each, scale) for each in steps)


def _row(step: Mapping[str, Any], scale: Interval) -> EstimateRow:
    expected = Interval(**step["estimated_seconds"])
    start, end = _place(expected.low, scale), _place(expected.high, scale)
    return EstimateRow(
        step=step["step"].replace("_", " "),
        jobs=step["jobs"],
        expected=span(expected, duration),
        actual=duration(step["actual_seconds"]),
        expected_usd=_dollars(step["estimated_usd"]),
        actual_usd=_dollars(step["actual_usd"]),
        basis=step["basis"],
        is_within=step["is_within"],
        band_from=start,
        band_width=round(max(2.0, end - start), 1),
        mark=_place(step["actual_seconds"], scale),
    )


def _place(seconds: float, scale: Interval) -> float:
    """Logarithmic: estimates of figures are many times as wide as those of history."""
    low, high, at = (math.log(max(value, 0.001)) for value in (scale.low, scale.high, seconds))
    return round(_WIDTH * (at - low) / (high - low), 1) if high > low else 0.0


def _dollars(document: Mapping[str, float] | None) -> str:
    return span(Interval(**document), money) if document else _UNKNOWN
