"""Event patterns as EventBridge's User Guide has them ("Comparison operators for use in event patterns").

moto's own matcher takes true for 1, sees nothing inside arrays of objects, and lets an operator that does not exist
match everything.
"""

import functools
import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern

from embedded_aws.guard import Patch

_MATCHES = Patch("moto.events.models:EventPattern.matches_event", "3e71eb7ff5903b50")
_VALIDATE = Patch("moto.events.models:EventPatternParser._validate_event_pattern", "0c540f64aeaa6caf")
_TEST = Patch("moto.events.responses:EventsHandler.test_event_pattern", "945d9dc74b3abdaa")
PATCHES = (_MATCHES, _VALIDATE, _TEST)

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_EXCLUDABLE = ("prefix", "suffix", "equals-ignore-case", "wildcard")
_NUMERIC_LENGTHS = (2, 4)


def install() -> None:
    """Have rules, filters and TestEventPattern match with this matcher, and refuse patterns that it would not know."""
    _MATCHES.apply(lambda pattern, event: matches(pattern.get_pattern(), event))
    _VALIDATE.apply(lambda parser, pattern: check(pattern))
    _TEST.apply(lambda response: _test(response._get_param("EventPattern"), response._get_param("Event")))


def _test(pattern: str, event: str) -> str:
    """TestEventPattern."""
    return json.dumps({"Result": EventPattern.load(pattern).matches_event(json.loads(event))})


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether `event` has what each field of `pattern` asks for. Objects in an array are looked at one by one."""
    if isinstance(event, list):
        return any(matches(pattern, item) for item in event)
    fields = event if isinstance(event, dict) else {}
    return all(_field_matches(name, wanted, fields) for name, wanted in pattern.items())


def check(pattern: Any) -> None:
    """Raise InvalidEventPatternException, worded as EventBridge words it, for what is no event pattern."""
    if not isinstance(pattern, dict):
        raise InvalidEventPatternException(reason="Filter is not an object")
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list) and all(isinstance(item, dict) for item in wanted):
            for alternative in wanted:
                check(alternative)
        elif isinstance(wanted, dict):
            check(wanted)
        elif not isinstance(wanted, list):
            raise InvalidEventPatternException(reason=f"'{name}' must be an object or an array")
        elif not wanted:
            raise InvalidEventPatternException(reason="Empty arrays are not allowed")
        else:
            for test in wanted:
                _check_test(test)


def _field_matches(name: str, wanted: Any, fields: Mapping[str, Any]) -> bool:
    if name == "$or" and isinstance(wanted, list):
        return any(matches(alternative, fields) for alternative in wanted)
    if isinstance(wanted, dict):
        return matches(wanted, fields.get(name))
    values = list(_leaves(fields[name])) if name in fields else []
    return any(_test_matches(test, values) for test in wanted)


def _leaves(value: Any) -> Iterable[Any]:
    """The values of a field: itself, or an array's items. What is an object is no leaf."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif not isinstance(value, dict):
        yield value


def _test_matches(test: Any, values: list[Any]) -> bool:
    if not isinstance(test, dict):
        return any(_is_equal(test, value) for value in values)
    ((name, argument),) = test.items()
    if name == "exists":
        return bool(values) is bool(argument)
    return any(_OPERATORS[name](argument, value) for value in values)


