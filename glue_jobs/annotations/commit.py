"""The end of a load: the catalog pointed at it, the view at the newest release, the manifest written last."""

from collections.abc import Iterator, Sequence

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationManifest, rejects_dataset
from genomics.contracts.codec import loads
from genomics.contracts.tables import REJECTS
from glue_jobs.annotations.catalog import AnnotationCatalog
from glue_jobs.annotations.plans import ReleasePlan, Subject
from glue_jobs.variants.commit import delete, directory, listed, number_rejects, put_document
from glue_jobs.variants.tasks import TaskResult
from glue_jobs.vcf.sources import s3_client


def find_manifest(bucket: str, subject: Subject) -> AnnotationManifest | None:
    """The release's latest load; None if it has never been loaded."""
    key = object_keys.annotation_load(subject.table.name, subject.partition)
    s3 = s3_client()
    try:
        return loads(AnnotationManifest, s3.get_object(Bucket=bucket, Key=key)["Body"].read(), where=key)
    except s3.exceptions.NoSuchKey:
        return None


def manifests(bucket: str, table: str = "") -> Iterator[AnnotationManifest]:
    """The latest load of each release, of one table or of all."""
    for key in listed(bucket, object_keys.annotation_loads(table)):
        if key.endswith(".json"):
            body = s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
            yield loads(AnnotationManifest, body, where=key)


def commit(
    plan: ReleasePlan,
    results: Sequence[TaskResult],
    *,
    origin: str,
    md5: str,
    catalog: AnnotationCatalog,
) -> AnnotationManifest:
    """Make a load the release's own. `results` are those of all its ranges, in order.

    If it is interrupted at any point, doing it again comes to the same end.
    """
    subject, target = plan.subject, plan.target
    table, dataset = subject.table, target.origin.dataset
    files = [file.key for result in results for file in result.files if file.table == table.name]
    rejects = [file.key for file in number_rejects(results, target.origin, header_lines=plan.header_lines)]
    catalog.point(REJECTS, {"dataset": dataset}, {(dataset,): directory(plan.bucket, rejects[0])} if rejects else {})
    values = tuple(subject.partition[column.name] for column in table.partitions)
    catalog.point(table, subject.partition, {values: object_keys.uri(plan.bucket, target.directory)})
    catalog.show_newest(table)
    manifest = AnnotationManifest(
        table=table.name,
        partition=subject.partition,
        source=plan.source,
        origin=origin,
        md5=md5,
        run_id=plan.run_id,
        recipe=subject.recipe,
        files=tuple(sorted(files)),
        reject_files=tuple(sorted(rejects)),
        rows=sum(result.rows[table.name] for result in results),
        rejects=sum(result.rows[REJECTS.name] for result in results),
    )
    put_document(plan.bucket, object_keys.annotation_load(table.name, subject.partition), manifest)
    sweep(plan.bucket, subject, manifest)
    return manifest


def sweep(bucket: str, subject: Subject, manifest: AnnotationManifest) -> None:
    """Remove what the release's other loads have left. The job runs once at a time, so none is still being written."""
    table, partition = subject.table.name, subject.partition
    prefixes = (
        object_keys.table_partition(table, partition, ""),
        object_keys.table_partition(REJECTS.name, {"dataset": rejects_dataset(table, partition)}, ""),
        object_keys.staged_annotation_rejects(table, partition, "", ""),
    )
    found = {key for prefix in prefixes for key in listed(bucket, prefix.rstrip("/") + "/")}
    delete(bucket, found - {*manifest.files, *manifest.reject_files})
