"""`genomics rightsize`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from rich import box
from rich.table import Table

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.consoles import open_console
from genomics_cli.errors import UserError
from genomics_cli.estimates.intervals import total
from genomics_cli.estimates.prices import ComputePrices, read_prices
from genomics_cli.estimates.tables import duration, money, span
from genomics_cli.rightsizing import Needs, needs, needs_document
from genomics_cli.run_ledger import list_runs, read_known_run
from genomics_cli.step_history import StepHistory, read_step_history


@click.command()
@click.option("--run", "runs", multiple=True, metavar="RUN", help="Look at this run only; may be repeated.")
@shared_options.prices
@shared_options.as_json
@shared_options.target
def rightsize(runs: tuple[str, ...], prices: Path, as_json: bool, target: Target) -> None:
    """Say what jobs of each step really needed, and which settings would suit them.

    Reads the records that tools left of all runs. A step with few jobs is shown, but nothing is advised.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    table = read_prices(platform.cloud.region, prices)
    known = [read_known_run(platform, run).run_id for run in runs] or [run.run_id for run in list_runs(platform)]
    history = read_step_history(platform, known)
    found = needs(history.jobs, table)
    if as_json:
        click.echo(json.dumps(needs_document(found, table, history.unreadable), indent=2))
        return
    if not found:
        raise UserError("no job of these runs has left a record yet; analyse something first")
    open_console().print(_table(found))
    for line in _notes(found, table, history):
        click.echo(line)


def _table(found: Iterable[Needs]) -> Table:
    table = Table("step", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in (
        "jobs",
        "input, MiB",
        "memory p50 / p95 / max of given, MiB",
        "cores p95 of given",
        "time p50 / p95",
    ):
        table.add_column(heading, justify="right")
    table.add_column("advice", overflow="fold")
    for each in found:
        memory = each.memory
        table.add_row(
            each.step,
            str(each.jobs),
            f"{each.input_bytes.p50 / 2**20:,.1f}",
            f"{memory.p50:,.0f} / {memory.p95:,.0f} / {memory.most:,.0f} of {each.memory_mib:,}",
            f"{each.cores.p95:.1f} of {each.vcpus}" if each.cores else f"? of {each.vcpus}",
            f"{duration(each.seconds.p50)} / {duration(each.seconds.p95)}",
            each.says,
        )
    return table


def _notes(found: Iterable[Needs], prices: ComputePrices, history: StepHistory) -> Iterator[str]:
    savings = [each.saving for each in found if each.saving]
    if savings:
        yield f"the advice would have saved {span(total(savings), money)} USD on these jobs, from Spot to On-Demand"
    yield f"prices of {prices.region}, {prices.date}: {prices.source}"
    yield "memory advised: the most seen (p99 of 200 jobs or more) and a quarter; good for inputs of the sizes seen"
    if history.unreadable:
        yield f"{history.unreadable} records of another release were left out"
