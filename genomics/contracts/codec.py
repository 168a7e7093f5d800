"""JSON for the frozen dataclasses that cross a boundary: one encoding, checked when read."""

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class ContractError(ValueError):
    """A document does not have the shape its reader expects; the message names the field."""


def to_dict(value: Any) -> Any:
    """Plain JSON types for a dataclass, recursively. Fields that are None are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_dict(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) is not None
        }
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_dict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_dict(item) for item in value]
    return value


def from_dict(kind: type[T], value: Any, *, where: str = "") -> T:
    """Build `kind` from plain JSON types. Unknown, missing and mistyped fields raise ContractError."""
    return typing.cast("T", _decode(kind, value, where or kind.__name__))


def dumps(value: Any) -> str:
    """Canonical JSON text: sorted keys, no spaces. Equal values have equal text, so it can be hashed."""
    return json.dumps(to_dict(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def loads(kind: type[T], text: str | bytes, *, where: str = "") -> T:
    """Read `kind` from JSON text."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ContractError(f"{where or kind.__name__}: not JSON ({error})") from error
    return from_dict(kind, document, where=where)


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _decode_union([a for a in arguments if a is not type(None)], value, where)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(typing.cast("type[Any]", kind), value, where)
    if origin is tuple:
        _expect(isinstance(value, list), where, "a list", value)
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        _expect(isinstance(value, dict), where, "an object", value)
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            _expect(False, where, "one of " + ", ".join(str(m.value) for m in kind), value)
    if kind is float:
        _expect(isinstance(value, int | float) and not isinstance(value, bool), where, "a number", value)
        return float(value)
    if kind in (int, str, bool):
        _expect(type(value) is kind, where, kind.__name__, value)
        return value
    raise TypeError(f"{where}: {kind!r} has no JSON form")


def _decode_union(kinds: list[Any], value: Any, where: str) -> Any:
    # Order matters to JSON only between bool, int and float; an exact type match wins.
    for kind in kinds:
        if type(value) is kind:
            return value
    errors = []
    for kind in kinds:
        try:
            return _decode(kind, value, where)
        except ContractError as error:
            errors.append(error)
    raise errors[0]


def _decode_dataclass(kind: type[Any], value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), where, "an object", value)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(set(value) - set(fields)):
        raise ContractError(f"{where}: unknown field {unknown[0]!r}")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise ContractError(f"{where}: missing field {name!r}")
    try:
        return kind(**{name: _decode(hints[name], item, f"{where}.{name}") for name, item in value.items()})
    except ContractError:
        raise
    except ValueError as error:
        raise ContractError(f"{where}: {error}") from error


def _expect(condition: bool, where: str, wanted: str, value: Any) -> None:
    if not condition:
        raise ContractError(f"{where}: expected {wanted}, found {value!r}")