def _is_equal(wanted: Any, value: Any) -> bool:
    # "For numbers, EventBridge uses string representation": 300 and 300.0 are not equal, nor are 1 and true.
    return type(wanted) is type(value) and bool(wanted == value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(argument: Any, value: Any) -> bool:
    text, pattern = _comparable(argument, value)
    return text is not None and any(text.startswith(item) for item in pattern)


def _suffix(argument: Any, value: Any) -> bool:
    text, pattern = _comparable(argument, value)
    return text is not None and any(text.endswith(item) for item in pattern)


def _equals_ignore_case(argument: Any, value: Any) -> bool:
    text, pattern = _comparable({"equals-ignore-case": argument}, value)
    return text is not None and text in pattern


def _comparable(argument: Any, value: Any) -> tuple[str | None, list[str]]:
    """Text and patterns, both in one case where the pattern says that it does not matter; None if it is no text."""
    if not isinstance(value, str):
        return None, []
    if isinstance(argument, dict):
        return value.lower(), [item.lower() for item in _listed(argument["equals-ignore-case"])]
    return value, _listed(argument)


def _listed(argument: Any) -> list[Any]:
    return argument if isinstance(argument, list) else [argument]


def _wildcard(argument: Any, value: Any) -> bool:
    return isinstance(value, str) and any(_expression(item).fullmatch(value) for item in _listed(argument))


@functools.lru_cache(maxsize=1024)
def _expression(wildcard: str) -> re.Pattern[str]:
    """An asterisk stands for any characters, one after a backslash for itself."""
    words = re.split(r"(\\[\\*]|\*)", wildcard)
    known = {"*": ".*", r"\*": r"\*", "\\\\": r"\\"}
    return re.compile("".join(known.get(word) or re.escape(word) for word in words), re.DOTALL)


def _numeric(argument: Any, value: Any) -> bool:
    return _is_number(value) and all(
        _COMPARISONS[name](value, limit) for name, limit in zip(argument[::2], argument[1::2], strict=True)
    )


def _cidr(argument: Any, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(argument, strict=False)
    except ValueError:
        return False


def _anything_but(argument: Any, value: Any) -> bool:
    if isinstance(argument, dict):
        ((name, excluded),) = argument.items()
        return not _OPERATORS[name](excluded, value)
    return not any(
        item == value if _is_number(item) and _is_number(value) else _is_equal(item, value)
        for item in _listed(argument)
    )


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}


def _check_test(test: Any) -> None:
    if isinstance(test, list):
        raise InvalidEventPatternException(reason="Match value must be String, number, true, false, or null")
    if not isinstance(test, dict):
        return
    if len(test) != 1:
        raise InvalidEventPatternException(reason="Only one key allowed in match expression")
    ((name, argument),) = test.items()
    if name != "exists" and name not in _OPERATORS:
        raise InvalidEventPatternException(reason=f"Unrecognized match type {name}")
    if not _ARGUMENTS[name](argument):
        raise InvalidEventPatternException(reason=f"{name} match pattern is not valid: {json.dumps(argument)}")


def _is_affix(argument: Any) -> bool:
    if isinstance(argument, dict):
        return list(argument) == ["equals-ignore-case"] and isinstance(argument["equals-ignore-case"], str)
    return isinstance(argument, str)


def _is_wildcard(argument: Any) -> bool:
    # "Consecutive wildcard characters aren't supported"
    return isinstance(argument, str) and "**" not in argument.replace(r"\*", "")


def _is_range(argument: Any) -> bool:
    return (
        isinstance(argument, list)
        and len(argument) in _NUMERIC_LENGTHS
        and all(name in _COMPARISONS for name in argument[::2])
        and all(_is_number(limit) for limit in argument[1::2])
    )


def _is_network(argument: Any) -> bool:
    try:
        return isinstance(argument, str) and bool(ipaddress.ip_network(argument, strict=False))
    except ValueError:
        return False


def _is_exclusion(argument: Any) -> bool:
    if isinstance(argument, dict):
        return len(argument) == 1 and all(
            name in _EXCLUDABLE and all(_ARGUMENTS[name](item) for item in _listed(excluded))
            for name, excluded in argument.items()
        )
    items = _listed(argument)
    kinds = {str if isinstance(item, str) else float if _is_number(item) else None for item in items}
    return len(kinds) == 1 and kinds != {None}


_ARGUMENTS: Mapping[str, Callable[[Any], bool]] = {
    "prefix": _is_affix,
    "suffix": _is_affix,
    "equals-ignore-case": lambda argument: isinstance(argument, str),
    "wildcard": _is_wildcard,
    "numeric": _is_range,
    "cidr": _is_network,
    "anything-but": _is_exclusion,
    "exists": lambda argument: isinstance(argument, bool),
}
