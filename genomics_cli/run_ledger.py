"""Reads the run ledger: how a run, its samples and their steps stand."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from genomics.contracts import ledger
from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.steps import Step
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError


@dataclass(frozen=True)
class StepView:
    """One step of a sample, or of the run where `sample` is empty; `part` is the lane or region of a scattered one."""

    sample: str
    step: Step
    part: str
    entry: LedgerEntry

    @property
    def name(self) -> str:
        """Step and part, as a person reads it."""
        return f"{self.step} {self.part}" if self.part else self.step.value


@dataclass(frozen=True)
class RunView:
    """Everything the ledger says of a run at one moment; steps in the order of the data."""

    run_id: str
    run: LedgerEntry | None = None
    load: LedgerEntry | None = None
    sign_off: LedgerEntry | None = None
    samples: dict[str, LedgerEntry] = field(default_factory=dict)
    steps: tuple[StepView, ...] = ()

    @classmethod
    def of(cls, run_id: str, entries: Iterable[LedgerEntry]) -> Self:
        """Arrange a run's entries."""
        run = load = sign_off = None
        samples: dict[str, LedgerEntry] = {}
        steps = []
        order = list(Step)
        for entry in sorted(entries, key=lambda e: (e.order or 0, e.item)):
            match entry.parts:
                case (ledger.RUN,):
                    run = entry
                case (ledger.LOAD,):
                    load = entry
                case (ledger.SIGN_OFF,):
                    sign_off = entry
                case ("sample", sample):
                    samples[sample] = entry
                case ("step", sample, step, part):
                    steps.append(StepView(sample, Step(step), part, entry))
        steps.sort(key=lambda s: (s.sample, order.index(s.step)))
        return cls(run_id, run, load, sign_off, samples, tuple(steps))

    def steps_of(self, sample: str) -> tuple[StepView, ...]:
        """A sample's steps; those of the run itself for an empty name."""
        return tuple(step for step in self.steps if step.sample == sample)


def read_run(platform: Platform, run_id: str) -> RunView:
    """What the ledger says of a run now; empty where it knows nothing of it."""
    pages = platform.cloud.dynamodb.get_paginator("query").paginate(
        TableName=platform.deployment.ledger_table,
        ConsistentRead=True,
        KeyConditionExpression="run_id = :run",
        ExpressionAttributeValues={":run": {"S": run_id}},
    )
    return RunView.of(run_id, (ledger.from_item(item) for page in pages for item in page["Items"]))


def read_known_run(platform: Platform, run_id: str) -> RunView:
    """The same; raises UserError where the ledger knows nothing of the run."""
    view = read_run(platform, run_id)
    if view == RunView(run_id):
        raise UserError(f"there is no run {run_id}; `genomics status` lists them")
    return view


def list_runs(platform: Platform) -> tuple[LedgerEntry, ...]:
    """The entry of every run, the newest first."""
    runs = find_entries(platform, ledger.RUN, whole=True)
    return tuple(sorted(runs, key=lambda run: (run.started_at or "", run.run_id), reverse=True))


def find_entries(platform: Platform, item: str, *, whole: bool = False) -> tuple[LedgerEntry, ...]:
    """The entries of all runs whose item begins with `item`, or is just that."""
    pages = platform.cloud.dynamodb.get_paginator("scan").paginate(
        TableName=platform.deployment.ledger_table,
        FilterExpression="#item = :item" if whole else "begins_with(#item, :item)",
        ExpressionAttributeNames={"#item": ledger.SORT_KEY},
        ExpressionAttributeValues={":item": {"S": item}},
    )
    return tuple(ledger.from_item(item) for page in pages for item in page["Items"])


def elapsed(entry: LedgerEntry) -> float | None:
    """Seconds that it took, or has taken so far; None of what has not begun or was skipped."""
    return span_seconds([entry])


def span_seconds(entries: Iterable[LedgerEntry]) -> float | None:
    """Seconds from the first beginning to the last end, or to now while one is going on."""
    begun = [entry for entry in entries if entry.started_at and entry.state is not State.SKIPPED]
    if not begun:
        return None
    now = datetime.datetime.now(datetime.UTC)
    start = min(_moment(entry.started_at, now) for entry in begun)
    end = max(_moment(entry.finished_at, now) for entry in begun)
    return max(0.0, (end - start).total_seconds())


def combined(states: Iterable[State]) -> State | None:
    """One state for several parts of a step; None where there is no part."""
    found = set(states)
    for state in (State.FAILED, State.RUNNING):
        if state in found:
            return state
    if State.PLANNED in found:
        return State.PLANNED if found <= {State.PLANNED, State.SKIPPED} else State.RUNNING
    if State.SUCCEEDED in found:
        return State.SUCCEEDED
    return State.SKIPPED if found else None


def _moment(text: str | None, otherwise: datetime.datetime) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text) if text else otherwise
