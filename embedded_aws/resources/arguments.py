"""From a resource's properties to the arguments of an API call, after the API's own model of its input.

CloudFormation and the APIs name the same things alike but for case, and give numbers and JSON documents as text or as
values. A property that the API does not know is an error: none is lost without a word.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.core.utils import get_service_model

from embedded_aws.resources.resource_type import ResourceError


def arguments(service: str, operation: str, properties: Mapping[str, Any], *, resource_type: str) -> dict[str, Any]:
    """Arguments for `operation` (in PascalCase) made of `properties`. A property without a place in it is an error."""
    shape = input_shape(service, operation)
    unknown: list[str] = []
    converted = _convert(properties, shape, "", unknown)
    if unknown:
        names = ", ".join(unknown)
        raise ResourceError(
            f"{resource_type}: no place for {names} in {service}:{operation}; the table must say what becomes of it"
        )
    return dict(converted)


@functools.cache
def input_shape(service: str, operation: str) -> Shape:
    """The model of an operation's input."""
    shape: Shape | None = get_service_model(service).operation_model(operation).input_shape
    assert shape is not None  # noqa: S101 every operation that makes something takes arguments
    return shape


def _convert(value: Any, shape: Shape, path: str, unknown: list[str]) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(value, shape, path, unknown)
    if isinstance(shape, ListShape):
        items = _pairs(value, shape) if isinstance(value, Mapping) else value
        items = items if isinstance(items, list) else [items]
        return [_convert(item, shape.member, f"{path}[]", unknown) for item in items]
    if isinstance(shape, MapShape):
        entries = _mapping(value) if isinstance(value, list) else value
        return {str(key): _convert(item, shape.value, f"{path}.{key}", unknown) for key, item in entries.items()}
    return _scalar(value, shape.type_name)


def _structure(value: Mapping[str, Any], shape: StructureShape, path: str, unknown: list[str]) -> dict[str, Any]:
    if isinstance(value, str):
        value = json.loads(value)
    members = _members(shape)
    converted = {}
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        member = name if name in shape.members else members.get(name.lower())
        if member is None:
            unknown.append(where)
        else:
            converted[member] = _convert(item, shape.members[member], where, unknown)
    return converted


@functools.lru_cache(maxsize=4096)
def _members(shape: StructureShape) -> dict[str, str]:
    return {member.lower(): member for member in shape.members}


def _pairs(value: Mapping[str, Any], shape: ListShape) -> list[dict[str, Any]]:
    # Tags: a map in some templates where the API takes a list of keys and values.
    members = getattr(shape.member, "members", {})
    if len(members) == 2:  # noqa: SIM102
        if names := [name for name in members if name.lower().endswith("key")]:
            (other,) = [name for name in members if name != names[0]]
            return [{names[0]: key, other: item} for key, item in value.items()]
    return [dict(value)]


def _mapping(value: list[Any]) -> dict[str, Any]:
    # And the other way round.
    return {item.get("Key", item.get("key")): item.get("Value", item.get("value")) for item in value}


def _scalar(value: Any, kind: str) -> Any:
    match kind:
        case "string":
            if isinstance(value, bool):
                return "true" if value else "false"
            return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping | list) else str(value)
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "blob":
            return value.encode() if isinstance(value, str) else value
        case _:
            return value
