"""Functions over bytes and numbers, compiled when they are first called and kept for later processes."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

# Compiled code of a library that lies in an archive is kept in the user's cache directory, which must be one.
if not os.access(Path.home(), os.W_OK):
    os.environ.setdefault("XDG_CACHE_HOME", tempfile.mkdtemp(prefix="compiled-"))

import numba
import numpy as np
import numpy.typing as npt
from numba import types

_F = TypeVar("_F", bound=Callable[..., Any])

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TAB, LINE_FEED, CARRIAGE_RETURN, SPACE = 9, 10, 13, 32
HASH, PERCENT, ASTERISK, PLUS, COMMA, MINUS, DOT, SLASH = 35, 37, 42, 43, 44, 45, 46, 47
ZERO, NINE, COLON, SEMICOLON, LESS, EQUALS, GREATER, BAR = 48, 57, 58, 59, 60, 61, 62, 124


def compiled(function: _F) -> _F:
    """Compile `function`. It needs no interpreter lock while it runs, and checks no index."""
    return cast("_F", numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function))


# The C library's, by name: unlike a pointer that keeps the compiled code good for other processes.
_memchr: Any = types.ExternalFunction("memchr", types.intp(types.intp, types.int32, types.intp))
_memcpy: Any = types.ExternalFunction("memcpy", types.intp(types.intp, types.intp, types.intp))
# Nearer than this, a loop finds a byte sooner than a call does.
_NEAR = 12
_SHORT = 32


@compiled
def find(text: Bytes, start: int, end: int, byte: int) -> int:
    """Where `byte` first stands in text[start:end]; `end` if nowhere."""
    near = min(end, start + _NEAR)
    while start < near:
        if text[start] == byte:
            return start
        start += 1
    if start >= end:
        return end
    found = _memchr(text.ctypes.data + start, byte, end - start)
    return found - text.ctypes.data if found else end


@compiled
def copy(text: Bytes, start: int, end: int, target: Bytes, at: int) -> None:
    """Put text[start:end] at target[at:]."""
    if end - start > _SHORT:
        _memcpy(target.ctypes.data + at, text.ctypes.data + start, end - start)
        return
    while start < end:
        target[at] = text[start]
        start += 1
        at += 1


@compiled
def same(text: Bytes, start: int, end: int, other: int, other_end: int) -> bool:
    """Whether text[start:end] and text[other:other_end] hold the same bytes."""
    if end - start != other_end - other:
        return False
    while start < end and text[start] == text[other]:
        start += 1
        other += 1
    return start == end
