"""From jobs of the past to an interval for one to come: robust, and wider the less is known."""

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Of what has been seen, a tenth lay below an interval and a tenth above it.
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, 10 to 90 %."""

    low: float
    high: float

    def __add__(self, other: "Interval") -> "Interval":
        """Of a sum, as if all its parts were short or all long: never too narrow."""
        return Interval(self.low + other.low, self.high + other.high)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


NOTHING = Interval(0.0, 0.0)


def total(intervals: Iterable[Interval]) -> Interval:
    """The sum of all."""
    return sum(intervals, NOTHING)


def longest(intervals: Iterable[Interval]) -> Interval:
    """Of what runs at the same time, the one that takes longest."""
    intervals = list(intervals)
    return Interval(max((i.low for i in intervals), default=0.0), max((i.high for i in intervals), default=0.0))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie, interpolated between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True)
class Durations:
    """Seconds over bytes of one step: `fixed` + `per_byte` x bytes, and how jobs lay around that.

    `per_byte` is the median of the slopes between all pairs (Theil-Sen), so that a few odd jobs move nothing; neither
    part is below 0. `around` are the quantiles LOW and HIGH of measured over fitted.
    """

    jobs: int
    fixed: float
    per_byte: float
    around: Interval
    seen: Interval

    @classmethod
    def fit(cls, measured: Sequence[tuple[float, float]]) -> "Durations":
        """Of (bytes, seconds) of at least one job."""
        slopes = [
            (y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(measured, 2) if abs(x2 - x1) > 0
        ]
        per_byte = max(0.0, statistics.median(slopes)) if slopes else 0.0
        fixed = max(0.0, statistics.median(y - per_byte * x for x, y in measured))
        ratios = [y / fitted if (fitted := fixed + per_byte * x) else 1.0 for x, y in measured]
        sizes = [x for x, _ in measured]
        return cls(
            jobs=len(measured),
            fixed=fixed,
            per_byte=per_byte,
            around=Interval(quantile(ratios, LOW), quantile(ratios, HIGH)),
            seen=Interval(min(sizes), max(sizes)),
        )

    def predict(self, size: float) -> Interval:
        """Seconds of a job on `size` bytes.

        Few jobs say little about how others lie: a margin of 1/sqrt(jobs) is added to both sides. Beyond the sizes
        seen, the interval spans from what the fit says to seconds in proportion to bytes.
        """
        fitted = self._fitted(size)
        edge = min(max(size, self.seen.low), self.seen.high)
        possible = [fitted]
        if edge != size and edge > 0:
            possible.append(self._fitted(edge) * size / edge)
        margin = 1 + 1 / math.sqrt(self.jobs)
        return Interval(min(possible) * self.around.low / margin, max(possible) * self.around.high * margin)

    def _fitted(self, size: float) -> float:
        return self.fixed + self.per_byte * size
