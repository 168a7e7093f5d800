"""Loads VCFs into the lake: the ranges of all sources are read apart, the driver commits each that came through."""

from collections.abc import Callable, Iterator, Sequence

from genomics.contracts import object_keys
from genomics.contracts.codec import ContractError, loads
from genomics.contracts.loads import SCHEMA, LoadManifest, LoadRequest, LoadSource
from glue_jobs.execution import alone
from glue_jobs.variants.catalog import Catalog
from glue_jobs.variants.commit import commit, discard, find_manifest, find_measures, publish, put_document
from glue_jobs.variants.compaction import compacted, plan_compaction
from glue_jobs.variants.gathering import gather_tasks
from glue_jobs.variants.hail_engine import load_by_hail
from glue_jobs.variants.measuring import gathered, measure_tasks
from glue_jobs.variants.options import ENGINES, VariantsOptions
from glue_jobs.variants.plans import SourcePlan, make_plan
from glue_jobs.variants.releases import ReleaseError, pin, unpin
from glue_jobs.variants.tasks import Task, TaskResult, joined, run
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.sources import s3_client

# Carries tasks out, wherever and in whatever order; results stand in the order of the tasks.
RunAll = Callable[[Sequence[Task]], list[TaskResult]]


class LoadError(RuntimeError):
    """Some of the sources were not loaded; one line for each. The others were."""


def load(run_all: RunAll, options: VariantsOptions) -> Iterator[str]:
    """Load what the request lists and is not loaded yet, compact what it says; yields a line about each as it is done.

    `run_all` carries out the tasks where there is more to read than the options' `alone_kib`. Raises LoadError at the
    end if a source could not be loaded.
    """
    if options.engine not in ENGINES:
        raise LoadError(f"--engine is {options.engine!r}; expected one of {', '.join(ENGINES)}")
    request = _read_request(options.request)
    catalog = Catalog(options.database)
    plans: list[SourcePlan] = []
    problems: list[str] = []
    for source in request.sources:
        if _is_loaded(run_all, options, source, request.run_id, catalog):
            yield f"{source.dataset}: already loaded from {source.vcf.uri}"
            continue
        try:
            plans.append(
                make_plan(
                    source,
                    run_id=request.run_id,
                    bucket=options.data_lake_bucket,
                    range_bytes=options.range_mib << 20,
                    engine=options.engine,
                )
            )
        except VcfError as error:
            problems.append(f"{source.vcf.uri}: {error}")
    run_tasks = run_all if sum(plan.object.size for plan in plans) > options.alone_kib << 10 else run_alone
    results = iter(run_tasks([task for plan in plans for task in plan.tasks()]))
    for plan in plans:
        checksum = next(results)
        parts = [next(results) for _ in plan.parts]
        try:
            if plan.engine == "hail":
                parts = load_by_hail(plan, range_mib=options.range_mib)
            manifest = _finish(run_tasks, plan, checksum, parts, catalog)
            _measure(run_tasks, options, manifest, request.run_id, catalog)
            yield _line(manifest)
        except VcfError as error:
            problems.append(f"{plan.source.vcf.uri}: {error}")
    for dataset in request.compact:
        yield _compact(run_all, options, dataset, catalog)
    yield from _release(options, request, problems, catalog)
    if problems:
        raise LoadError("\n".join(problems))


def _is_loaded(run_all: RunAll, options: VariantsOptions, source: LoadSource, run_id: str, catalog: Catalog) -> bool:
    """Whether the lake has the source's rows. What a load that was killed had still to do is done."""
    manifest = find_manifest(options.data_lake_bucket, source.dataset)
    wanted = (SCHEMA, options.engine, source.vcf.sha256)
    if manifest is None or (manifest.schema, manifest.engine, manifest.source.sha256) != wanted:
        return False
    publish(options.data_lake_bucket, manifest, catalog=catalog)
    if find_measures(options.data_lake_bucket, manifest) is None:
        is_small = manifest.source.size <= options.alone_kib << 10
        _measure(run_alone if is_small else run_all, options, manifest, run_id, catalog)
    return True


