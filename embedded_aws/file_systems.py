"""EFS: where file systems lie on this machine, under ids that are the same in every life of an instance."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from moto.efs.models import FileSystem

from embedded_aws.context import Context
from embedded_aws.guard import Patch

_CREATE = Patch("moto.efs.models:EFSBackend.create_file_system", "7873e7f0bb87cc05")
_DELETE = Patch("moto.efs.models:EFSBackend.delete_file_system", "92cd90a19d87e516")
PATCHES = (_CREATE, _DELETE)


def install(context: Context) -> None:
    """Give a file system the id that its creation token stands for; a deployment's are made of stack and logical id."""

    def create(backend: Any, creation_token: str, *rest: Any, **named: Any) -> FileSystem:
        made: FileSystem = original_create(backend, creation_token, *rest, **named)
        _rename(backend, made, stable_id(context, creation_token))
        return made

    def delete(backend: Any, file_system_id: str) -> None:
        original_delete(backend, file_system_id)
        shutil.rmtree(path(context, file_system_id), ignore_errors=True)

    original_create: Any = _CREATE.apply(create)
    original_delete: Any = _DELETE.apply(delete)


def path(context: Context, file_system_id: str) -> Path:
    """The directory that plays the EFS file system `file_system_id`.

    It outlives the instance: the same stack finds it again, until the file system is deleted.
    """
    return context.directory("file-systems", file_system_id)


def stable_id(context: Context, creation_token: str) -> str:
    """`fs-` and 17 hexadecimal digits, as EFS has it."""
    digest = hashlib.sha256(f"{context.account}/{context.region}/{creation_token}".encode()).hexdigest()
    return f"fs-{digest[:17]}"


def _rename(backend: Any, made: FileSystem, identifier: str) -> None:
    given = made.file_system_id
    tags = backend.list_tags_for_resource(given)
    backend.tagging_service.delete_all_tags_for_resource(given)
    backend.tagging_service.tag_resource(identifier, tags)
    backend.file_systems_by_id[identifier] = backend.file_systems_by_id.pop(given)
    made.file_system_arn = made.file_system_arn.removesuffix(given) + identifier
    made.file_system_id = identifier
