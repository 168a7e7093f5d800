"""What a container definition means on this machine: its command line, its environment, and where its mounts lie.

There is no namespace around the process. Instead, a path inside the container that is handed to it, as the value of an
environment variable or as an argument, is replaced by the place on this machine that plays it.
"""

import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws import file_systems
from embedded_aws.batch import container_permissions, images
from embedded_aws.context import Context
from embedded_aws.iam import identity

_ISOLATION = str(Path(__file__).with_name("isolation"))


@dataclass(frozen=True)
class Prepared:
    """A command ready to start. `scratch` belongs to this one attempt and is removed by `clean`.

    The directories `read_only` are not its to write to.
    """

    argv: list[str]
    environment: dict[str, str]
    working_directory: Path
    scratch: Path
    read_only: list[Path]

    def clean(self) -> None:
        """Remove what the attempt left on local disk."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def clean(context: Context) -> None:
    """Remove what attempts left on local disk when the instance before this one was killed."""
    shutil.rmtree(context.directory("scratch"), ignore_errors=True)


def prepare(
    context: Context, container: Mapping[str, Any], command: Sequence[str], variables: Mapping[str, str], session: str
) -> Prepared:
    """Make ready what `container` (Batch's container properties) runs.

    `variables` are added to its environment; `session` names the session of its role. UnknownImageError if its image
    is not there; RefusedStartError if its roles may not do what it takes.
    """
    image = images.resolve(container["image"])
    container_permissions.require(context, container, session)
    scratch = context.directory("scratch", uuid.uuid4().hex)
    working_directory = scratch / "work"
    temporary = scratch / "tmp"
    for directory in (working_directory, temporary):
        directory.mkdir()
    places = dict(_mounts(context, container, scratch))
    if str(image.working_directory) != "/":
        places[str(image.working_directory)] = image.directory
    environment = {item["name"]: item["value"] for item in container.get("environment", [])}
    return Prepared(
        argv=[here(word, places) for word in image.argv(tuple(command))],
        environment={
            **{name: here(value, places) for name, value in image.environment.items()},
            **_own_environment(context, container.get("jobRoleArn"), session),
            "HOME": str(working_directory),
            "TMPDIR": str(temporary),
            **python_environment(image.directory),
            **{name: here(value, places) for name, value in environment.items()},
            **variables,
        },
        working_directory=working_directory,
        scratch=scratch,
        read_only=_unwritable(context, container, places, session),
    )


def _unwritable(context: Context, container: Mapping[str, Any], places: Mapping[str, Path], session: str) -> list[Path]:
    """Mounts that the definition has read-only, and file systems to which the role may not write."""
    closed = {
        volume["name"]
        for volume in container.get("volumes") or []
        if volume.get("efsVolumeConfiguration")
        and not container_permissions.may_write(context, container, volume, session)
    }
    return [
        places[mount["containerPath"]]
        for mount in container.get("mountPoints") or []
        if mount.get("readOnly") or mount["sourceVolume"] in closed
    ]


def _own_environment(context: Context, role_arn: str | None, session: str) -> dict[str, str]:
    if not role_arn:
        raise ValueError("the container has no job role, and there is no instance whose role it could use")
    return identity.process_environment(context, role_arn, session)


def python_environment(code: Path) -> dict[str, str]:
    """Variables with which a Python finds `code` and what is installed, but not this repository.

    An image says that nothing is to be compiled into it; here its code is started again and again, so it may be.
    """
    return {"PYTHONPATH": os.pathsep.join([str(code), _ISOLATION]), "PYTHONDONTWRITEBYTECODE": ""}


def here(value: str, places: Mapping[str, Path]) -> str:
    """The path on this machine for a path in the container that is, or lies under, one of `places`; else `value`."""
    for inside in sorted(places, key=len, reverse=True):
        if value == inside or value.startswith(inside.rstrip("/") + "/"):
            return str(places[inside]) + value[len(inside) :].rstrip("/")
    return value


def _mounts(context: Context, container: Mapping[str, Any], scratch: Path) -> Iterable[tuple[str, Path]]:
    volumes = {volume["name"]: volume for volume in container.get("volumes") or []}
    for mount in container.get("mountPoints") or []:
        yield mount["containerPath"], _volume(context, volumes[mount["sourceVolume"]], scratch)
    for number, tmpfs in enumerate((container.get("linuxParameters") or {}).get("tmpfs") or []):
        place = scratch / f"tmpfs-{number}"
        place.mkdir()
        yield tmpfs["containerPath"], place


def _volume(context: Context, volume: Mapping[str, Any], scratch: Path) -> Path:
    if efs := volume.get("efsVolumeConfiguration"):
        root = file_systems.path(context, efs["fileSystemId"])
        place = root / (efs.get("rootDirectory") or "/").strip("/")
    elif on_machine := (volume.get("host") or {}).get("sourcePath"):
        place = context.directory("machine", on_machine.strip("/"))
    else:
        place = scratch / f"volume-{volume['name']}"
    place.mkdir(parents=True, exist_ok=True)
    return place
