"""What jobs of each step really needed, and the sizes that would suit them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from genomics.contracts.steps import Step
from genomics_cli.estimates.intervals import Interval, quantile, total
from genomics_cli.estimates.prices import ComputePrices
from genomics_cli.step_history import MeasuredJob

# Fewer jobs say too little: the next one needs more than the most of n with a chance of 1 in n + 1.
LEAST_JOBS = 10
# With as many, one job that went astray does not decide: p99 does.
MANY_JOBS = 200
# Inputs grow, and the meter samples.
_HEADROOM = 1.25
_MEMORY_STEP_MIB = 512
# What the setting takes at least.
LEAST_MEMORY_MIB = 512


@dataclass(frozen=True)
class Spread:
    """Of what was measured."""

    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(quantile(values, 0.5), quantile(values, 0.95), max(values))


@dataclass(frozen=True)
class Needs:
    """One step. `cores` are CPU seconds per second, None where tools did not record them.

    `vcpus` and `memory_mib` are what the latest job was given; `advised_...` None where nothing can be said.
    `saving` is US dollars of the jobs seen, from Spot to On-Demand; below 0 where the advice costs more.
    """

    step: Step
    jobs: int
    input_bytes: Spread
    memory: Spread
    cores: Spread | None
    seconds: Spread
    vcpus: int
    memory_mib: int
    advised_memory_mib: int | None
    advised_vcpus: int | None
    saving: Interval | None

    @property
    def settings(self) -> tuple[str, ...]:
        """What would set the advice, where it differs from what jobs get."""
        asked = [("vcpus", self.advised_vcpus, self.vcpus), ("memory_mib", self.advised_memory_mib, self.memory_mib)]
        return tuple(f"tools.{self.step}.{name}={value}" for name, value, now in asked if value and value != now)

    @property
    def says(self) -> str:
        """The advice, or why there is none."""
        if self.jobs < LEAST_JOBS:
            return f"too few jobs to advise ({self.jobs} of {LEAST_JOBS})"
        return " ".join(self.settings) or "fits"


def needs(jobs: Iterable[MeasuredJob], prices: ComputePrices) -> tuple[Needs, ...]:
    """Of each step with jobs, in the order of the data. `jobs` has the newest first."""
    by_step: dict[Step, list[MeasuredJob]] = {}
    for job in jobs:
        by_step.setdefault(job.step, []).append(job)
    return tuple(_needs(step, by_step[step], prices) for step in Step if step in by_step)


def _needs(step: Step, jobs: list[MeasuredJob], prices: ComputePrices) -> Needs:
    latest = jobs[0].record
    memory = [float(job.record.peak_memory_mib) for job in jobs]
    cores = [
        cpu / job.record.seconds for job in jobs if (cpu := job.record.cpu_seconds) is not None and job.record.seconds
    ]
    is_enough = len(jobs) >= LEAST_JOBS
    advised_memory = _memory(memory) if is_enough else None
    advised_vcpus = max(1, math.ceil(quantile(cores, 0.95))) if len(cores) >= LEAST_JOBS else None
    advised_vcpus = min(advised_vcpus, latest.vcpus) if advised_vcpus else None
    saving = None
    if is_enough:
        now = _dollars(jobs, prices, latest.vcpus, latest.memory_mib)
        then = _dollars(jobs, prices, advised_vcpus or latest.vcpus, advised_memory or latest.memory_mib)
        saving = Interval(now.low - then.low, now.high - then.high)
    return Needs(
        step=step,
        jobs=len(jobs),
        input_bytes=Spread.of([float(job.input_bytes) for job in jobs]),
        memory=Spread.of(memory),
        cores=Spread.of(cores) if cores else None,
        seconds=Spread.of([job.seconds for job in jobs]),
        vcpus=latest.vcpus,
        memory_mib=latest.memory_mib,
        advised_memory_mib=advised_memory,
        advised_vcpus=advised_vcpus,
        saving=saving,
    )


def _memory(peaks: Sequence[float]) -> int:
    """Batch on EC2 takes any number of MiB; a round one leaves instances whole."""
    needed = (quantile(peaks, 0.99) if len(peaks) >= MANY_JOBS else max(peaks)) * _HEADROOM
    return max(LEAST_MEMORY_MIB, math.ceil(needed / _MEMORY_STEP_MIB) * _MEMORY_STEP_MIB)


def _dollars(jobs: Iterable[MeasuredJob], prices: ComputePrices, vcpus: int, memory_mib: int) -> Interval:
    return total(prices.dollars(Interval(job.seconds, job.seconds), vcpus=vcpus, memory_mib=memory_mib) for job in jobs)


def needs_document(found: Iterable[Needs], prices: ComputePrices, unreadable: int) -> dict[str, Any]:
    """For programs, with the unit in each name."""
    return {
        "steps": [
            {
                "step": each.step,
                "jobs": each.jobs,
                "input_bytes": _spread(each.input_bytes),
                "peak_memory_mib": _spread(each.memory),
                "cores_used": _spread(each.cores) if each.cores else None,
                "seconds": _spread(each.seconds),
                "given": {"vcpus": each.vcpus, "memory_mib": each.memory_mib},
                "advised": {"vcpus": each.advised_vcpus, "memory_mib": each.advised_memory_mib},
                "settings": list(each.settings),
                "says": each.says,
                "chance_that_the_next_needs_more_memory": round(1 / (each.jobs + 1), 4),
                "saving_usd": {"low": round(each.saving.low, 4), "high": round(each.saving.high, 4)}
                if each.saving
                else None,
            }
            for each in found
        ],
        "prices": {"region": prices.region, "date": prices.date, "source": prices.source},
        "unreadable_records": unreadable,
    }


def _spread(spread: Spread) -> dict[str, float]:
    return {"p50": round(spread.p50, 3), "p95": round(spread.p95, 3), "max": round(spread.most, 3)}
