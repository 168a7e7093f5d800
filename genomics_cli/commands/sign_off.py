"""`genomics sign-off`."""

import json

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.errors import UserError
from genomics_cli.sign_offs import awaited, decide


@click.command(name="sign-off")
@click.argument("run", required=False)
@click.option("--approve/--reject", default=None, help="The decision.")
@click.option("--by", metavar="NAME", help="Who decides.")
@click.option("--reason", metavar="TEXT", help="Why.")
@shared_options.as_json
@shared_options.target
def sign_off(
    run: str | None, approve: bool | None, by: str | None, reason: str | None, as_json: bool, target: Target
) -> None:
    """Decide about the results of a RUN that was asked for with --sign-off; without RUN, list what awaits a decision.

    It is one decision about the run as a whole: look at the samples' reports first. What is approved of goes into the
    lake; what is rejected ends the run FAILED, with the reason. Who decided, when and why is kept.
    """
    if run is not None and (approve is None or not by or not reason):
        raise UserError("a decision takes --approve or --reject, --by NAME and --reason TEXT")
    if run is None and (approve is not None or by or reason):
        raise UserError("name the RUN that the decision is about; `genomics sign-off` lists those that await one")
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    if run is None:
        waiting = awaited(platform)
        if as_json:
            found = [{"run_id": e.run_id, "since": e.started_at, "results": e.document} for e in waiting]
            click.echo(json.dumps({"awaited": found}, indent=2))
            return
        for entry in waiting:
            click.echo(f"{entry.run_id}  {entry.reason}  {entry.document}")
        if not waiting:
            click.echo("no run awaits a sign-off")
        return
    decision = decide(platform, run, approve=bool(approve), by=by or "", reason=reason or "")
    if as_json:
        click.echo(json.dumps({"run_id": run, "approved": approve, "by": decision.by, "at": decision.at}))
        return
    click.echo(f"run {run} was {'approved' if approve else 'rejected'} by {decision.by}")
