"""`genomics compact`."""

import json
from dataclasses import asdict

import click

from genomics_cli import compaction, embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target


@click.command()
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@shared_options.as_json
@shared_options.target
def compact(datasets: tuple[str, ...], as_json: bool, target: Target) -> None:
    """Make few large files of the lake's many small ones: of these datasets (<study>/<sample>), or of all.

    Rows stay as they are. Loads wait until it is done.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    found = compaction.compact(platform, datasets)
    if as_json:
        click.echo(json.dumps({"datasets": [asdict(each) for each in found]}, indent=2))
        return
    for each in found:
        click.echo(f"{each.dataset}: {each.files_before:,} files, now {each.files_after:,}")
    if not found:
        click.echo("nothing is loaded")
