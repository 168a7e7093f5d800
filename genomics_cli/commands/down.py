"""`genomics down`."""

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target


@click.command()
@shared_options.target
def down(target: Target) -> None:
    """Stop the embedded AWS; what it held in its services is gone then."""
    stopped = embedded.stop(target.data)
    click.echo("the embedded AWS is stopped" if stopped else f"no embedded AWS runs on {target.data}")
