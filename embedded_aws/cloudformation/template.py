"""CloudFormation's template language: intrinsic functions, conditions, parameters and the order of resources."""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([^:}]+):([^}]+)\}\}")
_ZONES = "abcdef"
_NOTHING = object()

Template = Mapping[str, Any]


class TemplateError(ValueError):
    """A template cannot be carried out; the message says where and why, as CloudFormation words it where it can."""


class NotYetKnownError(LookupError):
    """A value that is known when a resource has been made."""


class Resolver:
    """Replaces intrinsic functions by their values.

    `reference` gives the value of Ref for a resource, `attribute` that of GetAtt, `exported` that of ImportValue and
    `parameter` that of an SSM parameter.
    """

    def __init__(
        self,
        template: Template,
        *,
        reference: Callable[[str], Any],
        attribute: Callable[[str, str], Any],
        exported: Callable[[str], Any],
        parameter: Callable[[str], str],
        pseudo_parameters: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> None:
        self._template = template
        self._reference, self._attribute, self._exported, self._parameter = reference, attribute, exported, parameter
        self._values = {**pseudo_parameters, **self._parameter_values(parameters)}
        self._region = str(pseudo_parameters["AWS::Region"])
        self._conditions: dict[str, bool] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        """The template's parameters with their values."""
        return {name: self._values[name] for name in self._template.get("Parameters", {})}

    def resolve(self, value: Any) -> Any:
        """`value` with every function replaced. What comes to AWS::NoValue is left out."""
        resolved = self._resolve(value)
        return None if resolved is _NOTHING else resolved

    def outline(self, value: Any, unknown: Any) -> Any:
        """As `resolve`, with `unknown` in the place of each function whose value is not yet known."""
        outlined = self._outline(value, unknown)
        return None if outlined is _NOTHING else outlined

    def _outline(self, value: Any, unknown: Any) -> Any:
        if isinstance(value, Mapping):
            name = next(iter(value), "")
            if len(value) == 1 and name == "Fn::If":
                condition, when_met, otherwise = value[name]
                return self._outline(when_met if self.holds(condition) else otherwise, unknown)
            if len(value) == 1 and (name == "Ref" or name.startswith("Fn::")):
                try:
                    return self._resolve(value)
                except NotYetKnownError:
                    return unknown
            items = ((key, self._outline(item, unknown)) for key, item in value.items())
            return {key: item for key, item in items if item is not _NOTHING}
        if isinstance(value, list):
            return [item for item in (self._outline(item, unknown) for item in value) if item is not _NOTHING]
        return self._resolve(value)

    def holds(self, condition: str) -> bool:
        """Whether the named condition is met."""
        if condition not in self._conditions:
            conditions = self._template.get("Conditions", {})
            if condition not in conditions:
                raise TemplateError(f"Template error: unresolved condition dependency {condition}")
            self._conditions[condition] = self._test(conditions[condition])
        return self._conditions[condition]

    def _parameter_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {}
        for name, declaration in self._template.get("Parameters", {}).items():
            value = given.get(name, declaration.get("Default"))
            kind = declaration.get("Type", "String")
            if value is None:
                raise TemplateError(f"Parameters: [{name}] must have values")
            _check_parameter(name, str(value), declaration)
            if kind.startswith("AWS::SSM::Parameter::Value"):
                value = self._parameter(str(value))
            if kind == "CommaDelimitedList" or kind.startswith("List<"):
                value = value.split(",") if isinstance(value, str) else value
            values[name] = value
        return values

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if len(value) == 1:
                name, argument = next(iter(value.items()))
                if function := _FUNCTIONS.get(name):
                    return function(self, argument)
                if name.startswith("Fn::"):
                    raise TemplateError(f"Template error: {name} is not supported")
            items = ((name, self._resolve(item)) for name, item in value.items())
            return {name: item for name, item in items if item is not _NOTHING}
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not _NOTHING]
        if isinstance(value, str) and "{{resolve:" in value:
            return _DYNAMIC_REFERENCE.sub(self._dynamic, value)
        return value

    def _dynamic(self, match: re.Match[str]) -> str:
        if match[1] != "ssm":
            raise TemplateError(f"Template error: dynamic reference to {match[1]} is not supported")
        return self._parameter(match[2].partition(":")[0])

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return self._values[name] if name in self._values else self._reference(name)

    def _get_att(self, argument: Any) -> Any:
        name, _, attribute = argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
        return self._attribute(name, self._resolve(attribute))

    def _sub(self, argument: Any) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self._resolve(value) for name, value in extra.items()}

        def replace(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return "${" + name + "}"
            if name in values:
                return str(values[name])
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _SUBSTITUTION.sub(replace, text)

    def _if(self, argument: Any) -> Any:
        condition, when_met, otherwise = argument
        return self._resolve(when_met if self.holds(condition) else otherwise)

    def _join(self, argument: Any) -> str:
        separator, parts = argument
        return str(separator).join(_text(part) for part in self._resolve(parts))

    def _select(self, argument: Any) -> Any:
        index, items = int(self._resolve(argument[0])), self._resolve(argument[1])
        if not 0 <= index < len(items):
            raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[index]

    def _split(self, argument: Any) -> list[str]:
        return str(self._resolve(argument[1])).split(argument[0])

    def _find_in_map(self, argument: Any) -> Any:
        name, *path = (self._resolve(part) for part in argument[:3])
        found: Any = self._template.get("Mappings", {}).get(name)
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                raise TemplateError(f"Template error: Unable to get mapping for {name}::{'::'.join(map(str, path))}")
            found = found[key]
        return found

    def _cidr(self, argument: Any) -> list[str]:
        block, count, bits = ipaddress.ip_network(self._resolve(argument[0])), argument[1], argument[2]
        length = block.max_prefixlen - int(self._resolve(bits))
        subnets = block.subnets(new_prefix=length)
        return [str(next(subnets)) for _ in range(int(self._resolve(count)))]

    def _zones(self, argument: Any) -> list[str]:
        region = self._resolve(argument) or self._region
        return [f"{region}{letter}" for letter in _ZONES]

    def _import(self, argument: Any) -> Any:
        return self._exported(str(self._resolve(argument)))

    def _base64(self, argument: Any) -> str:
        return base64.b64encode(str(self._resolve(argument)).encode()).decode()

    def _json_text(self, argument: Any) -> str:
        return json.dumps(self._resolve(argument), separators=(",", ":"))

    def _length(self, argument: Any) -> int:
        return len(self._resolve(argument))

    def _test(self, condition: Any) -> bool:
        (function, argument), *_ = condition.items()
        match function:
            case "Condition":
                return self.holds(argument)
            case "Fn::Equals":
                left, right = (_text(self._resolve(side)) for side in argument)
                return left == right
            case "Fn::Not":
                return not self._test(argument[0])
            case "Fn::And":
                return all(self._test(part) for part in argument)
            case "Fn::Or":
                return any(self._test(part) for part in argument)
            case _:
                raise TemplateError(f"Template error: {function} is not a condition")


def _check_parameter(name: str, value: str, declaration: Mapping[str, Any]) -> None:
    """The words are those of CloudFormation for each of a parameter's constraints."""
    kind, said = declaration.get("Type", "String"), declaration.get("ConstraintDescription")
    failed = ""
    if "AllowedValues" in declaration and value not in map(str, declaration["AllowedValues"]):
        allowed = ", ".join(map(str, declaration["AllowedValues"]))
        failed = f"Parameter '{name}' must be one of AllowedValues [{allowed}]"
    elif "AllowedPattern" in declaration and not re.fullmatch(declaration["AllowedPattern"], value):
        failed = f"Parameter '{name}' must match pattern {declaration['AllowedPattern']}"
    elif len(value) < int(declaration.get("MinLength", 0)):
        failed = f"Parameter '{name}' must contain at least {declaration['MinLength']} characters"
    elif len(value) > int(declaration.get("MaxLength", len(value))):
        failed = f"Parameter '{name}' must contain at most {declaration['MaxLength']} characters"
    elif kind == "Number" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        failed = f"Parameter '{name}' must be a number."
    elif kind == "Number" and float(value) < float(declaration.get("MinValue", value)):
        failed = f"Parameter '{name}' must be a number not less than {declaration['MinValue']}"
    elif kind == "Number" and float(value) > float(declaration.get("MaxValue", value)):
        failed = f"Parameter '{name}' must be a number not greater than {declaration['MaxValue']}"
    if failed:
        raise TemplateError(f"Parameter {name} failed to satisfy constraint: {said}" if said else failed)


_FUNCTIONS: Mapping[str, Callable[[Resolver, Any], Any]] = {
    "Ref": Resolver._ref,
    "Fn::GetAtt": Resolver._get_att,
    "Fn::Sub": Resolver._sub,
    "Fn::If": Resolver._if,
    "Fn::Join": Resolver._join,
    "Fn::Select": Resolver._select,
    "Fn::Split": Resolver._split,
    "Fn::FindInMap": Resolver._find_in_map,
    "Fn::Cidr": Resolver._cidr,
    "Fn::GetAZs": Resolver._zones,
    "Fn::ImportValue": Resolver._import,
    "Fn::Base64": Resolver._base64,
    "Fn::ToJsonString": Resolver._json_text,
    "Fn::Length": Resolver._length,
}


def in_order(template: Template) -> list[str]:
    """Logical ids such that each stands after what it refers to or depends on; otherwise in the template's order."""
    resources = template.get("Resources", {})
    ordered: dict[str, None] = {}
    open_: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in open_:
            cycle = ", ".join(open_[open_.index(name) :])
            raise TemplateError(f"Circular dependency between resources: [{cycle}]")
        open_.append(name)
        for needed in dependencies(resources[name]):
            if needed in resources:
                visit(needed)
        open_.pop()
        ordered[name] = None

    for name in resources:
        visit(name)
    return list(ordered)


def dependencies(resource: Any) -> Iterator[str]:
    """Logical ids (and parameters) that a resource's definition names, in order of appearance."""
    depends_on = resource.get("DependsOn", ())
    yield from [depends_on] if isinstance(depends_on, str) else depends_on
    yield from _named_in(resource.get("Properties", {}))


def _named_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, argument in value.items():
            if name == "Ref":
                yield argument
            elif name == "Fn::GetAtt":
                yield argument.partition(".")[0] if isinstance(argument, str) else argument[0]
            else:
                if name == "Fn::Sub":
                    text, extra = (argument, {}) if isinstance(argument, str) else argument
                    names = (match[2].strip() for match in _SUBSTITUTION.finditer(text) if not match[1])
                    yield from (each.partition(".")[0] for each in names if each not in extra)
                yield from _named_in(argument)
    elif isinstance(value, list):
        for item in value:
            yield from _named_in(item)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def refer_to_nothing(template: Template) -> list[str]:
    """Names that resources refer to and that neither a resource nor a parameter has."""
    resources, parameters = template.get("Resources", {}), template.get("Parameters", {})
    named = {name for resource in resources.values() for name in dependencies(resource)}
    return sorted(name for name in named - set(resources) - set(parameters) if not name.startswith("AWS::"))


def imported_in(value: Any) -> Iterator[Any]:
    """The arguments of every Fn::ImportValue inside."""
    if isinstance(value, Mapping):
        for name, argument in value.items():
            if name == "Fn::ImportValue":
                yield argument
            else:
                yield from imported_in(argument)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from imported_in(item)
