"""`genomics estimate`."""

import json
import tempfile
from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import ReferenceFiles, Target
from genomics_cli.consoles import open_console
from genomics_cli.estimates.forecast import forecast, read_sized_history
from genomics_cli.estimates.prices import read_prices
from genomics_cli.estimates.sheet import size_of_sheet
from genomics_cli.estimates.tables import forecast_document, forecast_table
from genomics_cli.inputs.run_inputs import RunOptions, is_remote
from genomics_cli.submission import download_reference


@click.command()
@click.argument("samples", type=click.Path(dir_okay=False, path_type=Path), metavar="SAMPLES.csv")
@shared_options.reference
@click.option("--regions", metavar="BED|REGIONS", help="Where to call, as for `genomics run`.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="STEP.NAME=VALUE",
    help="A changed parameter, as for `genomics run`.",
)
@shared_options.prices
@shared_options.as_json
@shared_options.target
def estimate(
    samples: Path,
    reference: ReferenceFiles,
    regions: str | None,
    parameters: tuple[str, ...],
    prices: Path,
    as_json: bool,
    target: Target,
) -> None:
    """Say what a run would take: seconds and dollars of each sample and step, each as an interval.

    Drawn from what steps took in earlier runs and from the size of the input; steps that have never run here from
    figures measured once, much wider. Nothing is uploaded and nothing runs.
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    table = read_prices(platform.cloud.region, prices)
    genes, clinvar = reference.genes, reference.clinvar
    options = RunOptions(samples, reference.fasta, regions, parameters=parameters, genes=genes, clinvar=clinvar)
    with tempfile.TemporaryDirectory(prefix="genomics-") as workspace:
        s3, directory = platform.cloud.s3, Path(workspace)
        fasta = reference.fasta
        found = download_reference(s3, fasta, directory / "brought") if is_remote(fasta) else Path(fasta)
        size = size_of_sheet(options, reference_file=found, s3=s3, workspace=directory)
    expected = forecast(size, read_sized_history(platform), table)
    if as_json:
        click.echo(json.dumps(forecast_document(expected), indent=2))
    else:
        open_console().print(forecast_table(expected))
