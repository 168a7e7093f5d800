"""What AWS's own resource schemas say of each type, as cfn-lint brings them along with its repairs."""

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_REGION = "us-east-1"


class SchemaError(RuntimeError):
    """The installed cfn-lint does not keep its schemas where this module looks for them."""


@functools.cache
def schema(kind: str) -> Mapping[str, Any] | None:
    """The schema of a type; None where AWS has none, as for custom resources."""
    name = _index().get(kind)
    if name is None:
        return None
    read: Mapping[str, Any] = _read(_directory() / "resources" / f"{name}.json")
    return read


@functools.cache
def create_only(kind: str) -> tuple[tuple[str, ...], ...]:
    """Paths of the properties whose change needs a new resource ("Update requires: Replacement")."""
    return tuple(_path(pointer) for pointer in (schema(kind) or {}).get("createOnlyProperties", ()))


@functools.cache
def conditionally_create_only(kind: str) -> tuple[tuple[str, ...], ...]:
    """Paths of the properties of which some changes need a new resource."""
    return tuple(_path(pointer) for pointer in (schema(kind) or {}).get("conditionalCreateOnlyProperties", ()))


def name_property(kind: str) -> str | None:
    """The property by which a template may name a resource of this type itself, among all of the account's."""
    short = kind.rpartition("::")[2]
    names = [name for name in ("Name", f"{short}Name") if (name,) in create_only(kind)]
    return names[0] if names else None


def differ(before: Any, after: Any, path: tuple[str, ...]) -> bool:
    """Whether two resources' properties differ at a path."""
    return bool(_at(before, path) != _at(after, path))


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for number, name in enumerate(path):
        if isinstance(value, list):
            return [_at(item, path[number + (name == "*") :]) for item in value]
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _path(pointer: str) -> tuple[str, ...]:
    return tuple(pointer.removeprefix("/properties/").split("/"))


@functools.cache
def _directory() -> Path:
    found = importlib.util.find_spec("cfnlint")
    if found is None or found.origin is None:
        raise SchemaError("cfn-lint, whose resource schemas are needed, is not installed")
    return Path(found.origin).parent / "data" / "schemas"


@functools.cache
def _index() -> Mapping[str, str]:
    read: Mapping[str, str] = _read(_directory() / "providers" / f"{_REGION}.json")
    return read


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise SchemaError(f"cfn-lint no longer has its resource schemas at {path}") from error
