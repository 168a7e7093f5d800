"""`genomics down`."""

from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options


@click.command()
@shared_options.data
def down(data: Path) -> None:
    """Stop the embedded AWS; what it held in its services is gone then."""
    stopped = embedded.stop(data)
    click.echo("the embedded AWS is stopped" if stopped else f"no embedded AWS runs on {data}")
