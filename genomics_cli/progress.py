"""Shows a run as it goes: a live table on a terminal, a line for each change elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.steps import OF_NO_SAMPLE, Step
from genomics_cli.run_ledger import RunView, StepView, combined, elapsed, span_seconds

STYLES = {
    State.PLANNED: "dim",
    State.SKIPPED: "cyan",
    State.RUNNING: "yellow",
    State.SUCCEEDED: "green",
    State.FAILED: "bold red",
}
_SYMBOLS = {
    State.PLANNED: "·",
    State.SKIPPED: "↷",
    State.RUNNING: "▸",
    State.SUCCEEDED: "✓",
    State.FAILED: "✗",
}
_SAMPLE_STEPS = tuple(step for step in Step if step not in OF_NO_SAMPLE)
_SAMPLES_SHOWN = 30


class Progress(Protocol):
    """What is told of a run's progress."""

    def say(self, line: str) -> None:
        """Something that is not in the ledger."""

    def show(self, view: RunView) -> None:
        """What the ledger says now."""


class LineProgress:
    """Prints a line for each change: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[str, State] = {}

    def say(self, line: str) -> None:
        """Print it."""
        self._console.print(escape(line), highlight=False, soft_wrap=True)

    def show(self, view: RunView) -> None:
        """Print what has changed."""
        for step in view.steps:
            who = f"{step.sample}: " if step.sample else ""
            self._tell(step.entry, f"{who}{step.name}")
        if view.sign_off:
            self._tell(view.sign_off, f"sign-off (genomics sign-off {view.run_id})")
        if view.load:
            self._tell(view.load, "lake: load")

    def _tell(self, entry: LedgerEntry, name: str) -> None:
        if entry.state is State.PLANNED or self._told.get(entry.item) is entry.state:
            return
        self._told[entry.item] = entry.state
        details = [entry.state.lower()]
        if entry.state is not State.SKIPPED and (seconds := elapsed(entry)) and entry.state.is_final:
            details.append(f"after {seconds:.1f} s")
        reason = f" ({entry.reason})" if entry.reason else ""
        self.say(f"{name} {' '.join(details)}{reason}")


class LiveProgress:
    """Redraws a table of samples and steps in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, line: str) -> None:
        """Print it above the table."""
        self._live.console.print(escape(line), style="dim", highlight=False)

    def show(self, view: RunView) -> None:
        """Redraw."""
        self._live.update(run_table(view))


@contextmanager
def open_progress(console: Console) -> Iterator[Progress]:
    """The progress that suits where the console writes to."""
    if console.is_terminal:
        with Live(Text(""), console=console, refresh_per_second=4) as live:
            yield LiveProgress(live)
    else:
        yield LineProgress(console)


def run_table(view: RunView) -> Group:
    """Samples and steps as a table, with what is done for the whole run below."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    # Only runs that are told of genes or ClinVar annotate.
    is_annotated = any(step.step is Step.ANNOTATE for step in view.steps)
    columns = [step for step in _SAMPLE_STEPS if step is not Step.ANNOTATE or is_annotated]
    for heading in ("sample", *(step.replace("_", " ") for step in columns)):
        table.add_column(heading)
    shown = sorted(view.samples, key=lambda sample: view.samples[sample].state.is_final)[:_SAMPLES_SHOWN]
    for sample in shown:
        steps = view.steps_of(sample)
        table.add_row(sample, *(_cell([s for s in steps if s.step is step]) for step in columns))
    lines = [Text.assemble("reference  ", _cell(list(view.steps_of(""))))]
    if len(shown) < len(view.samples):
        lines.append(Text(f"and {len(view.samples) - len(shown)} more samples", style="dim"))
    if view.sign_off:
        told = f"sign-off   {view.sign_off.reason or ''}: genomics sign-off {view.run_id}"
        is_waiting = view.sign_off.state is State.RUNNING
        lines.append(
            Text(told, style=STYLES[State.RUNNING])
            if is_waiting
            else Text.assemble("sign-off   ", _state_text(view.sign_off.state, elapsed(view.sign_off)))
        )
    if view.load:
        lines.append(Text.assemble("lake load  ", _state_text(view.load.state, elapsed(view.load))))
    return Group(table, *lines)


def _cell(steps: list[StepView]) -> Text:
    state = combined(step.entry.state for step in steps)
    if state is None:
        return Text("")
    seconds = span_seconds(step.entry for step in steps)
    done = sum(step.entry.state.is_final for step in steps)
    parts = f" {done}/{len(steps)}" if len(steps) > 1 else ""
    attempts = max(step.entry.attempt or 1 for step in steps)
    again = f" attempt {attempts}" if attempts > 1 else ""
    return _state_text(state, None if state in (State.SKIPPED, State.PLANNED) else seconds, parts + again)


def _state_text(state: State, seconds: float | None, more: str = "") -> Text:
    # A step's time says that it ran; only the other states need their names.
    word = f"{seconds:.1f} s" if seconds is not None and state is not State.FAILED else state.lower()
    return Text(f"{_SYMBOLS[state]} {word}{more}", style=STYLES[state])
