"""A forecast as a table for the terminal and as a JSON document."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genomics.contracts.steps import Step
from genomics_cli.estimates.figures import read_figures
from genomics_cli.estimates.forecast import Forecast, JobForecast
from genomics_cli.estimates.intervals import Interval, longest, total


@dataclass(frozen=True)
class StepForecast:
    """One step of a sample: `seconds` of its longest job, as all can run at once; `job_seconds` of all together."""

    sample: str
    step: Step
    jobs: int
    seconds: Interval
    job_seconds: Interval
    dollars: Interval | None
    history: int


def by_step(forecast: Forecast) -> tuple[StepForecast, ...]:
    """Jobs put together, sample by sample; the reference's step has the empty sample."""
    groups: dict[tuple[str, Step], list[JobForecast]] = {}
    for job in forecast.jobs:
        groups.setdefault((job.job.sample, job.job.step), []).append(job)
    return tuple(
        StepForecast(
            sample=sample,
            step=step,
            jobs=len(jobs),
            seconds=longest(job.seconds for job in jobs),
            job_seconds=total(job.seconds for job in jobs),
            dollars=total(job.dollars for job in jobs if job.dollars) if forecast.prices else None,
            history=jobs[0].history,
        )
        for (sample, step), jobs in groups.items()
    )


def basis(history: int) -> str:
    """What an estimate is drawn from, in words: that many jobs, or none."""
    if not history:
        return f"figures of {read_figures().date}"
    return f"{history} earlier job{'s' if history > 1 else ''}"


def forecast_table(forecast: Forecast) -> RenderableType:
    """A line per sample and step, a sum per sample, and what the figures are."""
    table = Table("sample", "step", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("jobs", "time", "time of all jobs", "USD"):
        table.add_column(heading, justify="right")
    table.add_column("drawn from")
    steps = by_step(forecast)
    for sample in dict.fromkeys(step.sample for step in steps):
        own = [step for step in steps if step.sample == sample]
        for number, step in enumerate(own):
            name = (sample or "reference") if number == 0 else ""
            table.add_row(name, step.step, str(step.jobs), *_figures([step]), basis(step.history))
        if len(own) > 1:
            table.add_row("", "[bold]all[/]", str(sum(s.jobs for s in own)), *_figures(own), "")
    return Group(table, Text("\n".join(_notes(forecast, steps))))


def forecast_document(forecast: Forecast) -> dict[str, Any]:
    """The same for programs. Intervals are from 10 to 90 %."""
    steps = by_step(forecast)
    prices, figures = forecast.prices, read_figures()
    samples = dict.fromkeys(step.sample for step in steps)
    return {
        "samples": [
            {"sample": sample or None, **_sum_document([s for s in steps if s.sample == sample])} for sample in samples
        ],
        "usd": interval_document(_dollars(steps), 4),
        "not_estimated": list(forecast.unknown),
        "prices": {"region": prices.region, "date": prices.date, "source": prices.source} if prices else None,
        "figures": {"date": figures.date, "source": figures.source},
    }


def interval_document(interval: Interval | None, digits: int) -> dict[str, float] | None:
    """`low` and `high`, rounded."""
    return {"low": round(interval.low, digits), "high": round(interval.high, digits)} if interval else None


def _sum_document(steps: list[StepForecast]) -> dict[str, Any]:
    return {
        "seconds": interval_document(total(step.seconds for step in steps), 1),
        "usd": interval_document(_dollars(steps), 4),
        "steps": [
            {
                "step": step.step,
                "jobs": step.jobs,
                "seconds": interval_document(step.seconds, 1),
                "job_seconds": interval_document(step.job_seconds, 1),
                "usd": interval_document(step.dollars, 4),
                "history_jobs": step.history,
            }
            for step in steps
        ],
    }


def _figures(steps: list[StepForecast]) -> tuple[str, str, str]:
    dollars = _dollars(steps)
    return (
        span(total(step.seconds for step in steps), duration),
        span(total(step.job_seconds for step in steps), duration),
        span(dollars, money) if dollars else "",
    )


def _notes(forecast: Forecast, steps: tuple[StepForecast, ...]) -> list[str]:
    notes = ["intervals from 10 to 90 %, if nothing is skipped; time without waiting for machines"]
    if dollars := _dollars(steps):
        notes.append(f"in all {span(dollars, money)} USD, from Spot at the shortest to On-Demand at the longest")
    if not all(step.history for step in steps):
        notes.append(
            f"figures, for want of history: {read_figures().source}, {read_figures().date}; many times as wide"
        )
    if prices := forecast.prices:
        notes.append(f"prices of {prices.region}, {prices.date}: {prices.source}")
    if forecast.unknown:
        notes.append(f"not estimated, for want of history and figures: {', '.join(forecast.unknown)}")
    return notes


def _dollars(steps: Iterable[StepForecast]) -> Interval | None:
    known = [step.dollars for step in steps if step.dollars]
    return total(known) if known else None


def span(interval: Interval, show: Callable[[float], str]) -> str:
    """Both ends, as a person reads them."""
    low, high = show(interval.low), show(interval.high)
    return low if low == high else f"{low} - {high}"


def duration(seconds: float) -> str:
    """To two digits: 8.2 s, 14 min, 3.1 h."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def money(dollars: float) -> str:
    """US dollars; to the hundredth of a cent where there is less than one."""
    if 0 < dollars < 0.0001:
        return "<0.0001"
    return f"{dollars:.2f}" if dollars >= 0.01 or not dollars else f"{dollars:.4f}"
