"""`genomics down`."""

import json
from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options


@click.command()
@shared_options.as_json
@shared_options.data
def down(data: Path, as_json: bool) -> None:
    """Stop the embedded AWS; what it held in its services is gone then."""
    stopped = embedded.stop(data)
    if as_json:
        click.echo(json.dumps({"data": str(data), "stopped": stopped}, indent=2))
        return
    click.echo("the embedded AWS is stopped" if stopped else f"no embedded AWS runs on {data}")
