"""Options that several commands have."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from genomics_cli.data_directory import data_directory
from genomics_cli.estimates.prices import BUILT_IN


@dataclass(frozen=True)
class Target:
    """Which deployment a command speaks to; `data` is where an embedded AWS lives, and what the command line keeps."""

    data: Path
    project: str


@dataclass(frozen=True)
class ReferenceFiles:
    """The reference genome, as a file or s3:// URI, and what variants are annotated with, as far as it is given."""

    fasta: str
    genes: Path | None
    clinvar: Path | None


data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    callback=lambda _context, _parameter, value: data_directory(value),
    help="Directory of the embedded AWS. Default: GENOMICS_DATA, else .genomics in this project.",
)


def target(command: Callable[..., None]) -> Callable[..., None]:
    """Options --data and --project, given to the command as `target`."""

    @data
    @click.option(
        "--project",
        envvar="GENOMICS_PROJECT",
        default="genomics",
        show_default=True,
        help="Name of the deployment (the `project` setting). Also GENOMICS_PROJECT.",
    )
    @functools.wraps(command)
    def with_target(*, data: Path, project: str, **rest: Any) -> None:
        command(target=Target(data, project), **rest)

    return with_target


def reference(command: Callable[..., None]) -> Callable[..., None]:
    """Options --reference, --genes and --clinvar, given to the command as `reference`."""
    file = click.Path(dir_okay=False, path_type=Path)
    fasta_help = "Reference genome: a file (plain, gzip or BGZF) or s3:// URI."

    @click.option("--reference", "fasta", required=True, metavar="FASTA", help=fasta_help)
    @click.option("--genes", type=file, metavar="GFF3", help="Genes of the reference, to annotate variants with.")
    @click.option(
        "--clinvar", type=file, metavar="VCF", help="ClinVar of the reference's assembly, to look alleles up in."
    )
    @functools.wraps(command)
    def with_reference(*, fasta: str, genes: Path | None, clinvar: Path | None, **rest: Any) -> None:
        command(reference=ReferenceFiles(fasta, genes, clinvar), **rest)

    return with_reference


as_json = click.option("--json", "as_json", is_flag=True, help="Print machine-readable JSON on stdout.")


prices = click.option(
    "--prices",
    type=click.Path(dir_okay=False, path_type=Path),
    default=BUILT_IN,
    metavar="FILE",
    help="A price table of your own, in TOML. Default: the dated one of this release.",
)


def say(line: str) -> None:
    """Tell the user something that is not the command's answer."""
    click.echo(line, err=True)
