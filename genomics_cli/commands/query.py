"""`genomics query`."""

from pathlib import Path

import click

from genomics_cli import athena, embedded
from genomics_cli.answer_formats import FORMATS, write_answer
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target


@click.command()
@click.argument("sql")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Form of the answer. Default: table.")
@shared_options.as_json
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write to; parquet needs one. Default: stdout.",
)
@shared_options.target
def query(sql: str, kind: str | None, as_json: bool, output: Path | None, target: Target) -> None:
    r"""Ask the lake in Athena's SQL.

    Tables: variants, genotypes (by sample), genotypes_by_location, consequences, variant_ids, rejects. Example:

    \b
      genomics query "select chrom, pos, ref, alt from variants order by pos limit 5"
    """
    if as_json and kind not in (None, "json"):
        raise click.UsageError(f"--json and --format {kind} cannot both be")
    kind = "json" if as_json else kind or "table"
    if kind == "parquet" and output is None:
        raise click.UsageError("--format parquet needs --output FILE")
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    answer = athena.ask(platform, sql)
    write_answer(platform, answer, kind=kind, output=output)
    shared_options.say(f"{answer.seconds:.2f} s, {answer.scanned_bytes:,} bytes scanned")
