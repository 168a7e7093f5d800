"""The end of a load: its rejects numbered, the catalog pointed at it, the manifest written, its predecessor removed."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps, loads
from genomics.contracts.load_checks import LoadMeasures
from genomics.contracts.loads import SCHEMA, LoadManifest
from genomics.contracts.tables import LOOKUPS, REJECTS, TABLES
from glue_jobs.variants.catalog import Catalog
from glue_jobs.variants.parquet import Destination, WrittenFile, read_file, write_file
from glue_jobs.variants.plans import SourcePlan
from glue_jobs.variants.tasks import TaskResult
from glue_jobs.vcf.sources import s3_client

_DELETE = 1000
_WRITTEN = (*TABLES, *LOOKUPS)


def find_manifest(bucket: str, dataset: str) -> LoadManifest | None:
    """The dataset's latest load; None if it has never been loaded."""
    s3 = s3_client()
    try:
        reply = s3.get_object(Bucket=bucket, Key=object_keys.load_manifest(dataset))
    except s3.exceptions.NoSuchKey:
        return None
    return loads(LoadManifest, reply["Body"].read(), where=object_keys.load_manifest(dataset))


def commit(plan: SourcePlan, results: Sequence[TaskResult], *, catalog: Catalog) -> LoadManifest:
    """Make a load the dataset's latest. `results` are those of all its ranges, in order, and of what was gathered.

    If it is interrupted at any point, doing it again comes to the same end.
    """
    files = [file for result in results for file in result.files if file.table != REJECTS.name]
    files += number_rejects(results, plan.destination, header_lines=plan.file.header.lines)
    manifest = LoadManifest(
        dataset=plan.source.dataset,
        source=plan.source.vcf,
        run_id=plan.run_id,
        schema=SCHEMA,
        files={table.name: tuple(sorted(f.key for f in files if f.table == table.name)) for table in _WRITTEN},
        rows={table.name: sum(result.rows.get(table.name, 0) for result in results) for table in TABLES},
        header=plan.file.header.text,
        engine=plan.engine,
    )
    publish(plan.bucket, manifest, catalog=catalog)
    return manifest


def find_measures(bucket: str, manifest: LoadManifest) -> LoadMeasures | None:
    """What was measured of this load; None if nothing was."""
    s3 = s3_client()
    key = object_keys.load_measures(manifest.dataset)
    try:
        found = loads(LoadMeasures, s3.get_object(Bucket=bucket, Key=key)["Body"].read(), where=key)
    except s3.exceptions.NoSuchKey:
        return None
    return found if found.source_sha256 == manifest.source.sha256 else None


def put_document(bucket: str, key: str, document: object) -> None:
    """Write a contract as JSON."""
    s3_client().put_object(Bucket=bucket, Key=key, Body=dumps(document).encode(), ContentType="application/json")


def publish(bucket: str, manifest: LoadManifest, *, catalog: Catalog) -> None:
    """Have the dataset consist of the manifest's files, and remove all others of it."""
    for table in _WRITTEN:
        keys = manifest.files[table.name]
        locations = {object_keys.partition_values(key): directory(bucket, key) for key in keys}
        catalog.point(table, {"dataset": manifest.dataset}, locations)
    put_document(bucket, object_keys.load_manifest(manifest.dataset), manifest)
    sweep(bucket, manifest)


def sweep(bucket: str, manifest: LoadManifest) -> None:
    """Remove what the dataset's other loads have left: the one before, and any that was interrupted.

    What a release has pinned stays. Nothing points at the other objects any more, and the job runs once at a time, so
    that none of them is still being written.
    """
    prefixes = [object_keys.table_partition(table.name, {"dataset": manifest.dataset}, "") for table in _WRITTEN]
    prefixes.append(object_keys.staged_rejects(manifest.dataset, "", ""))
    found = {key for prefix in prefixes for key in listed(bucket, prefix.rstrip("/") + "/")}
    needed = (manifest, *pinned_manifests(bucket, manifest.dataset))
    delete(bucket, found - {key for each in needed for keys in each.files.values() for key in keys})


def pinned_manifests(bucket: str, dataset: str, release: str = "") -> Iterator[LoadManifest]:
    """The dataset as releases have pinned it; as that release has, if one is named."""
    wanted = object_keys.dataset_release(dataset, release) if release else ""
    for key in listed(bucket, object_keys.dataset_releases(dataset)):
        if wanted in ("", key):
            yield loads(LoadManifest, s3_client().get_object(Bucket=bucket, Key=key)["Body"].read(), where=key)


def discard(plan: SourcePlan, results: Sequence[TaskResult]) -> None:
    """Remove what a load that came to nothing has written; the same content may have been pinned earlier."""
    kept = {
        key
        for each in pinned_manifests(plan.bucket, plan.source.dataset)
        for keys in each.files.values()
        for key in keys
    }
    delete(plan.bucket, {file.key for result in results for file in result.files} - kept)
    delete(plan.bucket, {part.key for result in results for part in result.staged})


def number_rejects(results: Sequence[TaskResult], destination: Destination, *, header_lines: int) -> list[WrittenFile]:
    """Write the staged rejects where they belong, lines counted from the beginning of the file."""
    written = []
    before = header_lines
    for result in results:
        for file in result.files:
            if file.table != REJECTS.name:
                continue
            rows = read_file(destination.bucket, file.key)
            column = rows.schema.get_field_index("line")
            line = pc.add(rows.column("line"), pa.scalar(before, pa.int64()))
            key = destination.directory(REJECTS) + file.key.rpartition("/")[2]
            write_file(REJECTS, rows.set_column(column, "line", line), destination, key)
            written.append(WrittenFile(REJECTS.name, key))
        before += result.lines
    return written


def listed(bucket: str, prefix: str) -> Iterator[str]:
    """Keys below a prefix."""
    for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", ()))


def directory(bucket: str, key: str) -> str:
    """URI of an object's directory."""
    return object_keys.uri(bucket, key.rpartition("/")[0] + "/")


def delete(bucket: str, keys: set[str]) -> None:
    """Remove objects; RuntimeError names the first that cannot be."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _DELETE):
        some = [{"Key": key} for key in ordered[start : start + _DELETE]]
        reply = s3_client().delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
        if errors := reply.get("Errors"):
            raise RuntimeError(f"{errors[0]['Key']} cannot be deleted: {errors[0]['Message']}")
