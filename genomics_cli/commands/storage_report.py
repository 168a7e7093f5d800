"""`genomics storage-report`."""

import json

import click
from rich import box
from rich.table import Table

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.consoles import open_console
from genomics_cli.storage_prices import SOURCE
from genomics_cli.storage_report import SHORTEST_DAYS, Report, as_document, report


@click.command(name="storage-report")
@click.option("--days", type=int, default=SHORTEST_DAYS, show_default=True, help="How far back to look.")
@click.option(
    "--archive-after",
    type=click.IntRange(0, 3650),
    default=90,
    show_default=True,
    metavar="DAYS",
    help="The lifecycle proposed: the age at which objects go to Deep Archive.",
)
@click.option(
    "--tier", type=click.Choice(["Bulk", "Standard"]), default="Bulk", show_default=True, help="How they are restored."
)
@shared_options.as_json
@shared_options.target
def storage_report(days: int, archive_after: int, tier: str, as_json: bool, target: Target) -> None:
    """Say what was stored and retrieved by age, and what another lifecycle would cost or save.

    Reads what storage class analysis has exported of the sequencing bucket.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    found = report(platform, days=days, archive_after_days=archive_after, tier=tier)
    if as_json:
        click.echo(json.dumps(as_document(found), indent=2))
        return
    open_console().print(_table(found))
    verb = "saves" if found.saving_dollars >= 0 else "costs"
    click.echo(
        f"{found.first} to {found.last}: ${found.now_dollars:,.2f} a month as it is,"
        f" ${found.proposed_dollars:,.2f} with Deep Archive after {found.archive_after_days} days ({found.tier}):"
        f" {verb} ${abs(found.saving_dollars):,.2f} a month\nprices: {SOURCE}; requests and minimum times left out"
    )


def _table(found: Report) -> Table:
    table = Table("class", "age from, days", "stored, GB", "retrieved, GB", box=box.SIMPLE_HEAD, pad_edge=False)
    for usage in found.usage:
        table.add_row(
            usage.storage_class, str(usage.least_days), f"{usage.stored_gb:,.1f}", f"{usage.retrieved_gb:,.1f}"
        )
    return table
