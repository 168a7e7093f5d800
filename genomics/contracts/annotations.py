"""Releases of annotations: what they are called, and the commit that says that one is loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote, urlsplit

from genomics.contracts.annotation_tables import CLINVAR, CLINVAR_SUMMARY, AnnotationSchema, declared_table
from genomics.contracts.runs import Artifact
from genomics.contracts.tables import Table

# How a run of the annotations job is told where its request is.
REQUEST_ARGUMENT = "--request"

_MD5 = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")
_ASSEMBLY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VCF_NAMES = (".vcf", ".vcf.gz", ".vcf.bgz")
_SUMMARY_NAME = re.compile(r"variant_summary[^/]*\.(?:txt|tsv)(?:\.gz)?")


class AnnotationError(ValueError):
    """An annotation cannot be loaded: one line that says why, and what to do."""


@dataclass(frozen=True)
class AnnotationRequest:
    """Argument of the annotations job: a release to load.

    `source` is its https:// or s3:// URI, `release` its date. `run_id` is what its rows say of this load. Without a
    `schema` the source is ClinVar's; `assembly` is that of ClinVar's VCF. `md5` is the file's checksum; without it the
    one in `<source>.md5` counts.
    """

    source: str
    release: str
    run_id: str
    assembly: str = "GRCh38"
    schema: AnnotationSchema | None = None
    md5: str = ""

    def __post_init__(self) -> None:
        try:
            is_date = date.fromisoformat(self.release).isoformat() == self.release
        except ValueError:
            is_date = False
        if not is_date:
            raise AnnotationError(f"release {self.release!r} is not a date such as 2026-02-26")
        if not _ASSEMBLY.fullmatch(self.assembly):
            raise AnnotationError(f"assembly {self.assembly!r} is not a name such as GRCh38")

    @property
    def file_name(self) -> str:
        """The source's last part, without what a URL may have behind it."""
        return unquote(urlsplit(self.source).path).rpartition("/")[2]

    @property
    def table(self) -> Table:
        """The table it is loaded into; AnnotationError for a file that is not ClinVar's and has no schema."""
        if self.schema:
            return declared_table(self.schema)
        if self.file_name.endswith(_VCF_NAMES):
            return CLINVAR
        if _SUMMARY_NAME.fullmatch(self.file_name):
            return CLINVAR_SUMMARY
        raise AnnotationError(
            f"{self.file_name}: is neither ClinVar's VCF nor its variant_summary.txt; give a schema of its columns"
        )


@dataclass(frozen=True)
class AnnotationManifest:
    """The commit of a release, written last. `partition` holds the partition's values by column, `release` first.

    `source` is the file as it is kept, `origin` where it came from, `md5` what it was checked against. `recipe` stands
    for everything else that the rows follow from: a release loaded by another one is loaded again.
    """

    table: str
    partition: Mapping[str, str]
    source: Artifact
    origin: str
    md5: str
    run_id: str
    recipe: str
    files: tuple[str, ...]
    reject_files: tuple[str, ...]
    rows: int
    rejects: int

    @property
    def values(self) -> dict[str, str]:
        """The partition in the table's order, which JSON does not keep."""
        return {"release": self.partition["release"], **self.partition}


def read_md5(text: str, *, where: str) -> str:
    """The checksum in an .md5 file, or as typed; AnnotationError where there is none."""
    if match := _MD5.search(text):
        return match[0].lower()
    raise AnnotationError(f"{where}: holds no MD5 checksum (32 hexadecimal digits)")


def rejects_dataset(table: str, partition: Mapping[str, str]) -> str:
    """`dataset` of a release's rows in the table rejects."""
    return "/".join(("annotations", table, *partition.values()))