def _release(options: VariantsOptions, request: LoadRequest, problems: list[str], catalog: Catalog) -> Iterator[str]:
    """Pin and unpin what the request says; what cannot be pinned goes to `problems`."""
    for dataset in request.pin:
        try:
            yield pin(options.data_lake_bucket, request.release, dataset, catalog=catalog)
        except ReleaseError as error:
            problems.append(str(error))
    for dataset in request.unpin:
        yield unpin(options.data_lake_bucket, request.release, dataset, catalog=catalog)


def _finish(
    run_all: RunAll, plan: SourcePlan, checksum: TaskResult, parts: list[TaskResult], catalog: Catalog
) -> LoadManifest:
    if len(parts) > 1 and not joined(parts):
        # Something in the data passed for a block: read the file from its beginning, where nothing can be mistaken.
        discard(plan, parts)
        plan = plan.whole()
        parts = run_all(list(plan.range_tasks()))
    problem = next((result.problem for result in (checksum, *parts) if result.problem), None)
    if problem is None and checksum.sha256 != plan.source.vcf.sha256:
        problem = f"its SHA-256 is {checksum.sha256}, the request says {plan.source.vcf.sha256}; upload it again"
    if problem:
        discard(plan, parts)
        raise VcfError(problem)
    tasks = gather_tasks(plan.destination, [staged for part in parts for staged in part.staged])
    gathered = run_all(tasks) if tasks else []
    return commit(plan, [*parts, *gathered], catalog=catalog)


def _measure(run_all: RunAll, options: VariantsOptions, manifest: LoadManifest, run_id: str, catalog: Catalog) -> None:
    """Read the load back, as queries will, and write down what its checks need."""
    bucket = options.data_lake_bucket
    tasks = measure_tasks(bucket, manifest)
    results = run_all(tasks) if tasks else []
    measured = (each for result in results for each in result.measured)
    measures = gathered(bucket, manifest, measured, catalog=catalog, run_id=run_id)
    put_document(bucket, object_keys.load_measures(manifest.dataset), measures)


def _compact(run_all: RunAll, options: VariantsOptions, dataset: str, catalog: Catalog) -> str:
    """Make few files of a dataset's many; a line about it."""
    bucket = options.data_lake_bucket
    manifest = find_manifest(bucket, dataset)
    if manifest is None or manifest.schema != SCHEMA:
        state = "is not loaded" if manifest is None else "was loaded into an older layout"
        return f"{dataset}: {state}; load it, then compact it"
    tasks = plan_compaction(bucket, manifest)
    if not tasks:
        return f"{dataset}: has no small files to compact"
    run_tasks = run_all if sum(task.size for task in tasks) > options.alone_kib << 10 else run_alone
    run_tasks(tasks)
    publish(bucket, compacted(manifest, tasks), catalog=catalog)
    return f"{dataset}: compacted {sum(len(task.keys) for task in tasks):,} files to {len(tasks):,}"


def run_alone(tasks: Sequence[Task]) -> list[TaskResult]:
    """Carry out tasks in this process."""
    return alone(run, tasks)


def _read_request(uri: str) -> LoadRequest:
    bucket, key = object_keys.parse(uri)
    s3 = s3_client()
    try:
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        request = loads(LoadRequest, text)
    except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket) as error:
        raise LoadError(f"{uri}: there is no such request") from error
    except ContractError as error:
        raise LoadError(f"{uri}: {error}") from error
    datasets = [source.dataset for source in request.sources]
    if twice := [name for name in datasets if datasets.count(name) > 1]:
        raise LoadError(f"{uri}: dataset {twice[0]} is asked for twice; load one source of it")
    return request


def _line(manifest: LoadManifest) -> str:
    rows = ", ".join(f"{count:,} {table}" for table, count in manifest.rows.items())
    return f"{manifest.dataset}: loaded {rows} from {manifest.source.uri}"
