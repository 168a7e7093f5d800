"""`genomics redrive`."""

import json

import click

from genomics.contracts.runs import State
from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.redrives import redrive_run


@click.command()
@click.argument("run")
@shared_options.as_json
@shared_options.target
def redrive(run: str, as_json: bool, target: Target) -> None:
    """Let a RUN that was stopped, or timed out, go on where it was; also one that nobody has signed off in time.

    What had ended is not repeated. A run that failed has nothing to go on with: the same `genomics run` again does only
    what is not done.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    redrive_run(platform, run)
    if as_json:
        click.echo(json.dumps({"run_id": run, "state": State.RUNNING}))
        return
    click.echo(f"run {run} goes on; `genomics status {run}` says how it stands")
