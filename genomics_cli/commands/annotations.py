"""`genomics annotations`."""

import json
from pathlib import Path

import click
from rich import box
from rich.table import Table

from genomics_cli import embedded
from genomics_cli.annotations import LoadedRelease, load_release, loaded_releases, read_schema
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.consoles import open_console
from genomics_cli.errors import UserError


@click.command()
@click.argument("source", required=False, metavar="[FILE|URL]")
@click.option("--release", metavar="DATE", help="Date of the release, such as 2026-02-26.")
@click.option("--assembly", default="GRCh38", show_default=True, help="Genome assembly of ClinVar's VCF.")
@click.option(
    "--schema",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="JSON",
    help="Columns of a TSV that is not ClinVar's.",
)
@click.option("--md5", default="", metavar="SUM", help="The file's MD5. Default: that in the file FILE.md5 or URL.md5.")
@shared_options.as_json
@shared_options.target
def annotations(
    source: str | None, release: str | None, assembly: str, schema: Path | None, md5: str, as_json: bool, target: Target
) -> None:
    r"""Load a release of an annotation into the lake; without FILE or URL, list what is loaded.

    ClinVar's VCF goes into the table clinvar, its variant_summary.txt into clinvar_summary, a TSV with --schema into
    annotation_<name>. The view <table>_current shows the newest release. Example:

    \b
      genomics annotations --release 2026-02-26 \
        https://ftp.ncbi.nlm.nih.gov/pub/clinvar/vcf_GRCh38/weekly/clinvar_20260226.vcf.gz
    """
    if source is not None and release is None:
        raise UserError("name the release's date with --release, such as 2026-02-26")
    declared = read_schema(schema) if schema else None
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)
    if source is None or release is None:
        _list(loaded_releases(platform), as_json=as_json)
        return
    found, is_new = load_release(platform, source, release=release, assembly=assembly, schema=declared, md5=md5)
    if as_json:
        click.echo(json.dumps({**found.as_document(), "is_new": is_new}, indent=2))
        return
    said = f"loaded {found.rows:,} rows, {found.rejects:,} rejects" if is_new else "is loaded already"
    click.echo(f"{found.table} {found.release}: {said}")


def _list(releases: list[LoadedRelease], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"releases": [each.as_document() for each in releases]}, indent=2))
        return
    if not releases:
        click.echo("no annotation is loaded")
        return
    table = Table("table", "release", "assembly", "rows", "rejects", "current", box=box.SIMPLE_HEAD, pad_edge=False)
    for each in releases:
        counts = f"{each.rows:,}", f"{each.rejects:,}"
        table.add_row(each.table, each.release, each.assembly or "", *counts, "yes" if each.is_current else "")
    open_console().print(table)
