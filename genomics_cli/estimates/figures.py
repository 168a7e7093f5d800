"""Measured figures for steps that have never run: dated, and widened as one measurement on one machine must be."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from genomics.contracts.steps import SHARED
from genomics_cli.estimates.intervals import Interval

_FIGURES = Path(__file__).with_name("figures.toml")


@dataclass(frozen=True)
class Figure:
    """Of one step: seconds per byte of what the user brings, on `vcpus_used`; what a job gets by default."""

    seconds_per_byte: float
    vcpus_used: int
    vcpus: int
    memory_mib: int
    widen: float

    def predict(self, size: float) -> Interval:
        """Seconds on `size` bytes with the default vCPUs: at best all of them are used, at worst none more is."""
        seconds = self.seconds_per_byte * size
        at_best = min(1.0, self.vcpus_used / self.vcpus)
        return Interval(seconds * at_best / self.widen, seconds * self.widen)


@dataclass(frozen=True)
class Figures:
    """All of them, by step; `date` and `source` say what they are."""

    date: str
    source: str
    steps: Mapping[str, Figure]


@cache
def read_figures() -> Figures:
    """The figures that the repository holds."""
    document = tomllib.loads(_FIGURES.read_text(encoding="utf-8"))
    steps = {
        name: Figure(
            seconds_per_byte=given["seconds"] / document[_measured_on(name)],
            vcpus_used=document["vcpus_used"],
            vcpus=given["vcpus"],
            memory_mib=given["memory_mib"],
            widen=document["widen"],
        )
        for name, given in document["steps"].items()
    }
    return Figures(document["date"], document["source"], steps)


def _measured_on(step: str) -> str:
    return "reference_bytes" if step in SHARED else "read_bytes"
