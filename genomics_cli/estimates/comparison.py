"""What was expected of a run's steps, beside what was measured."""

from collections.abc import Mapping
from typing import Any

from genomics.contracts.runs import State
from genomics.contracts.steps import Step, StepRecord
from genomics_cli.estimates.figures import read_figures
from genomics_cli.estimates.forecast import Forecast, JobForecast
from genomics_cli.estimates.intervals import Interval, total
from genomics_cli.estimates.tables import basis, interval_document
from genomics_cli.run_ledger import RunView, StepView


def compare(forecast: Forecast, view: RunView, records: Mapping[str, StepRecord]) -> dict[str, Any]:
    """By step, the jobs that ended well: seconds and US dollars expected of just these, and those that they came to.

    `records` by fingerprint. What was skipped was expected too, but says nothing about the estimate.
    """
    pairs: dict[Step, list[tuple[JobForecast, StepView]]] = {}
    for step in view.steps:
        expected = forecast.by_job.get((step.sample, step.step, step.part))
        if expected and step.entry.state is State.SUCCEEDED and step.entry.seconds:
            pairs.setdefault(step.step, []).append((expected, step))
    prices = forecast.prices
    return {
        "steps": [_compared(step, pairs[step], forecast, records) for step in Step if step in pairs],
        "not_estimated": list(forecast.unknown),
        "figures": read_figures().source,
        "prices": {"region": prices.region, "date": prices.date, "source": prices.source} if prices else None,
    }


def _compared(
    step: Step,
    pairs: list[tuple[JobForecast, StepView]],
    forecast: Forecast,
    records: Mapping[str, StepRecord],
) -> dict[str, Any]:
    seconds = total(expected.seconds for expected, _ in pairs)
    actual = sum(ran.entry.seconds or 0.0 for _, ran in pairs)
    dollars = [expected.dollars for expected, _ in pairs if expected.dollars]
    spent = [cost for _, ran in pairs if (cost := _spent(ran, forecast, records))]
    return {
        "step": step,
        "jobs": len(pairs),
        "estimated_seconds": interval_document(seconds, 3),
        "actual_seconds": round(actual, 3),
        "is_within": actual in seconds,
        "estimated_usd": interval_document(total(dollars), 6) if dollars else None,
        "actual_usd": interval_document(total(spent), 6) if len(spent) == len(pairs) else None,
        "basis": basis(pairs[0][0].history),
    }


def _spent(ran: StepView, forecast: Forecast, records: Mapping[str, StepRecord]) -> Interval | None:
    record = records.get(ran.entry.fingerprint or "")
    seconds = ran.entry.seconds or 0.0
    if not (record and forecast.prices):
        return None
    return forecast.prices.dollars(Interval(seconds, seconds), vcpus=record.vcpus, memory_mib=record.memory_mib)
