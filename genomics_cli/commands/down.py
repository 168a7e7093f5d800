"""`genomics down`."""

import json
from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options


@click.command()
@click.option("--erase", is_flag=True, help="Also delete what it holds: objects, tables, ledger, lake, logs.")
@shared_options.as_json
@shared_options.data
def down(data: Path, erase: bool, as_json: bool) -> None:
    """Stop the embedded AWS; what it holds stays, for the next start, unless it is to be erased."""
    stopped = embedded.stop(data, erase=erase)
    if as_json:
        click.echo(json.dumps({"data": str(data), "stopped": stopped, "erased": erase}, indent=2))
        return
    click.echo("the embedded AWS is stopped" if stopped else f"no embedded AWS runs on {data}")
    if erase:
        click.echo(f"what it held in {data} is deleted")
    elif data.exists():
        click.echo(f"what it holds stays in {data}")
