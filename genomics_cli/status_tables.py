"""How runs stand, as tables for the terminal and as JSON documents."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from genomics.contracts.codec import to_dict
from genomics.contracts.ledger import LedgerEntry
from genomics_cli.progress import STYLES
from genomics_cli.run_ledger import RunView, StepView, elapsed
from genomics_cli.sign_offs import sign_off_line


def runs_table(runs: Sequence[LedgerEntry]) -> RenderableType:
    """One line per run."""
    if not runs:
        return Text("no run yet")
    table = Table("run", "study", "state", "started", "took", "reason", box=box.SIMPLE_HEAD, pad_edge=False)
    for run in runs:
        started = (run.started_at or "")[:19].replace("T", " ")
        table.add_row(run.run_id, run.study or "", _state(run), started, _seconds(run), escape(run.reason or ""))
    return table


def runs_document(runs: Sequence[LedgerEntry]) -> dict[str, Any]:
    """The same."""
    return {"runs": [_entry(run) for run in runs]}


def run_table(view: RunView) -> RenderableType:
    """A run, its samples and their steps."""
    table = Table("sample", "step", "state", "took", "why", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[4].overflow = "fold"
    for sample in ("", *view.samples):
        entry = view.samples.get(sample)
        if entry:
            table.add_row(f"[bold]{sample}[/]", "", _state(entry), _seconds(entry), escape(entry.reason or ""))
        for step in view.steps_of(sample):
            table.add_row("", step.name, _state(step.entry), _seconds(step.entry), escape(step.entry.reason or ""))
    if view.sign_off:
        table.add_row(
            "[bold]sign-off[/]",
            "",
            _state(view.sign_off),
            _seconds(view.sign_off),
            escape(sign_off_line(view.sign_off)),
        )
    if view.load:
        table.add_row("[bold]lake[/]", "load", _state(view.load), _seconds(view.load), escape(view.load.reason or ""))
    heading = Text.assemble((f"run {view.run_id}", "bold"))
    if view.run:
        heading.append_text(Text.from_markup(f"  {_state(view.run)}  {_seconds(view.run)}"))
        if view.run.reason:
            heading.append(f"\n{view.run.reason}")
    return Group(heading, table)


def run_document(view: RunView) -> dict[str, Any]:
    """The same."""
    return {
        "run_id": view.run_id,
        "run": _entry(view.run) if view.run else None,
        "steps": [_step(step) for step in view.steps_of("")],
        "samples": [
            {"sample": sample, **_entry(entry), "steps": [_step(step) for step in view.steps_of(sample)]}
            for sample, entry in view.samples.items()
        ],
        "sign_off": _entry(view.sign_off) if view.sign_off else None,
        "load": _entry(view.load) if view.load else None,
    }


def _step(step: StepView) -> dict[str, Any]:
    return {"step": step.step, "part": step.part, **_entry(step.entry)}


def _entry(entry: LedgerEntry) -> dict[str, Any]:
    document: dict[str, Any] = to_dict(entry)
    return {name: value for name, value in document.items() if name not in ("item", "order", "task_token")}


def _state(entry: LedgerEntry) -> str:
    return f"[{STYLES[entry.state]}]{entry.state}[/]"


def _seconds(entry: LedgerEntry) -> str:
    seconds = elapsed(entry)
    return "" if seconds is None else f"{seconds:.1f} s"
