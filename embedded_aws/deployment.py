"""Deploys a cloud assembly (cdk.out) as `cdk deploy` would: assets first, then the stacks in the order they need."""

import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from embedded_aws import clients, images
from embedded_aws.cloud_assembly import Assembly, DeploymentError, Stack
from embedded_aws.context import Context
from embedded_aws.stack_resources import unknown_types

_BOOTSTRAP_VERSION = "30"
_ENVIRONMENT = ("${AWS::AccountId}", "${AWS::Region}", "${AWS::Partition}")
# The same bytes for the same files: no time of day in an archive.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)

Progress = Callable[[str], None]


def deploy(context: Context, assembly: Assembly, progress: Progress) -> None:
    """Deploy every stack. Raises DeploymentError before anything is made if a template holds an unknown type."""
    if unknown := unknown_types(assembly.templates()):
        raise DeploymentError(unknown)
    _bootstrap(context, assembly)
    for stack in assembly.stacks:
        progress(f"{stack.name}: assets")
        for asset_id, asset in stack.assets.get("files", {}).items():
            _upload(context, assembly.directory, asset_id, asset)
        for asset in stack.assets.get("dockerImages", {}).values():
            _register(context, assembly.directory, asset)
        progress(stack.name)
        _create(stack)


def _bootstrap(context: Context, assembly: Assembly) -> None:
    """What `cdk bootstrap` leaves: the buckets that assets go to, and the version that templates check."""
    buckets = {
        _filled(context, destination["bucketName"])
        for stack in assembly.stacks
        for asset in stack.assets.get("files", {}).values()
        for destination in asset["destinations"].values()
    }
    s3 = clients.client("s3")
    for bucket in sorted(buckets):
        s3.create_bucket(Bucket=bucket)
    parameters = {
        declared["Default"]
        for template in assembly.templates().values()
        for name, declared in template.get("Parameters", {}).items()
        if name == "BootstrapVersion"
    }
    for parameter in sorted(parameters):
        clients.client("ssm").put_parameter(Name=parameter, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True)


def _upload(context: Context, directory: Path, asset_id: str, asset: Mapping[str, Any]) -> None:
    source = asset["source"]
    if "path" not in source:
        raise DeploymentError(f"asset {asset_id} is made by a command, which the embedded AWS does not run")
    path = directory / source["path"]
    for destination in asset["destinations"].values():
        body = zipped(path) if source["packaging"] == "zip" else path.read_bytes()
        bucket = _filled(context, destination["bucketName"])
        clients.client("s3").put_object(Bucket=bucket, Key=destination["objectKey"], Body=body)


def zipped(directory: Path) -> bytes:
    """The directory as a zip archive; equal files give equal bytes. Symbolic links are followed."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _files(directory):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), date_time=_ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | (path.stat().st_mode & 0o777)) << 16
            archive.writestr(entry, path.read_bytes())
    return target.getvalue()


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in sorted(directory.rglob("*")) if path.is_file())


def _register(context: Context, directory: Path, asset: Mapping[str, Any]) -> None:
    source = asset["source"]
    if "directory" not in source:
        raise DeploymentError("an image asset is made by a command, which the embedded AWS does not run")
    folder = directory / source["directory"]
    for destination in asset["destinations"].values():
        repository = _filled(context, destination["repositoryName"])
        registry = f"{context.account}.dkr.ecr.{context.region}.amazonaws.com"
        uri = f"{registry}/{repository}:{destination['imageTag']}"
        images.register(uri, folder, folder / source.get("dockerFile", "Dockerfile"))


def _filled(context: Context, text: str) -> str:
    for placeholder, value in zip(_ENVIRONMENT, (context.account, context.region, context.partition), strict=True):
        text = text.replace(placeholder, value)
    return text


def _create(stack: Stack) -> None:
    cloudformation = clients.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack.name,
        TemplateBody=stack.template.read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in stack.tags.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    (described,) = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
    if described["StackStatus"] != "CREATE_COMPLETE":
        reason = described.get("StackStatusReason", described["StackStatus"])
        raise DeploymentError(" ".join(reason.split()))
