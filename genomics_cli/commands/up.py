"""`genomics up`."""

import json
from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.landing import mount_landing


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any. Default: 4599, or any where that is taken.",
)
@click.option(
    "--landing",
    type=click.Path(path_type=Path),
    help="Folder that run folders are transferred from. Default: on-premises/sequencers.embedded/landing in the data.",
)
@shared_options.as_json
@shared_options.target
def up(port: int | None, landing: Path | None, as_json: bool, target: Target) -> None:
    """Deploy every stack into an embedded AWS and keep it up.

    Prints the environment that points other programs at it, ready for the shell: eval "$(genomics up)".
    """
    if landing:
        mount_landing(target.data, landing)
    started = embedded.start(target.data, port=port, project=target.project, progress=shared_options.say)
    for line in embedded.describe(started, asked_port=port):
        shared_options.say(line)
    if as_json:
        click.echo(json.dumps(embedded.as_document(started), indent=2))
        return
    for name, value in started.instance.environment().items():
        click.echo(f"export {name}={value}")
