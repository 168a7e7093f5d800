"""`genomics restore`."""

import json

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.restores import ask_restore


@click.command()
@click.argument("study")
@click.option("--notify", required=True, metavar="EMAIL", help="Who is told, by one e-mail, when the study is back.")
@shared_options.as_json
@shared_options.target
def restore(study: str, notify: str, as_json: bool, target: Target) -> None:
    """Bring a STUDY back from the archive, each object to where it was.

    S3 takes up to 12 hours to make an archive readable, or 48 (the restore_tier setting). An address that has not been
    told of a study before is asked by e-mail, at once, to confirm that it wants to be.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    asked = ask_restore(platform, study, notify)
    if as_json:
        click.echo(json.dumps(asked.as_document(), indent=2))
        return
    click.echo(f"{asked.study} is being restored; {asked.notify} gets an e-mail when it is back")
