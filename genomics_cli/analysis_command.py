"""What `run` and `demo` have in common: carry an analysis out with progress, print what it came to."""

from collections.abc import Callable
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from genomics.contracts.runs import State
from genomics_cli import embedded
from genomics_cli.analysis import REPORT, SUMMARY, Analysis
from genomics_cli.commands.shared_options import Target
from genomics_cli.consoles import open_console
from genomics_cli.errors import UserError
from genomics_cli.inputs.run_inputs import RunOptions
from genomics_cli.progress import STYLES, open_progress
from genomics_cli.report.accuracy import accuracy_rows
from genomics_cli.summary import QuestionSummary, Summary


def carry_out(
    options: RunOptions,
    *,
    output: Callable[[str], Path],
    target: Target,
    as_json: bool,
    question: str | None = None,
    renew: bool = False,
) -> Summary:
    """Run the analysis and print the summary on stdout; progress goes to stderr. Raises UserError if the run failed.

    `renew` starts an embedded AWS anew that runs another state of the code.
    """
    with open_progress(open_console(stderr=True)) as progress:
        analysis = Analysis(
            options=options,
            data=target.data,
            connect=lambda: embedded.connect(target.data, project=target.project, progress=progress.say, renew=renew),
            output=output,
            progress=progress,
            question=question,
        )
        summary = analysis.carry_out()
    if as_json:
        click.echo(summary.json())
    else:
        print_summary(open_console(), summary, output(summary.run_id))
    if summary.state is State.FAILED:
        raise UserError(summary.errors[0])
    return summary


def print_summary(console: Console, summary: Summary, output: Path) -> None:
    """Samples, accuracy, rows, the answer, and where the files are."""
    console.print(_samples(summary))
    if rows := accuracy_rows(summary):
        table = _table("sample", "regions", "kind", "found", "missed", "extra", "recall", "precision", "F1")
        for row in rows:
            counts = row.counts
            numbers = [counts["true_positives"], counts["false_negatives"], counts["false_positives"]]
            fair = [counts["precision"], counts["f1"]] if row.is_fair else [None, None]
            ratios = [_ratio(value) for value in (counts["recall"], *fair)]
            table.add_row(row.sample, row.place, row.kind, *map(str, numbers), *ratios)
        console.print(table)
    for name, count in summary.rows.items():
        console.print(f"{count:>9,} rows in {name}")
    if summary.query:
        console.print(f"\n{summary.query.sql}", style="dim", markup=False)
        console.print(_answer(summary.query))
    # Of a run that failed, the first one ends the command.
    for error in summary.errors[int(summary.state is State.FAILED) :]:
        console.print(escape(error), style="red", soft_wrap=True)
    seconds = sum(summary.durations["stages"].values())
    console.print(f"{seconds:.1f} s; {output / REPORT} and {output / SUMMARY} say it all", soft_wrap=True)


def _samples(summary: Summary) -> Table:
    table = _table("sample", "state", "steps run", "steps skipped", "VCF")
    for sample in summary.samples:
        skipped = sum(step.state is State.SKIPPED for step in sample.steps)
        ran = sum(step.state in (State.SUCCEEDED, State.FAILED) for step in sample.steps)
        state = f"[{STYLES[sample.state]}]{sample.state.lower()}[/]"
        table.add_row(sample.sample, state, str(ran), str(skipped), escape(sample.vcf or ""))
    return table


def _answer(answer: QuestionSummary) -> Table:
    table = _table(*answer.columns)
    for row in answer.rows:
        table.add_row(*("" if value is None else escape(value) for value in row))
    return table


def _table(*headings: str) -> Table:
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.overflow = "fold"
    return table


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
