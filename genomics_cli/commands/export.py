"""`genomics export`."""

import json
from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target


@click.command()
@click.argument("dataset")
@click.option(
    "--vcf",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The VCF to write, .vcf.gz; its index is written beside it.",
)
@shared_options.as_json
@shared_options.target
def export(dataset: str, vcf: Path, as_json: bool, target: Target) -> None:
    r"""Write a DATASET of the lake, <study>/<sample>, as a VCF again.

    Homozygous reference calls come out as 0/0 without further fields: the lake keeps no row of them. Example:

    \b
      genomics export first/NA12878 --vcf NA12878.vcf.gz
    """
    from genomics_cli.exports.export import export_vcf  # noqa: PLC0415  (pysam and pyarrow take long to load)

    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    done = export_vcf(platform.cloud.s3, platform.deployment.data_lake_bucket, dataset, vcf)
    if as_json:
        click.echo(json.dumps(done.as_document(), indent=2))
        return
    click.echo(f"{done.vcf}: {done.records:,} records of {done.samples} samples, loaded from {done.source}")
