"""`genomics load`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from genomics_cli import embedded
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.errors import UserError
from genomics_cli.vcf_loads import LoadedFile, load_vcfs


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="VCF...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--study", default="default", show_default=True, help="The study that the files belong to.")
@shared_options.as_json
@shared_options.target
def load(files: tuple[Path, ...], study: str, as_json: bool, target: Target) -> None:
    r"""Load VCFs, gVCFs and BCFs into the lake, of one sample or of thousands.

    Each becomes the dataset <study>/<name of the file>. A file that is loaded already is not loaded again; a newer
    one of the same name replaces the rows of the older. What is wrong with what was loaded is said. Example:

    \b
      genomics load cohort.vcf.gz --study biobank
      genomics query "select chrom, pos, ref, alt from variants where dataset = 'biobank/cohort' limit 5"
    """
    platform = embedded.connect(target.data, project=target.project, progress=shared_options.say)

    def uploading(path: str, size: int) -> None:
        shared_options.say(f"uploading {path} ({size / 1e6:,.1f} MB)")

    done = load_vcfs(platform, files, study=study, uploading=uploading)
    if as_json:
        told = {"datasets": [asdict(each) for each in done.loaded], "doubts": done.doubts}
        click.echo(json.dumps(told, indent=2))
    else:
        for each in done.loaded:
            click.echo(_line(each))
    if done.doubts:
        shared_options.say(f"loaded, but: {done.doubts}")
    if done.problems:
        for line in done.problems[:-1]:
            shared_options.say(line)
        raise UserError(done.problems[-1])


def _line(loaded: LoadedFile) -> str:
    if not loaded.is_new:
        return f"{loaded.dataset}: is loaded already from {loaded.file}"
    return f"{loaded.dataset}: " + ", ".join(f"{count:,} {table}" for table, count in loaded.rows.items())
