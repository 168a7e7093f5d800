"""Loading VCFs into the lake: what is to be loaded, and the commit that says it was."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from genomics.contracts.runs import Artifact

_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class LoadSource:
    """A VCF to load. `dataset` names what it is a version of: loading a newer one replaces the rows of the older."""

    dataset: str
    vcf: Artifact


@dataclass(frozen=True)
class LoadRequest:
    """Argument of the variants job: sources to load, then datasets whose small files are to become few.

    After that the datasets in `pin` become part of the `release`, as they are then; those in `unpin` leave it.
    """

    run_id: str
    sources: tuple[LoadSource, ...]
    compact: tuple[str, ...] = ()
    release: str = ""
    pin: tuple[str, ...] = ()
    unpin: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.pin or self.unpin) and not _RELEASE.fullmatch(self.release):
            raise ValueError(
                f"release {self.release!r} is not a name such as freeze-1: 64 letters, digits, and ._- at most"
            )


@dataclass(frozen=True)
class LoadManifest:
    """The commit of a load, written last. `files` maps a table's name to its objects' keys, `rows` to its row counts,
    those of LOOKUPS left out.

    `header` is the VCF's, with which its records can be written again. `engine` read it (see the job's options).
    `schema` is the version of the tables' layout: a dataset loaded with an older one is loaded again.
    """

    dataset: str
    source: Artifact
    run_id: str
    schema: int
    files: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    header: str = ""
    engine: str = "native"


def dataset(study: str, sample: str) -> str:
    """What a sample's VCFs are versions of."""
    return f"{study}/{sample}"


# Raised when the rows made of the same VCF change.
SCHEMA = 2
