"""What was to arrive beside what has arrived: two listings in the order of their keys, walked through once."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


class Fault(enum.StrEnum):
    """How a file differs from its manifest. What is not listed is reported, but takes nothing from the run."""

    MISSING = "missing"
    WRONG_SIZE = "wrong_size"
    UNVERIFIED = "unverified"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True)
class Listed:
    """A file by its key in the bucket; `size` in bytes."""

    key: str
    size: int


@dataclass(frozen=True)
class Finding:
    """A file that is not as it should be. Sizes are None where there is no such file."""

    fault: Fault
    key: str
    expected: int | None = None
    found: int | None = None


def differences(expected: Iterable[Listed], found: Iterable[Listed], totals: Counter[str]) -> Iterator[Finding]:
    """Everything that differs, in the order of keys. Both sides must be sorted as S3 lists: by the keys' UTF-8.

    `totals` is told the number of `files` and `bytes` expected.
    """
    present = iter(found)
    there = next(present, None)
    for wanted in expected:
        totals["files"] += 1
        totals["bytes"] += wanted.size
        order = wanted.key.encode()
        while there is not None and there.key.encode() < order:
            yield Finding(Fault.NOT_LISTED, there.key, found=there.size)
            there = next(present, None)
        if there is None or there.key != wanted.key:
            yield Finding(Fault.MISSING, wanted.key, expected=wanted.size)
            continue
        if there.size != wanted.size:
            yield Finding(Fault.WRONG_SIZE, wanted.key, expected=wanted.size, found=there.size)
        there = next(present, None)
    while there is not None:
        yield Finding(Fault.NOT_LISTED, there.key, found=there.size)
        there = next(present, None)
