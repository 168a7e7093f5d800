"""What the measurements are held to: ratios of the issue that asked for this benchmark, and how a miss is told."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.lake.processes import Measured

UNIT, ONE_PROCESS, TWO_PROCESSES, SPARK = (
    "bcftools view -H",
    "ours in 1 process",
    "ours in 2 processes",
    "ours through Spark",
)
HAIL = "Hail"
# Of the unit's wall time, by input.
MOST_OF_UNIT = {"annotated": 1.6, "annotated_csq": 2.2, "cohort": 1.2}
LEAST_OF_HAIL, LEAST_OF_HAIL_WITHOUT_START = 5.0, 9.0
LEAST_OF_OTHERS = 2.0
OTHERS = ("polars-bio", "oxbow", "cyvcf2", "DuckDB read_csv")
MOST_MEMORY_MB = 1500.0

# By input and contender, one for each round.
Runs = Mapping[str, Mapping[str, Sequence[Measured]]]


@dataclass(frozen=True)
class Ratio:
    """`value` and what it must not pass: the most if `is_most`, else the least."""

    name: str
    value: float
    limit: float
    is_most: bool

    @property
    def is_met(self) -> bool:
        """It keeps to the limit."""
        return self.value <= self.limit if self.is_most else self.value >= self.limit

    def miss(self) -> str:
        """The line that tells of it."""
        return f"{self.name}: {self.value:.2f}, {'more' if self.is_most else 'less'} than {self.limit:g}"


def ratios(runs: Runs, starts: Runs) -> Iterator[Ratio]:
    """All that can be said of these runs; `starts` are those of a VCF of one record.

    Ratios of times are medians over the rounds of the round's own ratio: what slows the machine down slows both.
    """
    for given, contenders in runs.items():
        if most := MOST_OF_UNIT.get(given):
            yield from _of(f"{given}: {TWO_PROCESSES} / {UNIT}", contenders, TWO_PROCESSES, UNIT, most, is_most=True)
        for other in OTHERS:
            name = f"{given}: {other} / {TWO_PROCESSES}"
            yield from _of(name, contenders, other, TWO_PROCESSES, LEAST_OF_OTHERS, is_most=False)
        yield from _of(f"{given}: {HAIL} / {SPARK}", contenders, HAIL, SPARK, LEAST_OF_HAIL, is_most=False)
        own = starts.get(given, {})
        if all(name in where for name in (HAIL, SPARK) for where in (contenders, own)):
            net = {name: _without_start(contenders[name], own[name]) for name in (HAIL, SPARK)}
            value = statistics.median(a / b for a, b in zip(net[HAIL], net[SPARK], strict=True))
            name = f"{given}: {HAIL} / {SPARK}, without start-up"
            yield Ratio(name, value, LEAST_OF_HAIL_WITHOUT_START, is_most=False)
        for name in (ONE_PROCESS, TWO_PROCESSES, SPARK):
            if measured := contenders.get(name):
                memory = max(each.memory_mb for each in measured)
                yield Ratio(f"{given}: {name}, MB of memory", memory, MOST_MEMORY_MB, is_most=True)


def _of(
    name: str, contenders: Mapping[str, Sequence[Measured]], one: str, other: str, limit: float, *, is_most: bool
) -> Iterator[Ratio]:
    if one in contenders and other in contenders:
        pairs = zip(contenders[one], contenders[other], strict=True)
        yield Ratio(name, statistics.median(a.wall / b.wall for a, b in pairs), limit, is_most)


def _without_start(measured: Sequence[Measured], starts: Sequence[Measured]) -> list[float]:
    """Wall seconds of each round beyond those of a start; at least a hundredth of them, as both fluctuate."""
    start = statistics.median(each.wall for each in starts)
    return [max(each.wall - start, each.wall / 100) for each in measured]
