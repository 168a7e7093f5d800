"""`genomics export`."""

import json
from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target


@click.command()
@click.argument("dataset", required=False)
@click.option(
    "--vcf",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The VCF to write, .vcf.gz; its index is written beside it.",
)
@click.option("--run", "run_id", metavar="RUN", help="Write all that this run called, a VCF for each sample.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where --run writes <sample>.vcf.gz. Default: here.",
)
@shared_options.as_json
@shared_options.target
def export(
    dataset: str | None, vcf: Path | None, run_id: str | None, output: Path | None, as_json: bool, target: Target
) -> None:
    r"""Write a DATASET of the lake, <study>/<sample>, or those of a run, as VCFs again.

    Homozygous reference calls come out as 0/0 without further fields: the lake keeps no row of them. Examples:

    \b
      genomics export first/NA12878 --vcf NA12878.vcf.gz
      genomics export --run 20260301T101500Z-1a2b --output calls
    """
    if not (dataset and vcf and not run_id and not output) and not (run_id and not dataset and not vcf):
        raise click.UsageError("give DATASET and --vcf FILE, or --run RUN and perhaps --output DIR")
    from genomics_cli.exports.export import export_vcf  # noqa: PLC0415  (pysam and pyarrow take long to load)
    from genomics_cli.exports.runs import export_run  # noqa: PLC0415

    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    if run_id:
        done = export_run(platform, run_id, output or Path())
    else:
        assert dataset and vcf  # noqa: S101, PT018  (said above)
        done = [export_vcf(platform.cloud.s3, platform.deployment.data_lake_bucket, dataset, vcf)]
    if as_json:
        documents = [each.as_document() for each in done]
        click.echo(json.dumps({"exports": documents} if run_id else documents[0], indent=2))
        return
    for each in done:
        click.echo(f"{each.vcf}: {each.records:,} records of {each.samples} samples, loaded from {each.source}")
