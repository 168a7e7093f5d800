"""What the sequencing bucket holds of each study, and how old it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.archives import ARCHIVE_CLASSES, Study, is_archived_kind
from genomics.contracts.runs import RunRequest, RunResults
from genomics.contracts.samples import is_name
from genomics.contracts.steps import Step
from lambdas import documents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Where the objects lie that runs name.
_NAMED = (
    f"{object_keys.INBOX}reads/",
    object_keys.DEMULTIPLEXED,
    *(f"{object_keys.STEPS}{step}/" for step in (Step.GATHER_VARIANTS, Step.ANNOTATE)),
)


@dataclass
class Holdings:
    """A study's run folders, the keys of its reads and variants, and its runs that have left no results (yet)."""

    folders: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    without_results: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Due:
    """What of a study is to be archived, once its runs `without_results` are no longer under way."""

    study: str
    prefixes: tuple[str, ...]
    keys: tuple[str, ...]
    without_results: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seen:
    modified: datetime
    is_archived: bool


@dataclass(frozen=True)
class _RunObjects:
    study: str
    keys: set[str]
    has_results: bool


def due_studies(s3: S3Client, bucket: str, *, written_before: datetime) -> Iterator[Due]:
    """Studies of which something is not archived, and all of that was written before the time.

    Of a run folder, the files at its top and its first BCL tell its age, and that BCL whether it is archived: it may
    have a million. All of them are as old as the study's latest restore, which may have taken days, has made them.
    An object that several studies have stays where it is.
    """
    seen = {key: found for prefix in _NAMED for key, found in _list(s3, bucket, prefix)}
    studies = _studies(s3, bucket)
    uses = Counter(key for holdings in studies.values() for key in holdings.keys)
    for study, holdings in sorted(studies.items()):
        keys = {
            key: seen[key]
            for key in holdings.keys
            if key in seen and uses[key] == 1 and is_archived_kind(key) and not seen[key].is_archived
        }
        ages = {folder: age for folder in holdings.folders if (age := _age(s3, bucket, folder))}
        times = [*(found.modified for found in keys.values()), *ages.values()]
        if times and max([*times, *_restores(s3, bucket, study)]) < written_before:
            yield Due(study, tuple(sorted(ages)), tuple(sorted(keys)), tuple(sorted(holdings.without_results)))


def find_study(s3: S3Client, bucket: str, name: str) -> Study:
    """The study as it is registered, or with its name alone."""
    return documents.find(s3, Study, object_keys.uri(bucket, object_keys.study(name))) or Study(name)


def _studies(s3: S3Client, bucket: str) -> Mapping[str, Holdings]:
    studies: dict[str, Holdings] = {}
    claimed: dict[str, str] = {}
    for key in (key for key, _ in _list(s3, bucket, object_keys.STUDIES) if key.endswith(".json")):
        registered = documents.read(s3, Study, object_keys.uri(bucket, key))
        claimed |= {folder.strip("/"): registered.name for folder in registered.run_folders}
    for folder in _folders(s3, bucket, object_keys.RUN_FOLDERS):
        study = claimed.get(folder, folder)
        # A folder whose name cannot be a study's has to be claimed by one.
        if is_name(study):
            studies.setdefault(study, Holdings()).folders.add(object_keys.run_folder(folder))
    with ThreadPoolExecutor(documents.PARALLEL_REQUESTS) as threads:
        runs = list(_folders(s3, bucket, object_keys.RUNS))
        for run_id, found in zip(runs, threads.map(lambda run: _of_run(s3, bucket, run), runs), strict=True):
            if found:
                holdings = studies.setdefault(found.study, Holdings())
                holdings.keys |= found.keys
                holdings.without_results |= set() if found.has_results else {run_id}
    return studies


def _of_run(s3: S3Client, bucket: str, run_id: str) -> _RunObjects | None:
    """A run's study, and the keys of the reads that it was given and of the variants that it has called."""
    request = documents.find(s3, RunRequest, _uri(bucket, object_keys.run_document(run_id, "request.json")))
    if request is None:
        return None
    results = documents.find(s3, RunResults, _uri(bucket, object_keys.run_results(run_id)))
    samples = results.samples if results else ()
    called = [each for s in samples for each in (s.vcf, s.vcf_index, s.gvcf, s.gvcf_index) if each]
    keys = (object_keys.parse(each.uri) for each in (*request.artifacts, *called))
    return _RunObjects(request.study, {key for where, key in keys if where == bucket}, results is not None)


def _age(s3: S3Client, bucket: str, folder: str) -> datetime | None:
    """When the youngest file at a run folder's top, or its first BCL, was written.

    None if its BCL are archived, or it has none.
    """
    first = next((found for key, found in _list(s3, bucket, folder) if is_archived_kind(key)), None)
    if first is None or first.is_archived:
        return None
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/")
    return max([first.modified, *(found["LastModified"] for page in pages for found in page.get("Contents", ()))])


def _restores(s3: S3Client, bucket: str, study: str) -> Iterator[datetime]:
    """When each archive of a study was restored."""
    for key, found in _list(s3, bucket, object_keys.study_archives(study)):
        if key.endswith(f"/{object_keys.RESTORED}"):
            yield found.modified


def _list(s3: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, _Seen]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", ()):
            yield found["Key"], _Seen(found["LastModified"], found.get("StorageClass") in ARCHIVE_CLASSES)


def _folders(s3: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    """Names of the folders directly below a prefix."""
    pages: Any = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    for page in pages:
        for found in page.get("CommonPrefixes", ()):
            yield found["Prefix"].removeprefix(prefix).rstrip("/")


def _uri(bucket: str, key: str) -> str:
    return object_keys.uri(bucket, key)
