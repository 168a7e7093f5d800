"""`genomics status`."""

import json

import click

from genomics_cli import embedded, status_tables
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.consoles import open_console
from genomics_cli.interruptions import with_interruption, with_interruptions
from genomics_cli.run_ledger import list_runs, read_known_run


@click.command()
@click.argument("run", required=False)
@shared_options.as_json
@shared_options.target
def status(run: str | None, as_json: bool, target: Target) -> None:
    """Say how runs stand; of one RUN: each sample and step, how long it took, and why it ran or was skipped."""
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    if run:
        view = with_interruption(platform, read_known_run(platform, run))
        shown, document = status_tables.run_table(view), status_tables.run_document(view)
    else:
        runs = with_interruptions(platform, list_runs(platform))
        shown, document = status_tables.runs_table(runs), status_tables.runs_document(runs)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        open_console().print(shown)
