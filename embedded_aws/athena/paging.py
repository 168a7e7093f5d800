"""Lists of the API, in pages."""

from collections.abc import Mapping
from typing import Any


def page(items: list[Any], parameters: Mapping[str, Any], name: str, size: int) -> dict[str, Any]:
    """The page of `items` that a request asks for, under `name`, `size` where it names no MaxResults."""
    start = int(parameters.get("NextToken") or 0)
    end = start + int(parameters.get("MaxResults") or size)
    answer: dict[str, Any] = {name: items[start:end]}
    return {**answer, "NextToken": str(end)} if end < len(items) else answer
