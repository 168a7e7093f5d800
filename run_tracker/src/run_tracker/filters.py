"""DataSync's filters, so that the manifest lists what DataSync will bring and nothing else.

As in the DataSync User Guide, "Specifying what DataSync transfers by using filters": patterns are case-sensitive and
relative to the source location; `*` stands for any characters; a backslash takes a special one literally; a pattern
that matches a folder matches what is in it; an include pattern may hold `*` only at its end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from genomics.contracts.transfers import DEFAULT_EXCLUDES


@dataclass(frozen=True)
class PathFilter:
    """Which files of one run are sent. `root` is the run folder's path in the source location: /run."""

    root: str
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = DEFAULT_EXCLUDES

    @property
    def datasync_includes(self) -> str:
        """The value of DataSync's include filter."""
        return "|".join(f"{self.root}/{pattern.lstrip('/')}" for pattern in self.includes) or self.root

    @property
    def datasync_excludes(self) -> str:
        """The value of DataSync's exclude filter."""
        return "|".join(self.excludes)

    def excluded(self, path: str) -> bool:
        """Whether an exclude pattern matches a file or folder of the run, or a folder above it."""
        return _any_matches(self.excludes, f"{self.root}/{path}")

    def included(self, path: str) -> bool:
        """Whether include patterns leave a file of the run in."""
        return not self.includes or _any_matches(self.datasync_includes.split("|"), f"{self.root}/{path}")

    def may_include_below(self, folder: str) -> bool:
        """Whether a folder may hold files that include patterns leave in."""
        path = f"{self.root}/{folder}/"
        return self.included(folder) or any(
            f"{self.root}/{pattern.lstrip('/')}".startswith(path) for pattern in self.includes
        )

    def file_patterns(self) -> tuple[tuple[bytes, "re.Pattern[bytes]"], ...]:
        """Exclude patterns for names within a folder that is itself not excluded: a literal part, and the pattern."""
        return tuple(
            (_longest_literal(pattern), re.compile(_expression(pattern).encode())) for pattern in self.excludes
        )


def check_pattern(pattern: str, *, is_include: bool) -> str | None:
    """What is wrong with a pattern, if anything."""
    if not pattern or "|" in pattern:
        return "must be one pattern; give several as a list"
    if is_include and "*" in pattern[:-1]:
        return "may hold '*' only at its end (DataSync)"
    return None


def _any_matches(patterns: Sequence[str], path: str) -> bool:
    return any(re.fullmatch(_expression(pattern), path, re.DOTALL) for pattern in patterns)


def _expression(pattern: str) -> str:
    """A regular expression for a path that a pattern matches, or that lies below one."""
    parts = re.split(r"(\*|\\.)", pattern.removesuffix("/"))
    text = "".join(".*" if part == "*" else re.escape(part.removeprefix("\\")) for part in parts)
    return f"{text}(?:/.*)?"


def _longest_literal(pattern: str) -> bytes:
    plain = re.sub(r"\\(.)", r"\1", pattern) if "\\" in pattern else pattern
    return max(plain.split("*"), key=len).encode() if "\\*" not in pattern else b""
