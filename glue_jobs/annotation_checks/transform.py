"""Checks each release that was loaded since it was last checked: reads it back, judges it, tells of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationManifest, rejects_dataset
from genomics.contracts.codec import dumps, loads
from genomics.contracts.events import ANNOTATION_CHECKED, SOURCE, AnnotationChecked
from genomics.contracts.load_checks import (
    Check,
    CheckReport,
    CheckState,
    LoadLimits,
    registered,
    rejects,
    report,
    verdict,
)
from genomics.contracts.tables import Column, Table
from glue_jobs.annotation_checks.options import ChecksOptions
from glue_jobs.annotations.commit import manifests
from glue_jobs.variants.catalog import Catalog
from glue_jobs.variants.commit import directory, put_document
from glue_jobs.variants.measuring import open_parquet
from glue_jobs.vcf.sources import s3_client

# A table and, beside the release, what else its partition is of.
_Line = tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What a release's files hold, and whether the catalog has its partition."""

    rows: int
    rejected: int
    unregistered: tuple[str, ...]


def check(options: ChecksOptions, events: Any) -> Iterator[str]:
    """Check what is not checked yet; yields a line about each release. `events` is a client of EventBridge."""
    bucket, catalog = options.data_lake_bucket, Catalog(options.database)
    limits = loads(LoadLimits, options.limits, where="limits")
    of_line: dict[_Line, list[AnnotationManifest]] = {}
    for manifest in manifests(bucket):
        of_line.setdefault(_line(manifest), []).append(manifest)
    for releases in of_line.values():
        releases.sort(key=lambda each: each.partition["release"])
        for before, manifest in zip([None, *releases], releases, strict=False):
            if not _is_checked(bucket, manifest):
                found = judge(manifest, measure(bucket, manifest, catalog), before, limits)
                tell(bucket, found, events)
                yield f"{found.subject}: {found.state}{f' ({found.line})' if found.line else ''}"


def measure(bucket: str, manifest: AnnotationManifest, catalog: Catalog) -> Measured:
    """Read a release's files back: the footers of its table's, of its rejects which were whole records."""
    rows = sum(open_parquet(bucket, key).metadata.num_rows for key in manifest.files)
    rejected = 0
    for key in manifest.reject_files:
        fields = open_parquet(bucket, key).read(["field"]).column("field")
        rejected += pc.sum(pc.is_null(fields)).as_py() or 0
    columns = tuple(Column(name, "string", "") for name in manifest.values)
    known = catalog.locations(Table(manifest.table, "", (), columns), manifest.values)
    expected = {tuple(manifest.values.values()): directory(bucket, manifest.files[0])}
    unregistered = () if known == expected else (" ".join((manifest.table, *manifest.values.values())),)
    return Measured(rows, rejected, unregistered)


def judge(
    manifest: AnnotationManifest, measured: Measured, before: AnnotationManifest | None, limits: LoadLimits
) -> CheckReport:
    """Hold a release against the limits, and against the one `before` it."""
    checks = [
        verdict("rows", measured.rows == manifest.rows, f"{measured.rows:,}", f"{manifest.rows:,}"),
        registered(measured.unregistered),
        rejects(measured.rejected, measured.rows, limits),
        _growth(measured.rows, before, limits),
    ]
    subject = rejects_dataset(manifest.table, manifest.values)
    return report(subject, manifest.source.sha256, manifest.run_id, checks)


def tell(bucket: str, found: CheckReport, events: Any) -> None:
    """Put the event, then the report: who dies in between checks again, and tells twice rather than never."""
    key = object_keys.check_report(found.subject)
    detail = AnnotationChecked(found.subject, object_keys.uri(bucket, key), found.state, found.line)
    entry: Mapping[str, str] = {"Source": SOURCE, "DetailType": ANNOTATION_CHECKED, "Detail": dumps(detail)}
    reply = events.put_events(Entries=[entry])
    if reply["FailedEntryCount"]:
        raise RuntimeError(f"{found.subject}: the event was refused: {reply['Entries'][0].get('ErrorMessage')}")
    put_document(bucket, key, found)


def _line(manifest: AnnotationManifest) -> _Line:
    return (manifest.table, *(value for name, value in manifest.partition.items() if name != "release"))


def _is_checked(bucket: str, manifest: AnnotationManifest) -> bool:
    s3 = s3_client()
    key = object_keys.check_report(rejects_dataset(manifest.table, manifest.values))
    try:
        found = loads(CheckReport, s3.get_object(Bucket=bucket, Key=key)["Body"].read(), where=key)
    except s3.exceptions.NoSuchKey:
        return False
    return found.source_sha256 == manifest.source.sha256


def _growth(rows: int, before: AnnotationManifest | None, limits: LoadLimits) -> Check:
    if before is None:
        return Check("rows beside the release before", CheckState.NOT_JUDGED, "is the first", "")
    share = rows / before.rows
    return verdict(
        "rows beside the release before",
        share >= limits.least_of_previous,
        f"{share:.1%} of {before.partition['release']}",
        f"{limits.least_of_previous:.1%} at least",
    )
