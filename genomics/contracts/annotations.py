"""Releases of annotations: what they are called, and the commit that says that one is loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from genomics.contracts.annotation_tables import CLINVAR, CLINVAR_SUMMARY
from genomics.contracts.runs import Artifact

_MD5 = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")
_ASSEMBLY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VCF_NAMES = (".vcf", ".vcf.gz", ".vcf.bgz")
_SUMMARY_NAME = re.compile(r"variant_summary[^/]*\.(?:txt|tsv)(?:\.gz)?")


class AnnotationError(ValueError):
    """An annotation cannot be loaded: one line that says why, and what to do."""


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


def check_release(text: str) -> str:
    """The release if it is a date, by which the newest can be told; AnnotationError if not."""
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise AnnotationError(f"release {text!r} is not a date such as 2026-02-26")


def check_assembly(text: str) -> str:
    """The assembly if it can be part of keys and SQL; AnnotationError if not."""
    if _ASSEMBLY.fullmatch(text):
        return text
    raise AnnotationError(f"assembly {text!r} is not a name such as GRCh38")


def clinvar_table(name: str) -> str:
    """The table that a file of ClinVar belongs to, by the file's name; AnnotationError for any other file."""
    if name.endswith(_VCF_NAMES):
        return CLINVAR.name
    if _SUMMARY_NAME.fullmatch(name):
        return CLINVAR_SUMMARY.name
    raise AnnotationError(f"{name}: is neither ClinVar's VCF nor its variant_summary.txt; give a schema of its columns")


def read_md5(text: str, *, where: str) -> str:
    """The checksum in an .md5 file, or as typed; AnnotationError where there is none."""
    if match := _MD5.search(text):
        return match[0].lower()
    raise AnnotationError(f"{where}: holds no MD5 checksum (32 hexadecimal digits)")


def rejects_dataset(table: str, partition: Mapping[str, str]) -> str:
    """`dataset` of a release's rows in the table rejects."""
    return "/".join(("annotations", table, *partition.values()))
