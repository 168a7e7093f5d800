"""`genomics demo`."""

from pathlib import Path

import click

from genomics_cli.analysis_command import carry_out
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.demo.expectations import QUESTION, STUDY, require_expected
from genomics_cli.demo.sequencing_run import make_sequencing_run
from genomics_cli.inputs.run_inputs import RunOptions


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Directory for the reads that are made and for the results.",
)
@shared_options.as_json
@shared_options.target
def demo(output: Path, as_json: bool, target: Target) -> None:
    """Make a sequencing run with known truth and run the whole platform on it.

    Two samples on two contigs, 30-fold, with variants that are known, so the result can be scored. Fails where the
    accuracy is below what the platform promises. An embedded AWS that runs another state of the code is started anew.
    """
    shared_options.say(f"making reads with known truth in {output / 'input'}")
    made = make_sequencing_run(output / "input")
    truths = tuple(f"{sample}={vcf}" for sample, vcf in made.truths.items())
    summary = carry_out(
        RunOptions(made.sheet, str(made.reference), truths=truths, study=STUDY, genes=made.genes),
        output=lambda _: output,
        target=target,
        as_json=as_json,
        question=QUESTION,
        renew=True,
    )
    require_expected(summary)
