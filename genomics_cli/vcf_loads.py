"""Having the lake load VCFs that a lab has already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import LoadRequest, LoadSource, dataset
from genomics.contracts.runs import Artifact
from genomics.contracts.samples import NAME_RULE, is_name
from genomics.contracts.tables import TABLES
from genomics_cli.cloud import Platform
from genomics_cli.datasets import loaded_datasets
from genomics_cli.errors import UserError
from genomics_cli.inputs.fastq_files import inspect_file
from genomics_cli.lake_jobs import check_loads, run_job
from genomics_cli.submission import new_run_id

# The longest first: a name loses one of them.
_SUFFIXES = (".vcf.bgz", ".vcf.gz", ".vcf", ".bcf")


@dataclass(frozen=True)
class LoadedFile:
    """A file's dataset, which is loaded: its rows by table, and whether it was loaded now or had been."""

    file: str
    dataset: str
    rows: Mapping[str, int]
    is_new: bool


@dataclass(frozen=True)
class Loads:
    """What came of some files: those that are in the lake, and a line about each that is not.

    `doubts` says what the checks of what was loaded now have found, in one line.
    """

    loaded: tuple[LoadedFile, ...]
    problems: tuple[str, ...]
    doubts: str


def load_vcfs(platform: Platform, files: Sequence[Path], *, study: str, uploading: Callable[[str, int], None]) -> Loads:
    """Load each file as `<study>/<its name>`, and wait. UserError says what cannot be asked for at all.

    `uploading` is told the path and the bytes of each file that is not in the lake's bucket yet.
    """
    datasets = _datasets(files, study)
    uploaded = {name: _upload(platform, path, uploading) for name, path in datasets.items()}
    sources = tuple(LoadSource(name, vcf) for name, vcf in uploaded.items())
    run_id, problem = new_run_id(), ""
    try:
        request = _put(platform, LoadRequest(run_id, sources))
        run_job(platform, platform.deployment.variants_job, request, name="variants")
    except UserError as error:
        problem = str(error)
    for name, vcf in uploaded.items():
        # They know the file by its path.
        problem = problem.replace(vcf.uri, str(datasets[name]))
    held = loaded_datasets(platform)
    loaded = tuple(
        LoadedFile(str(datasets[name]), name, _by_table(held[name].rows), held[name].run_id == run_id)
        for name, vcf in uploaded.items()
        if name in held and held[name].source.sha256 == vcf.sha256
    )
    new = {each.dataset for each in loaded if each.is_new}
    checked = LoadRequest(f"{run_id}-loaded", tuple(source for source in sources if source.dataset in new))
    doubts = check_loads(platform, _put(platform, checked)) if new else ""
    return Loads(loaded, tuple(line for line in problem.splitlines() if line), doubts)


def _put(platform: Platform, request: LoadRequest) -> str:
    """Where it is put."""
    bucket, key = platform.deployment.data_lake_bucket, object_keys.load_request(request.run_id)
    platform.cloud.s3.put_object(Bucket=bucket, Key=key, Body=dumps(request).encode())
    return object_keys.uri(bucket, key)


def _by_table(rows: Mapping[str, int]) -> dict[str, int]:
    return {table.name: rows[table.name] for table in TABLES if table.name in rows}


def _datasets(files: Sequence[Path], study: str) -> dict[str, Path]:
    if not is_name(study):
        raise UserError(f"--study {study!r}: {NAME_RULE}")
    found: dict[str, Path] = {}
    for path in files:
        suffix = next((each for each in _SUFFIXES if path.name.endswith(each)), None)
        if suffix is None:
            raise UserError(f"{path}: is no VCF or BCF by its name; it should end in one of {', '.join(_SUFFIXES)}")
        name = path.name.removesuffix(suffix)
        if not is_name(name):
            raise UserError(f"{path}: {name!r} would name the dataset, which {NAME_RULE}; rename the file")
        if other := found.get(dataset(study, name)):
            raise UserError(f"{path}: would be the dataset {dataset(study, name)}, as {other} is; rename one of them")
        found[dataset(study, name)] = path
    return found


def _upload(platform: Platform, path: Path, uploading: Callable[[str, int], None]) -> Artifact:
    facts = inspect_file(path)
    s3, bucket = platform.cloud.s3, platform.deployment.data_lake_bucket
    key = object_keys.load_file(facts.sha256, path.name)
    there = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    if [entry["Size"] for entry in there] != [facts.size]:
        uploading(str(path), facts.size)
        s3.upload_file(str(path), bucket, key)
    return Artifact(object_keys.uri(bucket, key), facts.sha256, facts.size)
