"""Releases of datasets: what a query saw once, it sees again under the release's name, whatever is loaded since.

Nothing is copied: partitions of the tables `<table>_releases` point at the files of the load, which then stay.
"""

from genomics.contracts import object_keys
from genomics.contracts.loads import SCHEMA
from genomics.contracts.tables import LOOKUPS, TABLES, pinned
from glue_jobs.variants.catalog import Catalog
from glue_jobs.variants.commit import directory, find_manifest, pinned_manifests, put_document, sweep
from glue_jobs.vcf.sources import s3_client


class ReleaseError(RuntimeError):
    """A dataset cannot become part of a release; the message says why."""


def pin(bucket: str, release: str, dataset: str, *, catalog: Catalog) -> str:
    """Make a dataset, as it is now, part of a release, for good; a line about it.

    If it is interrupted at any point, doing it again comes to the same end.
    """
    manifest = find_manifest(bucket, dataset)
    if manifest is None or manifest.schema != SCHEMA:
        raise ReleaseError(f"{dataset}: is not loaded; load it, then make a release of it")
    key = object_keys.dataset_release(dataset, release)
    before = next(pinned_manifests(bucket, dataset, release), None)
    if before and before.source.sha256 != manifest.source.sha256:
        raise ReleaseError(f"{dataset}: release {release} has an earlier load of it; give the new one another name")
    kept = before or manifest
    # The manifest first: from then on no sweep takes the files away.
    put_document(bucket, key, kept)
    for table in (*TABLES, *LOOKUPS):
        locations = {
            (release, *object_keys.partition_values(file)): directory(bucket, file) for file in kept.files[table.name]
        }
        catalog.point(pinned(table), {"release": release, "dataset": dataset}, locations)
    return f"{dataset}: is part of {release}, as loaded from {kept.source.uri}"


def unpin(bucket: str, release: str, dataset: str, *, catalog: Catalog) -> str:
    """Take a dataset out of a release, and remove the files that nothing else needs; a line about it."""
    for table in (*TABLES, *LOOKUPS):
        catalog.point(pinned(table), {"release": release, "dataset": dataset}, {})
    s3_client().delete_object(Bucket=bucket, Key=object_keys.dataset_release(dataset, release))
    if manifest := find_manifest(bucket, dataset):
        sweep(bucket, manifest)
    return f"{dataset}: is no longer part of {release}"
