"""Releases of annotations: loading one into the lake, and what is loaded."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import AnnotationSchema
from genomics.contracts.annotations import AnnotationManifest, AnnotationRequest, read_md5
from genomics.contracts.codec import dumps, loads
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.lake_jobs import run_job
from genomics_cli.submission import new_run_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READ = 8 << 20


@dataclass(frozen=True)
class LoadedRelease:
    """A release in the lake. `is_current` says that it is the one that the table's view shows."""

    table: str
    release: str
    assembly: str | None
    rows: int
    rejects: int
    origin: str
    md5: str
    run_id: str
    is_current: bool

    def as_document(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


def read_schema(path: Path) -> AnnotationSchema:
    """The columns that a JSON file declares; ContractError names what is wrong with it."""
    return loads(AnnotationSchema, path.read_bytes(), where=str(path))


def load_release(
    platform: Platform, source: str, *, release: str, assembly: str, schema: AnnotationSchema | None, md5: str
) -> tuple[LoadedRelease, bool]:
    """Have a release loaded, and wait for it; also says whether it was loaded now, or had been. UserError says why not.

    `source` is a URL, an s3:// URI that the job may read, or a file of this machine, which is uploaded. A file's MD5 is
    that of `md5`, or of the file `<source>.md5`, where there is one.
    """
    request = AnnotationRequest(source, release, new_run_id(), assembly, schema, md5)
    table = request.table.name
    if "://" not in source:
        request = _upload(platform, Path(source), request)
    bucket, key = platform.deployment.data_lake_bucket, object_keys.annotation_request(request.run_id)
    platform.cloud.s3.put_object(Bucket=bucket, Key=key, Body=dumps(request).encode())
    run_job(platform, platform.deployment.annotations_job, object_keys.uri(bucket, key), name="annotations")
    loaded = next(
        found
        for found in loaded_releases(platform)
        if (found.table, found.release) == (table, release) and found.assembly in (None, assembly)
    )
    return loaded, loaded.run_id == request.run_id


def loaded_releases(platform: Platform) -> list[LoadedRelease]:
    """Every release in the lake, by table and date."""
    s3, bucket = platform.cloud.s3, platform.deployment.data_lake_bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=object_keys.annotation_loads())
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ()) if entry["Key"].endswith(".json")]
    manifests = [
        loads(AnnotationManifest, s3.get_object(Bucket=bucket, Key=key)["Body"].read(), where=key) for key in keys
    ]
    releases = sorted((_described(manifest) for manifest in manifests), key=lambda each: (each.table, each.release))
    newest = {(each.table, each.assembly): each.release for each in releases}
    return [replace(each, is_current=newest[each.table, each.assembly] == each.release) for each in releases]


def _described(manifest: AnnotationManifest) -> LoadedRelease:
    return LoadedRelease(
        table=manifest.table,
        release=manifest.partition["release"],
        assembly=manifest.partition.get("assembly"),
        rows=manifest.rows,
        rejects=manifest.rejects,
        origin=manifest.origin,
        md5=manifest.md5,
        run_id=manifest.run_id,
        is_current=False,
    )


def _upload(platform: Platform, path: Path, request: AnnotationRequest) -> AnnotationRequest:
    """Put a file, checked, where the job would keep it; the request for it there."""
    sums = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_READ):
            for digest in sums:
                digest.update(data)
    md5, sha256 = (digest.hexdigest() for digest in sums)
    beside = path.with_name(f"{path.name}.md5")
    if request.md5 or beside.exists():
        where = "--md5" if request.md5 else str(beside)
        expected = read_md5(request.md5 or beside.read_text(encoding="latin-1"), where=where)
        if expected != md5:
            raise UserError(f"{path}: its MD5 is {md5}, {where} says {expected}; fetch it again")
    bucket = platform.deployment.data_lake_bucket
    key = object_keys.annotation_file(request.table.name, request.release, sha256, path.name)
    if not _is_there(platform.cloud.s3, bucket, key):
        platform.cloud.s3.upload_file(str(path), bucket, key)
    return replace(request, source=object_keys.uri(bucket, key), md5=md5)


def _is_there(s3: "S3Client", bucket: str, key: str) -> bool:
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents"))
