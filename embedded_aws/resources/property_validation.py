"""What is wrong with a resource's properties, after the type's schema, in the words of CloudFormation's own validator.

Numbers and booleans may be written as text, as CloudFormation allows. A value that is not known yet (UNRESOLVED) may be
anything.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embedded_aws.resources.name_rules import NAME_RULES
from embedded_aws.resources.schemas import schema

UNRESOLVED = object()

_Schema = Mapping[str, Any]


def violations(kind: str, properties: Mapping[str, Any]) -> list[str]:
    """Each as `#/Path: what is wrong`; none for types without a schema."""
    found = schema(kind)
    if found is None:
        return []
    said = _Check(found).violations(properties)
    places = {line.partition(":")[0] for line in said}
    ruled = (rule(properties) for rule in NAME_RULES.get(kind, ()))
    return said + [line for line in ruled if line and line.partition(":")[0] not in places]


def message(logical_id: str, found: list[str]) -> str:
    """How CloudFormation says it of a resource."""
    if len(found) > 1:
        found = [f"#: {len(found)} schema violations found", *found]
        return f"Properties validation failed for resource {logical_id} with message:\n" + "\n".join(found)
    return f"Properties validation failed for resource {logical_id} with message:\n{found[0]}"


class _Check:
    def __init__(self, root: _Schema) -> None:
        self._root = root

    def violations(self, properties: Mapping[str, Any]) -> list[str]:
        return list(self._violations(properties, {**self._root, "type": "object"}, "#"))

    def _violations(self, value: Any, rule: _Schema, where: str) -> Iterator[str]:
        if value is UNRESOLVED:
            return
        if reference := rule.get("$ref"):
            yield from self._violations(value, self._definition(reference), where)
            return
        kinds = rule.get("type", ())
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(_is(value, kind) for kind in kinds):
            yield f"{where}: expected type: {_JAVA_TYPES[kinds[0]]}, found: {_java_type(value)}"
            return
        yield from _scalar_violations(value, rule, where, kinds)
        if isinstance(value, Mapping):
            yield from self._object_violations(value, rule, where)
        elif isinstance(value, list):
            yield from self._array_violations(value, rule, where)
        yield from self._combined_violations(value, rule, where)

    def _definition(self, reference: str) -> _Schema:
        found: Any = self._root
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return dict(found)

    def _object_violations(self, value: Mapping[str, Any], rule: _Schema, where: str) -> Iterator[str]:
        yield from (
            f"{where}: required key [{name}] not found" for name in rule.get("required", ()) if name not in value
        )
        properties, patterns = rule.get("properties", {}), rule.get("patternProperties", {})
        for name, item in value.items():
            if name in properties:
                yield from self._violations(item, properties[name], f"{where}/{name}")
            elif matching := [each for pattern, each in patterns.items() if _matches(pattern, str(name))]:
                yield from self._violations(item, matching[0], f"{where}/{name}")
            elif rule.get("additionalProperties") is False:
                yield f"{where}: extraneous key [{name}] is not permitted"
            elif isinstance(rule.get("additionalProperties"), Mapping):
                yield from self._violations(item, rule["additionalProperties"], f"{where}/{name}")
        yield from _together(value, rule, where)

    def _array_violations(self, value: list[Any], rule: _Schema, where: str) -> Iterator[str]:
        if len(value) < rule.get("minItems", 0):
            yield f"{where}: expected minimum item count: {rule['minItems']}, found: {len(value)}"
        if len(value) > rule.get("maxItems", len(value)):
            yield f"{where}: expected maximum item count: {rule['maxItems']}, found: {len(value)}"
        if rule.get("uniqueItems") and _has_duplicates(value):
            yield f"{where}: array items are not unique"
        items = rule.get("items")
        if isinstance(items, Mapping):
            for number, item in enumerate(value):
                yield from self._violations(item, items, f"{where}/{number}")

    def _combined_violations(self, value: Any, rule: _Schema, where: str) -> Iterator[str]:
        for each in rule.get("allOf", ()):
            yield from self._violations(value, each, where)
        if options := rule.get("anyOf") or rule.get("oneOf"):
            fitting = sum(not any(self._violations(value, option, where)) for option in options)
            if not fitting:
                yield f"{where}: no subschema matched out of the total {len(options)} subschemas"
            elif fitting > 1 and "oneOf" in rule and not _unresolved_within(value):
                yield f"{where}: {fitting} subschemas matched instead of one"
        if "if" in rule and not any(self._violations(value, rule["if"], where)) and "then" in rule:
            yield from self._violations(value, rule["then"], where)


def _together(value: Mapping[str, Any], rule: _Schema, where: str) -> Iterator[str]:
    for name, others in rule.get("dependentRequired", {}).items():
        missing = [other for other in others if name in value and other not in value]
        yield from (f"{where}: property [{other}] is required" for other in missing)
    for name, others in rule.get("dependentExcluded", {}).items():
        present = [other for other in others if name in value and other in value]
        yield from (f"{where}: property [{other}] cannot be used together with [{name}]" for other in present)
    if (either := rule.get("requiredXor")) and sum(name in value for name in either) != 1:
        yield f"{where}: exactly one of {either} must be given"
    if (either := rule.get("requiredOr")) and not any(name in value for name in either):
        yield f"{where}: at least one of {either} must be given"


def _scalar_violations(value: Any, rule: _Schema, where: str, kinds: list[str]) -> Iterator[str]:
    if "enum" in rule and not any(_same(value, allowed) for allowed in rule["enum"]):
        yield f"{where}: {_text(value)} is not a valid enum value"
    if "enumCaseInsensitive" in rule and _text(value).lower() not in [
        str(v).lower() for v in rule["enumCaseInsensitive"]
    ]:
        yield f"{where}: {_text(value)} is not a valid enum value"
    if "const" in rule and not _same(value, rule["const"]):
        yield f"{where}: {_text(value)} is not a valid constant value"
    if "string" in kinds and not isinstance(value, Mapping | list):
        yield from _text_violations(_text(value), rule, where)
    if ("minimum" in rule or "maximum" in rule) and _is(value, "number"):
        number = float(value)
        if number < rule.get("minimum", number):
            yield f"{where}: {value} is not greater or equal to {rule['minimum']}"
        if number > rule.get("maximum", number):
            yield f"{where}: {value} is not less or equal to {rule['maximum']}"


def _text_violations(text: str, rule: _Schema, where: str) -> Iterator[str]:
    if len(text) < rule.get("minLength", 0):
        yield f"{where}: expected minLength: {rule['minLength']}, actual: {len(text)}"
    if len(text) > rule.get("maxLength", len(text)):
        yield f"{where}: expected maxLength: {rule['maxLength']}, actual: {len(text)}"
    if "pattern" in rule and not _matches(rule["pattern"], text):
        yield f"{where}: failed validation constraint for keyword [pattern]"


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


_TESTS: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str | int | float | bool),
    "boolean": lambda value: isinstance(value, bool) or value in ("true", "false", "True", "False"),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "null": lambda value: value is None,
}
_JAVA_TYPES = {
    "object": "JSONObject",
    "array": "JSONArray",
    "string": "String",
    "boolean": "Boolean",
    "number": "Number",
    "integer": "Integer",
    "null": "null",
}


def _is(value: Any, kind: str) -> bool:
    return _TESTS[kind](value)


def _java_type(value: Any) -> str:
    if isinstance(value, bool):
        return "Boolean"
    names = ((Mapping, "JSONObject"), (list, "JSONArray"), (str, "String"), (int, "Integer"), (float, "Double"))
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def _same(value: Any, allowed: Any) -> bool:
    return bool(value == allowed) or (not isinstance(value, Mapping | list) and _text(value) == _text(allowed))


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _unresolved_within(value: Any) -> bool:
    if isinstance(value, Mapping | list):
        items = value.values() if isinstance(value, Mapping) else value
        return any(_unresolved_within(item) for item in items)
    return value is UNRESOLVED


def _has_duplicates(items: list[Any]) -> bool:
    known = [item for item in items if not _unresolved_within(item)]
    return any(item in known[:number] for number, item in enumerate(known))


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


@functools.cache
def _compiled(pattern: str) -> Any:
    try:
        return re.compile(pattern)
    except re.error:
        # Classes such as \p{L}, which Java has and Python's own module has not. cfn-lint reads the schemas with it too.
        import regex  # type: ignore[import-untyped]  # noqa: PLC0415

        return regex.compile(pattern)
