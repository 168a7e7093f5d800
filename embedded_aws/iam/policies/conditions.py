"""Condition blocks: when a statement of a policy applies.

IAM User Guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from embedded_aws.iam.policies.patterns import Keys, is_match, substituted

_Test = Callable[[str, str], bool]


class PolicyError(ValueError):
    """A policy document says something that IAM does not know; the message quotes it."""


@dataclass(frozen=True)
class Condition:
    """One key of a condition block with the values it is compared to."""

    key: str
    operator: str
    # None, or whether all or any of the key's values must pass.
    quantifier: str | None
    if_exists: bool
    values: tuple[str, ...]
    has_variables: bool

    def is_met(self, keys: Keys) -> bool:
        """Whether the request's keys meet it."""
        found = keys(self.key)
        if self.operator == "Null":
            return (not found) == (self.values[0].lower() == "true")
        test, is_negated = _OPERATORS[self.operator]
        if self.quantifier == "ForAllValues":
            return all(self._passes(test, value, keys) != is_negated for value in found or ())
        if not found:
            return self.quantifier is None and (is_negated or self.if_exists)
        passed = [self._passes(test, value, keys) for value in found]
        if self.quantifier == "ForAnyValue":
            return not all(passed) if is_negated else any(passed)
        return not any(passed) if is_negated else any(passed)

    def _passes(self, test: _Test, value: str, keys: Keys) -> bool:
        for wanted in self.values:
            told: str | None = wanted
            if self.has_variables and "${" in wanted:
                if test is _like:
                    if is_match(wanted, value, keys, has_variables=True):
                        return True
                    continue
                told = substituted(wanted, keys)
            if told is not None and test(told, value):
                return True
        return False


def conditions_of(block: Mapping[str, Mapping[str, Any]], *, has_variables: bool) -> tuple[Condition, ...]:
    """The conditions of a statement's Condition element; all must be met. Raises PolicyError."""
    return tuple(
        _condition(operator, key, wanted, has_variables=has_variables)
        for operator, comparisons in block.items()
        for key, wanted in comparisons.items()
    )


def _condition(operator: str, key: str, wanted: Any, *, has_variables: bool) -> Condition:
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if (name not in _OPERATORS and name != "Null") or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise PolicyError(f"there is no condition operator {operator}")
    values = tuple(_text(value) for value in (wanted if isinstance(wanted, list) else [wanted]))
    if not values:
        raise PolicyError(f"{operator} compares {key} to nothing")
    return Condition(key.lower(), name, quantifier or None, if_exists, values, has_variables)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _like(wanted: str, value: str) -> bool:
    return is_match(wanted, value)


def _arn_like(wanted: str, value: str) -> bool:
    """Each of the six parts of an ARN is compared for itself."""
    parts, found = wanted.split(":", 5), value.split(":", 5)
    if wanted == "*":
        return True
    return len(parts) == len(found) and all(map(is_match, parts, found))


def _compared(convert: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> _Test:
    def test(wanted: str, value: str) -> bool:
        try:
            return compare(convert(value), convert(wanted))
        except ValueError:
            return False

    return test


def _moment(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time, or of such seconds."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_in_network(wanted: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _orders(prefix: str, convert: Callable[[str], Any]) -> dict[str, tuple[_Test, bool]]:
    return {
        f"{prefix}Equals": (_compared(convert, lambda a, b: bool(a == b)), False),
        f"{prefix}NotEquals": (_compared(convert, lambda a, b: bool(a == b)), True),
        f"{prefix}LessThan": (_compared(convert, lambda a, b: bool(a < b)), False),
        f"{prefix}LessThanEquals": (_compared(convert, lambda a, b: bool(a <= b)), False),
        f"{prefix}GreaterThan": (_compared(convert, lambda a, b: bool(a > b)), False),
        f"{prefix}GreaterThanEquals": (_compared(convert, lambda a, b: bool(a >= b)), False),
    }


def _same_letters(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


# Operator to test of (wanted, found), and whether it holds where the test fails for every wanted value.
_OPERATORS: Mapping[str, tuple[_Test, bool]] = {
    "StringEquals": (str.__eq__, False),
    "StringNotEquals": (str.__eq__, True),
    "StringEqualsIgnoreCase": (_same_letters, False),
    "StringNotEqualsIgnoreCase": (_same_letters, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_same_letters, False),
    "BinaryEquals": (str.__eq__, False),
    "IpAddress": (_is_in_network, False),
    "NotIpAddress": (_is_in_network, True),
    **_orders("Numeric", float),
    **_orders("Date", _moment),
}


def are_met(conditions: Sequence[Condition], keys: Keys) -> bool:
    """Whether a statement with these conditions applies."""
    return all(condition.is_met(keys) for condition in conditions)
