"""`genomics why`."""

import json

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.consoles import open_console
from genomics_cli.explanation_tables import explanation_document, explanation_text
from genomics_cli.explanations import explain_step


@click.command()
@click.argument("sample")
@click.argument("step")
@click.option("--run", "run_id", metavar="RUN", help="In this run. Default: the latest that planned the step.")
@click.option("--part", metavar="LANE|REGION", help="This part of the step only.")
@shared_options.as_json
@shared_options.target
def why(sample: str, step: str, run_id: str | None, part: str | None, as_json: bool, target: Target) -> None:
    """Say why STEP of SAMPLE ran or was skipped, what it was made from, and what has changed since the plan before.

    Works for what was skipped too: its outputs, and their record, are those of an older run.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    explanation = explain_step(platform, sample, step, run_id=run_id, part=part)
    if as_json:
        document = explanation_document(explanation, platform.deployment.sequencing_bucket)
        click.echo(json.dumps(document, indent=2))
    else:
        open_console().print(explanation_text(explanation), soft_wrap=True)
