"""Releases of datasets: pinning what is loaded under a name, and taking it out again."""

from dataclasses import dataclass

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.loads import LoadRequest
from genomics_cli.cloud import Platform
from genomics_cli.datasets import loaded_datasets
from genomics_cli.errors import UserError
from genomics_cli.lake_jobs import run_job
from genomics_cli.submission import new_run_id


@dataclass(frozen=True)
class Release:
    """Datasets that a release now has, or that were taken out of it."""

    name: str
    datasets: tuple[str, ...]


def make_release(platform: Platform, name: str, datasets: tuple[str, ...]) -> Release:
    """Pin these datasets, all where none is named, as they are now, and wait. UserError names what cannot be."""
    known = loaded_datasets(platform)
    if missing := [dataset for dataset in datasets if dataset not in known]:
        raise UserError(f"{missing[0]}: nothing is loaded under this name; datasets are called <study>/<sample>")
    wanted = datasets or tuple(sorted(known))
    if not wanted:
        raise UserError("nothing is loaded that a release could be made of")
    return _ask(platform, Release(name, wanted), pin=wanted)


def drop_from_release(platform: Platform, name: str, datasets: tuple[str, ...]) -> Release:
    """Take these datasets out of a release, and wait; files that nothing else needs are removed."""
    if not datasets:
        raise UserError("name the datasets that are to leave the release")
    return _ask(platform, Release(name, datasets), unpin=datasets)


def _ask(platform: Platform, release: Release, **what: tuple[str, ...]) -> Release:
    run_id, bucket = new_run_id(), platform.deployment.data_lake_bucket
    try:
        request = LoadRequest(run_id, (), release=release.name, **what)
    except ValueError as error:
        raise UserError(str(error)) from error
    key = object_keys.load_request(run_id)
    platform.cloud.s3.put_object(Bucket=bucket, Key=key, Body=dumps(request).encode())
    run_job(platform, platform.deployment.variants_job, object_keys.uri(bucket, key), name="variants")
    return release
