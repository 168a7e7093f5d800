"""Values of fields that go into maps: entries selected for each row, their elements typed."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from glue_jobs.vcf.columns.compiled import DOT, Bytes, Flags, Floats, Int32s, Int64s, compiled, find
from glue_jobs.vcf.columns.info import FLAG, FLOAT, INTEGER, PER_ALLELE, PER_ALTERNATE, Entries, Fields, FieldTable
from glue_jobs.vcf.columns.numbers import HARD_NUMBER, decimal, integer
from glue_jobs.vcf.columns.strings import bitmap, list_array, number_array, string_array


class Rows(NamedTuple):
    """Of each row of a table, the record's or call's group of entries, and its allele: 0 where there is no ALT."""

    group: Int32s
    allele: Int32s


def map_array(
    text: Bytes, rows: Rows, entries: Entries, fields: Fields, chosen: Flags, *, kind: int, decode: bool
) -> pa.Array:
    """A map from field to values for each row, of the `chosen` fields; null where it would be empty."""
    row_at, entry, list_at, valid, element = _select(text, rows, entries, fields.table, chosen)
    items = list_array(elements(text, element, kind, decode=decode), list_at, valid)
    kind_of_map = pa.map_(pa.string(), items.type)
    pairs = pa.StructArray.from_arrays(
        [_names(fields, entries.field[entry]), items], fields=[kind_of_map.key_field, kind_of_map.item_field]
    )
    buffers = [bitmap(row_at[1:] > row_at[:-1]), pa.py_buffer(row_at)]
    return pa.Array.from_buffers(kind_of_map, len(rows.group), buffers, children=[pairs])


def flags_array(rows: Rows, entries: Entries, fields: Fields) -> pa.Array:
    """The flags of each row; null where there is none."""
    row_at, field = _flags(rows.group, entries, fields.table.kinds)
    return list_array(_names(fields, field), row_at, row_at[1:] > row_at[:-1])


def _names(fields: Fields, index: Int32s) -> pa.Array:
    return pa.array([field.name for field in fields.definitions], pa.string()).take(pa.array(index, pa.int32()))


def elements(text: Bytes, span: Int32s, kind: int, *, decode: bool) -> pa.Array:
    """The values that stand at the spans, which are of the kind; null where a span begins at -1."""
    if kind == INTEGER:
        integers, present = integers_at(text, span)
        return number_array(integers, present, pa.int64())
    if kind == FLOAT:
        floats, present = floats_at(text, span)
        return number_array(floats, present, pa.float64())
    return string_array(text, span, decode=decode)


def floats_at(text: Bytes, span: Int32s) -> tuple[Floats, Flags]:
    """Numbers at the spans, exactly as Python reads them, and which of them are there."""
    values, present, hard = _floats(text, span)
    for i in np.flatnonzero(hard):
        values[i] = float(text[span[i, 0] : span[i, 1]].tobytes())
    return values, present


@compiled
def integers_at(text: Bytes, span: Int32s) -> tuple[Int64s, Flags]:
    """Integers at the spans, and which of them are there."""
    values, present = np.zeros(len(span), np.int64), np.empty(len(span), np.bool_)
    for i in range(len(span)):
        present[i] = span[i, 0] >= 0
        if present[i]:
            values[i] = integer(text, span[i, 0], span[i, 1])
    return values, present


@compiled
def _floats(text: Bytes, span: Int32s) -> tuple[Floats, Flags, Flags]:
    count = len(span)
    values, present, hard = np.zeros(count, np.float64), np.empty(count, np.bool_), np.zeros(count, np.bool_)
    for i in range(count):
        present[i] = span[i, 0] >= 0
        if present[i]:
            kind, value = decimal(text, span[i, 0], span[i, 1])
            values[i] = value
            hard[i] = kind == HARD_NUMBER
    return values, present, hard


@compiled
def _select(
    text: Bytes, rows: Rows, entries: Entries, fields: FieldTable, chosen: Flags
) -> tuple[Int32s, Int32s, Int32s, Flags, Int32s]:
    """Offsets of the rows' entries, the entries, offsets of their elements, which have any, the elements' spans."""
    row_group, groups, field_of, sizes = rows.group, entries.at, entries.field, entries.size
    most_entries, most_elements = 0, 0
    for row in range(len(row_group)):
        for entry in range(groups[row_group[row]], groups[row_group[row] + 1]):
            if chosen[field_of[entry]]:
                most_entries += 1
                most_elements += sizes[entry]
    row_at, entry_of = np.empty(len(row_group) + 1, np.int32), np.empty(most_entries, np.int32)
    list_at, valid = np.empty(most_entries + 1, np.int32), np.empty(most_entries, np.bool_)
    element = np.empty((most_elements, 2), np.int32)
    at, total = 0, 0
    for row in range(len(row_group)):
        row_at[row] = at
        for entry in range(groups[row_group[row]], groups[row_group[row] + 1]):
            field = field_of[entry]
            if not chosen[field]:
                continue
            entry_of[at] = entry
            list_at[at] = total
            if entries.missing[entry] < sizes[entry]:
                start, end = entries.span[entry, 0], entries.span[entry, 1]
                total = take_elements(
                    text,
                    (start, end, fields.separators[field]),
                    fields.numbers[field],
                    sizes[entry],
                    rows.allele[row],
                    element,
                    total,
                )
            valid[at] = total > list_at[at]
            at += 1
    row_at[len(row_group)] = at
    list_at[at] = total
    return row_at, entry_of, list_at, valid, element[:total]


@compiled
def take_elements(
    text: Bytes, where: tuple[int, int, int], number: int, count: int, allele: int, element: Int32s, at: int
) -> int:
    """Put spans of one allele's values at element[at:], -1 for a missing one; none at all if all of them are missing.

    `where` is where the values begin and end, and what separates them.

    Of Number A these are its own, of R the reference's and its own, of any other all. Returns where they end.
    """
    start, end, separator = where
    first, some = at, False
    whole = count == 1 or number not in (PER_ALTERNATE, PER_ALLELE)
    index = 1 if number == PER_ALTERNATE else 0
    while True:
        stop = find(text, start, end, separator) if separator else end
        if whole or index == allele or (number == PER_ALLELE and index == 0):
            missing = stop == start or (stop - start == 1 and text[start] == DOT)
            element[at, 0] = -1 if missing else start
            element[at, 1] = -1 if missing else stop
            some = some or not missing
            at += 1
        if stop == end:
            break
        start = stop + 1
        index += 1
    return at if some else first


@compiled
def _flags(row_group: Int32s, entries: Entries, kinds: Int32s) -> tuple[Int32s, Int32s]:
    """Offsets of the rows' flags, and which fields they are."""
    groups, field_of = entries.at, entries.field
    most = 0
    for row in range(len(row_group)):
        most += groups[row_group[row] + 1] - groups[row_group[row]]
    row_at, field = np.empty(len(row_group) + 1, np.int32), np.empty(most, np.int32)
    total = 0
    for row in range(len(row_group)):
        row_at[row] = total
        for entry in range(groups[row_group[row]], groups[row_group[row] + 1]):
            if kinds[field_of[entry]] == FLAG:
                field[total] = field_of[entry]
                total += 1
    row_at[len(row_group)] = total
    return row_at, field[:total]
