"""Lays out a run's steps over time: the geometry of the timeline, without any drawing."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genomics.contracts.runs import State
from genomics.contracts.steps import Step
from genomics_cli.summary import StepSummary, Summary

WIDTH, LABELS, ROW = 1000, 230, 22
_SAMPLES_SHOWN = 40
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Bar:
    """One step in the drawing's units; a skipped one has no width. `title` says all about it."""

    x: float
    y: int
    width: float
    kind: str
    title: str
    note: str


@dataclass(frozen=True)
class Label:
    """The name of a row; a heading names a sample."""

    y: int
    text: str
    is_heading: bool


@dataclass(frozen=True)
class Tick:
    """A moment on the axis."""

    x: float
    text: str


@dataclass(frozen=True)
class Timeline:
    """`seconds` from the first beginning to the last end; `hidden` samples are not drawn."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]
    ticks: tuple[Tick, ...]
    seconds: float
    hidden: int


def lay_out(summary: Summary) -> Timeline | None:
    """The run's timeline; None where nothing ran."""
    moments = [m for group in _groups(summary) for step in group[1] for m in (_start(step), _end(step)) if m]
    load = _load(summary)
    moments += [m for m in (load and _start(load), load and _end(load)) if m]
    if not moments:
        return None
    origin = min(moments)
    seconds = max(0.001, (max(moments) - origin).total_seconds())
    scale = (WIDTH - LABELS - 90) / seconds
    bars, labels, y = [], [], 0
    for heading, steps in _groups(summary):
        labels.append(Label(y, heading, is_heading=True))
        y += ROW
        for step in steps:
            labels.append(Label(y, f"{step.step.replace('_', ' ')} {step.part}".strip(), is_heading=False))
            bars.append(_bar(step, step.step.value, y, origin, scale))
            y += ROW
    if load:
        labels.append(Label(y, "lake", is_heading=True))
        labels.append(Label(y + ROW, "load variants", is_heading=False))
        bars.append(_bar(load, "load", y + ROW, origin, scale))
        y += 2 * ROW
    ticks = tuple(Tick(LABELS + at * scale, _clock(at)) for at in _axis(seconds))
    hidden = max(0, len(summary.samples) - _SAMPLES_SHOWN)
    return Timeline(WIDTH, y, tuple(bars), tuple(labels), ticks, seconds, hidden)


def _groups(summary: Summary) -> Iterator[tuple[str, Sequence[StepSummary]]]:
    if summary.run_steps:
        yield "reference", summary.run_steps
    for sample in summary.samples[:_SAMPLES_SHOWN]:
        yield sample.sample, sample.steps


def _load(summary: Summary) -> StepSummary | None:
    """The load, in the shape of a step, so that it is drawn like one."""
    if not summary.load:
        return None
    state = State(summary.load["state"])
    ran = state is not State.SKIPPED
    return StepSummary(
        step=Step.GATHER_VARIANTS,
        part="",
        state=state,
        reason=summary.load["reason"],
        seconds=summary.load["seconds"],
        started_at=summary.load["started_at"] if ran else None,
        finished_at=summary.load["finished_at"] if ran else None,
        attempt=None,
        exit_code=None,
        peak_memory_mib=None,
        fingerprint=None,
        metrics={},
        tool_versions={},
    )


def _bar(step: StepSummary, kind: str, y: int, origin: datetime.datetime, scale: float) -> Bar:
    start, end = _start(step), _end(step)
    state = step.state.lower()
    title = f"{state}: {step.reason}" if step.reason else state
    if start is None or end is None:
        return Bar(LABELS, y, 0, f"{kind} {state}", title, state)
    seconds = (end - start).total_seconds()
    x = LABELS + (start - origin).total_seconds() * scale
    again = f", attempt {step.attempt}" if (step.attempt or 1) > 1 else ""
    note = f"{seconds:.1f} s{again}" + (", failed" if step.state is State.FAILED else "")
    return Bar(x, y, max(2.0, seconds * scale), f"{kind} {state}", title, note)


def _axis(seconds: float) -> list[float]:
    """Round moments, about eight of them."""
    magnitude = 1.0
    while True:
        for step in _STEPS:
            if seconds / (step * magnitude) <= 8:
                return [n * step * magnitude for n in range(int(seconds / (step * magnitude)) + 1)]
        magnitude *= 10


def _clock(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" + (f" {rest} s" if rest else "")


def _start(step: StepSummary) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(step.started_at) if step.started_at else None


def _end(step: StepSummary) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(step.finished_at) if step.finished_at else None
