"""Having the lake make few large files of a dataset's many small ones."""

from dataclasses import dataclass

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import LoadManifest, LoadRequest
from genomics_cli.cloud import Platform
from genomics_cli.datasets import loaded_datasets
from genomics_cli.errors import UserError
from genomics_cli.lake_jobs import run_job
from genomics_cli.submission import new_run_id


@dataclass(frozen=True)
class Compacted:
    """How many files of Parquet a dataset had, and has."""

    dataset: str
    files_before: int
    files_after: int


def compact(platform: Platform, datasets: tuple[str, ...]) -> list[Compacted]:
    """Have these datasets compacted, all where none is named, and wait. UserError names one that is not there."""
    before = {name: _files(manifest) for name, manifest in loaded_datasets(platform).items()}
    if missing := [name for name in datasets if name not in before]:
        raise UserError(f"{missing[0]}: nothing is loaded under this name; datasets are called <study>/<sample>")
    wanted = datasets or tuple(sorted(before))
    if not wanted:
        return []
    run_id, bucket = new_run_id(), platform.deployment.data_lake_bucket
    key = object_keys.load_request(run_id)
    platform.cloud.s3.put_object(Bucket=bucket, Key=key, Body=dumps(LoadRequest(run_id, (), wanted)).encode())
    run_job(platform, platform.deployment.variants_job, object_keys.uri(bucket, key), name="variants")
    after = loaded_datasets(platform)
    return [Compacted(name, before[name], _files(after[name])) for name in wanted]


def _files(manifest: LoadManifest) -> int:
    return sum(len(keys) for keys in manifest.files.values())
