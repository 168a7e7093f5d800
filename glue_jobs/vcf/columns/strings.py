"""Arrow arrays of strings and lists, from where their bytes stand in the text."""

import numpy as np
import pyarrow as pa

from glue_jobs.vcf.columns.compiled import (
    DOT,
    NINE,
    PERCENT,
    ZERO,
    Bytes,
    Flags,
    Int32s,
    compiled,
    copy,
)

_UPPER = np.arange(256, dtype=np.uint8)
_UPPER[97:123] -= 32
# VCF 4.3, section 1.2: the characters whose codes are decoded.
_IS_ENCODED = np.zeros(256, np.bool_)
_IS_ENCODED[list(b":;=%,\r\n\t")] = True


def string_array(text: Bytes, span: Int32s, *, decode: bool = False) -> pa.Array:
    """A string for each span; null where it begins at -1."""
    data, offsets, valid = _gather(text, span, decode)
    return _strings(data, offsets, valid)


def split_array(text: Bytes, span: Int32s, separator: int) -> pa.Array:
    """A list for each span, of the strings between separators; null where it is `.` or begins at -1."""
    offsets, parts, valid = _split(text, span, separator)
    return list_array(string_array(text, parts), offsets, valid)


def upper_case_array(text: Bytes, span: Int32s, is_sequence: Flags) -> pa.Array:
    """The same, in upper case where `is_sequence`."""
    data, offsets, valid = _gather(text, span, False)
    _raise_case(data, offsets, is_sequence)
    return _strings(data, offsets, valid)


def list_array(values: pa.Array, offsets: Int32s, valid: Flags) -> pa.Array:
    """Lists of `values`, null where not `valid`."""
    buffers = [bitmap(valid), pa.py_buffer(offsets)]
    return pa.Array.from_buffers(pa.list_(values.type), len(valid), buffers, children=[values])


def number_array(values: np.ndarray, valid: Flags | None, kind: pa.DataType) -> pa.Array:
    """Numbers, null where not `valid`."""
    return pa.Array.from_buffers(kind, len(values), [None if valid is None else bitmap(valid), pa.py_buffer(values)])


def bitmap(valid: Flags) -> pa.Buffer | None:
    """Arrow's validity; none where all are valid."""
    return None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))


def _strings(data: Bytes, offsets: Int32s, valid: Flags) -> pa.Array:
    buffers = [bitmap(valid), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(valid), buffers)


@compiled
def _gather(text: Bytes, span: Int32s, decode: bool) -> tuple[Bytes, Int32s, Flags]:
    count, size = len(span), 0
    valid = np.empty(count, np.bool_)
    for i in range(count):
        valid[i] = span[i, 0] >= 0
        if valid[i]:
            size += span[i, 1] - span[i, 0]
    data, offsets = np.empty(size, np.uint8), np.empty(count + 1, np.int32)
    at = 0
    for i in range(count):
        offsets[i] = at
        if not valid[i]:
            continue
        if decode:
            at = _decode(text, span[i, 0], span[i, 1], data, at)
        else:
            copy(text, span[i, 0], span[i, 1], data, at)
            at += span[i, 1] - span[i, 0]
    offsets[count] = at
    return data, offsets, valid


@compiled
def _decode(text: Bytes, start: int, end: int, data: Bytes, at: int) -> int:
    """Copy with escapes decoded; returns where the copy ends."""
    while start < end:
        byte = text[start]
        start += 1
        if byte == PERCENT and start + 2 <= end:
            code = _hexadecimal(text[start]) * 16 + _hexadecimal(text[start + 1])
            if code >= 0 and _IS_ENCODED[code]:
                byte = np.uint8(code)
                start += 2
        data[at] = byte
        at += 1
    return at


@compiled
def _hexadecimal(byte: int) -> int:
    """Its value, of digits and capitals as VCF writes them; far below zero for another byte."""
    if ZERO <= byte <= NINE:
        return int(byte) - ZERO
    return int(byte) - 55 if 65 <= byte <= 70 else -1000


@compiled
def _raise_case(data: Bytes, offsets: Int32s, chosen: Flags) -> None:
    for i in range(len(chosen)):
        if chosen[i]:
            for at in range(offsets[i], offsets[i + 1]):
                data[at] = _UPPER[data[at]]


@compiled
def _split(text: Bytes, span: Int32s, separator: int) -> tuple[Int32s, Int32s, Flags]:
    """Parts of each span: offsets of the lists, the parts' spans, and which lists there are."""
    count, most = len(span), 0
    for i in range(count):
        for at in range(max(span[i, 0], 0), span[i, 1]):
            most += text[at] == separator
        most += 1
    parts = np.empty((most, 2), np.int32)
    offsets, valid = np.empty(count + 1, np.int32), np.empty(count, np.bool_)
    total = 0
    for i in range(count):
        offsets[i] = total
        start, end = span[i, 0], span[i, 1]
        valid[i] = start >= 0 and not (end - start == 1 and text[start] == DOT)
        if not valid[i]:
            continue
        for at in range(start, end):
            if text[at] == separator:
                parts[total, 0] = start
                parts[total, 1] = at
                total += 1
                start = at + 1
        parts[total, 0] = start
        parts[total, 1] = end
        total += 1
    offsets[count] = total
    return offsets, parts[:total], valid
