"""Deploys a cloud assembly (cdk.out) as `cdk deploy` would: assets first, then the stacks in the order they need."""

import json
import re
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation.exceptions import ValidationError

from embedded_aws import clients
from embedded_aws.batch import images
from embedded_aws.cloudformation import bootstrap
from embedded_aws.cloudformation.bootstrap import filled
from embedded_aws.cloudformation.cloud_assembly import Assembly, DeploymentError, Stack
from embedded_aws.cloudformation.kept_stacks import KeptStack
from embedded_aws.cloudformation.service import NOTHING_TO_DO, Stacks
from embedded_aws.cloudformation.stack_operations import Revision
from embedded_aws.cloudformation.stack_resources import ResourceFailedError, unknown_types
from embedded_aws.context import Context
from embedded_aws.resources import TABLE

# The same bytes for the same files: no time of day in an archive.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
# What never was a whole stack is deleted and made anew, as the CDK does it.
_UNMADE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")

Progress = Callable[[str], None]


def restore(context: Context, kept: Iterable[KeptStack], progress: Progress) -> None:
    """Make stacks again as they were in the instance's last life, in the order in which they are given.

    What stateful services still have of them is adopted as it is. Raises DeploymentError.
    """
    stacks = Stacks(context)
    for stack in kept:
        progress(f"{stack.name}: again")
        try:
            stacks.restore(stack)
        except (ResourceFailedError, ValidationError) as error:
            raise DeploymentError(f"{stack.name} cannot be made again as it was: {_line(str(error))}") from error


def find_image_sources(context: Context) -> None:
    """Let images that nobody builds here be played by their sources, which `cdk deploy` publishes as file assets."""
    lock = threading.Lock()

    def sources(tag: str) -> Path | None:
        if not re.fullmatch(r"[0-9a-f]{64}", tag):
            return None
        folder = context.data / "image-sources" / tag
        with lock:
            if not folder.is_dir() and not _unpack(bootstrap.bucket(context), f"{tag}.zip", folder):
                return None
        return folder

    images.look_in(sources)


def _unpack(bucket: str, key: str, folder: Path) -> bool:
    try:
        body = clients.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return False
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with zipfile.ZipFile(BytesIO(body)) as archive:
        archive.extractall(unfinished)
    unfinished.rename(folder)
    return True


def get_ready(context: Context) -> None:
    """Do what needs no assembly: `cdk bootstrap` in the first place. Raises DeploymentError."""
    for service in {row.service for row in TABLE.values() if row.service}:
        clients.client(service)
    find_image_sources(context)
    toolkit = bootstrap.template()
    _bring(Stacks(context), bootstrap.STACK_NAME, Revision(json.dumps(toolkit), toolkit, {}, {}))


def deploy(context: Context, assembly: Assembly, progress: Progress) -> None:
    """Create or update every stack, once all is ready for it; one that is as the assembly has it is left alone.

    Raises DeploymentError, before anything is made if a template holds an unknown type.
    """
    if unknown := unknown_types(assembly.templates()):
        raise DeploymentError(unknown)
    stacks = Stacks(context)
    present = _uploaded(context)
    for stack in assembly.stacks:
        progress(f"{stack.name}: assets")
        for asset_id, asset in stack.assets.get("files", {}).items():
            _upload(context, assembly.directory, asset_id, asset, present)
        for asset in stack.assets.get("dockerImages", {}).values():
            _register(context, assembly.directory, asset)
        progress(stack.name)
        _bring(stacks, stack.name, _revision(stack), protected=stack.termination_protection)


def _revision(stack: Stack) -> Revision:
    text = stack.template.read_text()
    return Revision(text, json.loads(text), stack.parameters, stack.tags)


def _bring(stacks: Stacks, name: str, revision: Revision, *, protected: bool = False) -> None:
    """Make a stack what `revision` says, whatever it is now."""
    present = stacks.get(name)
    if present is not None and present.status in _UNMADE:
        stacks.protect(name, protected=False)
        stacks.delete(name)
        present = None
    try:
        made = stacks.create(name, revision, protected=protected) if present is None else stacks.update(name, revision)
    except ValidationError as error:
        if error.message != NOTHING_TO_DO:
            raise DeploymentError(f"{name}: {_line(error.message)}") from error
        return
    if made.status not in _GOOD:
        raise DeploymentError(f"{name}: {_line(stacks.why_failed(made))}")


def _line(text: str) -> str:
    return " ".join(text.split())


def _uploaded(context: Context) -> set[str]:
    """Keys of the assets that are there."""
    pages = clients.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bootstrap.bucket(context))
    return {entry["Key"] for page in pages for entry in page.get("Contents", ())}


def _upload(
    context: Context, directory: Path, asset_id: str, asset: Mapping[str, Any], present: Collection[str]
) -> None:
    """Put a file asset where its manifest says, unless it is there: assets are named after what they hold."""
    source = asset["source"]
    if "path" not in source:
        raise DeploymentError(f"asset {asset_id} is made by a command, which the embedded AWS does not run")
    path, s3 = directory / source["path"], clients.client("s3")
    for destination in asset["destinations"].values():
        bucket, key = filled(context, destination["bucketName"]), destination["objectKey"]
        if bucket == bootstrap.bucket(context) and key in present:
            continue
        body = zipped(path) if source["packaging"] == "zip" else path.read_bytes()
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def zipped(directory: Path) -> bytes:
    """The directory as a zip archive; equal files give equal bytes. Symbolic links are followed.

    Nothing is compressed: it goes no further than this machine, and a start would wait for it.
    """
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in _files(directory):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), date_time=_ZIP_TIME)
            entry.external_attr = (stat.S_IFREG | (path.stat().st_mode & 0o777)) << 16
            archive.writestr(entry, path.read_bytes())
    return target.getvalue()


def _files(directory: Path) -> Iterator[Path]:
    """All of an asset; what Python has compiled since it was made is no part of it."""
    return (path for path in sorted(directory.rglob("*")) if path.is_file() and path.suffix != ".pyc")


def _register(context: Context, directory: Path, asset: Mapping[str, Any]) -> None:
    source = asset["source"]
    if "directory" not in source:
        raise DeploymentError("an image asset is made by a command, which the embedded AWS does not run")
    folder = directory / source["directory"]
    for destination in asset["destinations"].values():
        repository = filled(context, destination["repositoryName"])
        registry = f"{context.account}.dkr.ecr.{context.region}.amazonaws.com"
        uri = f"{registry}/{repository}:{destination['imageTag']}"
        images.register(uri, folder, folder / source.get("dockerFile", "Dockerfile"))
