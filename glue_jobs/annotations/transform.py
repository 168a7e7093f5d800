"""Loads a release of an annotation: fetched and checked, read by ranges, committed."""

from collections.abc import Callable, Sequence

from genomics.contracts import object_keys
from genomics.contracts.annotations import AnnotationError, AnnotationRequest
from genomics.contracts.codec import ContractError, loads
from genomics.contracts.tables import REJECTS
from glue_jobs.annotations.catalog import AnnotationCatalog
from glue_jobs.annotations.commit import commit, find_manifest, sweep
from glue_jobs.annotations.fetching import expected_md5, fetch
from glue_jobs.annotations.options import AnnotationsOptions
from glue_jobs.annotations.plans import ReleasePlan, find_subject, make_plan
from glue_jobs.annotations.tasks import RangeTask, run_alone
from glue_jobs.variants.commit import delete
from glue_jobs.variants.tasks import TaskResult, joined
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.sources import s3_client

# Carries tasks out, wherever and in whatever order; results stand in the order of the tasks.
RunAll = Callable[[list[RangeTask]], list[TaskResult]]


def load(run_all: RunAll, options: AnnotationsOptions) -> str:
    """Load what the request asks for, unless it is loaded already; returns a line that says what was done.

    `run_all` carries out the tasks where there is more to read than the options' `alone_kib`. AnnotationError says why
    the release cannot be loaded.
    """
    bucket, request = options.data_lake_bucket, _read_request(options.request)
    subject, md5 = find_subject(request), expected_md5(request.source, request.md5)
    manifest = find_manifest(bucket, subject)
    if manifest and (manifest.md5, manifest.recipe) == (md5, subject.recipe):
        sweep(bucket, subject, manifest)
        return f"{subject.name}: already loaded from {manifest.origin}"
    catalog, source = AnnotationCatalog(options.database, bucket), fetch(request, md5, bucket)
    try:
        plan = make_plan(subject, source, run_id=request.run_id, bucket=bucket, range_bytes=options.range_mib << 20)
        if subject.is_declared:
            catalog.define(subject.table)
        plan, results = _read(plan, run_alone if source.size <= options.alone_kib << 10 else run_all)
    except VcfError as error:
        raise AnnotationError(f"{request.source}: {error}") from error
    manifest = commit(plan, results, origin=request.source, md5=md5, catalog=catalog)
    return f"{subject.name}: loaded {manifest.rows:,} rows, {manifest.rejects:,} rejects from {manifest.origin}"


def _read(plan: ReleasePlan, run_all: RunAll) -> tuple[ReleasePlan, list[TaskResult]]:
    """Carry the plan out, or one that reads the whole file in one range; VcfError if it cannot be loaded."""
    results = run_all(list(plan.tasks()))
    if len(results) > 1 and not joined(results):
        # Something in the data passed for a block: read the file from its beginning, where nothing can be mistaken.
        _discard(plan, results)
        plan = plan.whole()
        results = run_all(list(plan.tasks()))
    problem = next((result.problem for result in results if result.problem), None)
    if problem is None and not any(result.rows[plan.subject.table.name] for result in results):
        rejects = sum(result.rows[REJECTS.name] for result in results)
        problem = f"holds no row that can be loaded, {rejects:,} were rejected"
    if problem:
        _discard(plan, results)
        raise VcfError(problem)
    return plan, results


def _read_request(uri: str) -> AnnotationRequest:
    bucket, key = object_keys.parse(uri)
    s3 = s3_client()
    try:
        return loads(AnnotationRequest, s3.get_object(Bucket=bucket, Key=key)["Body"].read(), where="request")
    except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket) as error:
        raise AnnotationError(f"{uri}: there is no such request") from error
    except ContractError as error:
        raise AnnotationError(f"{uri}: {error}") from error


def _discard(plan: ReleasePlan, results: Sequence[TaskResult]) -> None:
    delete(plan.bucket, {file.key for result in results for file in result.files})
