"""`genomics release`."""

import json
from dataclasses import asdict

import click

from genomics_cli import embedded, releases
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target


@click.command()
@click.argument("name")
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@click.option("--drop", is_flag=True, help="Take the datasets out of the release instead.")
@shared_options.as_json
@shared_options.target
def release(name: str, datasets: tuple[str, ...], drop: bool, as_json: bool, target: Target) -> None:
    """Pin these datasets (<study>/<sample>), or all, as they are now, under a NAME such as freeze-1.

    Queries of variants_releases, genotypes_releases and so on find them by it, whatever is loaded since.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    change = releases.drop_from_release if drop else releases.make_release
    done = change(platform, name, datasets)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
        return
    for dataset in done.datasets:
        click.echo(f"{dataset}: {'is no longer part of' if drop else 'is part of'} {done.name}")
