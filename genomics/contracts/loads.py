"""Loading VCFs into the lake: what is to be loaded, and the commit that says it was."""

from collections.abc import Mapping
from dataclasses import dataclass

from genomics.contracts.runs import Artifact


@dataclass(frozen=True)
class LoadSource:
    """A VCF to load. `dataset` names what it is a version of: loading a newer one replaces the rows of the older."""

    dataset: str
    vcf: Artifact


@dataclass(frozen=True)
class LoadRequest:
    """Argument of the variants job: sources to load, and then datasets whose small files are to become few."""

    run_id: str
    sources: tuple[LoadSource, ...]
    compact: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadManifest:
    """The commit of a load, written last. `files` maps a table's name to its objects' keys, `rows` to its row counts,
    those of LOOKUPS left out.

    `header` is the VCF's, with which its records can be written again.
    `schema` is the version of the tables' layout: a dataset loaded with an older one is loaded again.
    """

    dataset: str
    source: Artifact
    run_id: str
    schema: int
    files: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    header: str = ""


def dataset(study: str, sample: str) -> str:
    """What a sample's VCFs are versions of."""
    return f"{study}/{sample}"


# Raised when the rows made of the same VCF change.
SCHEMA = 2
