"""`genomics run`."""

from pathlib import Path
from typing import Any

import click

from genomics_cli.analysis_command import carry_out
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import ReferenceFiles, Target
from genomics_cli.inputs.run_inputs import RunOptions

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("samples", type=_FILE, metavar="SAMPLES.csv")
@shared_options.reference
@click.option(
    "--regions", metavar="BED|REGIONS", help="Where to call: a BED file, or chrom or chrom:start-end, joined by commas."
)
@click.option(
    "--truth", "truths", multiple=True, metavar="[SAMPLE=]VCF", help="Known variants to score against; may be repeated."
)
@click.option("--confident", type=_FILE, metavar="BED", help="Where the truth can be believed.")
@click.option("--study", default="default", show_default=True, help="Study that the samples belong to.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="STEP.NAME=VALUE",
    help="Change a parameter of a step; may be repeated.",
)
@click.option(
    "--tolerate",
    default="0",
    show_default=True,
    metavar="N|N%",
    help="How many samples may fail and the run still succeeds.",
)
@click.option("--urgent", is_flag=True, help="Go before other runs, to On-Demand machines first.")
@click.option("--sign-off", is_flag=True, help="Have a person approve of the results (genomics sign-off).")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the results. Default: results/RUN.",
)
@shared_options.as_json
@shared_options.target
def run(
    samples: Path, reference: ReferenceFiles, output: Path | None, as_json: bool, target: Target, **options: Any
) -> None:
    """Analyse samples: trim, align, call, annotate, load into the lake.

    SAMPLES.csv has the columns patient,sample,lane,fastq_1,fastq_2, one line for each lane of a sample. All input is
    checked before anything runs. Steps whose input, parameters and tool are as they were are not run again.

    The results (VCFs, summary.json, report.html) are put into the output directory.
    """
    carry_out(
        RunOptions(samples, reference.fasta, genes=reference.genes, clinvar=reference.clinvar, **options),
        output=lambda run_id: output or Path("results", run_id),
        target=target,
        as_json=as_json,
    )
