"""Metrics that log lines carry: CloudWatch User Guide, "Specification: Embedded metric format".

A line that breaks the specification is a line like any other: CloudWatch makes no metric of it, and says nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedded_aws.monitoring.metrics import Value

# "A DimensionSet must not contain more than 30 dimension keys", "...more than 100 MetricDefinition", 100 values.
_DIMENSIONS, _METRICS, _VALUES = 30, 100, 100
_NO_UNIT = "None"


def values_in(message: str) -> list[Value]:
    """The values in one log line; none if it is not in the format."""
    if '"_aws"' not in message:
        return []
    try:
        root = json.loads(message)
        metadata = root["_aws"]
        at = float(metadata["Timestamp"]) / 1000
        return [value for directive in metadata["CloudWatchMetrics"] for value in _of(directive, root, at)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _of(directive: Mapping[str, Any], root: Mapping[str, Any], at: float) -> Iterator[Value]:
    """One metric for each metric definition and dimension set; what has no numbers at its name has no values."""
    definitions: Sequence[Mapping[str, Any]] = directive["Metrics"]
    if len(definitions) > _METRICS:
        return
    for names in directive["Dimensions"]:
        dimensions = {name: root[name] for name in names}
        if len(dimensions) > _DIMENSIONS or not all(isinstance(text, str) for text in dimensions.values()):
            continue
        for definition in definitions:
            unit = definition.get("Unit", _NO_UNIT)
            for number in _numbers(root.get(definition["Name"])):
                yield Value(directive["Namespace"], definition["Name"], number, unit, dimensions, at)


def _numbers(target: Any) -> list[float]:
    numbers = target if isinstance(target, list) else [target]
    are_numbers = all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
    return [float(number) for number in numbers] if are_numbers and len(numbers) <= _VALUES else []
