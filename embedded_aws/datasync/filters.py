"""Include and exclude filters: DataSync User Guide, "Specifying what DataSync transfers by using filters"."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_DELIMITER = re.compile(r"(?<!\\)\|")
_TOKEN = re.compile(r"\\(.)|(\*)|([^\\*]+)|\\$")


class FilterError(ValueError):
    """DataSync would refuse the filter; the message says why."""


@dataclass(frozen=True)
class _Pattern:
    expression: re.Pattern[str]
    # Of what comes before the first wildcard: which folders may hold something that the pattern matches.
    literal: str


@dataclass(frozen=True)
class Filters:
    """What one execution transfers. Paths begin with `/`, at the source location."""

    includes: tuple[_Pattern, ...] = ()
    excludes: tuple[_Pattern, ...] = ()

    @classmethod
    def read(cls, includes: Iterable[Mapping[str, str]], excludes: Iterable[Mapping[str, str]]) -> "Filters":
        """From the API's filter rules; FilterError for one that it would refuse."""
        wanted = _patterns(includes)
        for pattern in wanted:
            if "*" in _without_escaped(pattern)[:-1]:
                raise FilterError(f"include filter {pattern!r}: the wildcard may only be its last character")
        return cls(tuple(map(_compiled, wanted)), tuple(map(_compiled, _patterns(excludes))))

    def takes(self, path: str) -> bool:
        """Whether the file or folder at `path` is transferred."""
        if any(pattern.expression.fullmatch(path) for pattern in self.excludes):
            return False
        return not self.includes or any(pattern.expression.fullmatch(path) for pattern in self.includes)

    def enters(self, folder: str) -> bool:
        """Whether anything in the folder may be transferred."""
        if any(pattern.expression.fullmatch(folder) for pattern in self.excludes):
            return False
        return not self.includes or any(
            pattern.expression.fullmatch(folder) or pattern.literal.startswith(f"{folder}/")
            for pattern in self.includes
        )


def _patterns(rules: Iterable[Mapping[str, str]]) -> Sequence[str]:
    found = []
    for rule in rules:
        if rule.get("FilterType") != "SIMPLE_PATTERN":
            raise FilterError(f"filter type {rule.get('FilterType')!r} is not SIMPLE_PATTERN")
        found += [pattern for pattern in _DELIMITER.split(rule.get("Value") or "") if pattern]
    return found


def _compiled(pattern: str) -> _Pattern:
    """`/dir` and `/dir/` are the same, and match the folder with all it holds; `*` matches slashes too."""
    expression, literal, is_literal = "", "", True
    for escaped, wildcard, text in _TOKEN.findall(pattern.rstrip("/") or "/*"):
        expression += ".*" if wildcard else re.escape(escaped or text)
        is_literal = is_literal and not wildcard
        literal += (escaped or text) if is_literal else ""
    return _Pattern(re.compile(f"{expression}(/.*)?", re.DOTALL), literal)


def _without_escaped(pattern: str) -> str:
    return re.sub(r"\\.", "_", pattern)
