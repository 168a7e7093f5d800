"""Fields that have a column of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from genomics.contracts.vcf_fields import OwnColumn
from glue_jobs.vcf.columns.compiled import COMMA, DOT, PERCENT, SEMICOLON, Bytes, Flags, Int32s, compiled, find
from glue_jobs.vcf.columns.info import OPEN, PER_ALLELE, PER_ALTERNATE, Entries, Fields, fits
from glue_jobs.vcf.columns.lines import SLOW, Lines
from glue_jobs.vcf.columns.numbers import integer
from glue_jobs.vcf.columns.strings import list_array, number_array, split_array
from glue_jobs.vcf.columns.values import Rows, floats_at, integers_at, take_elements

_NUMBERS = {"1": 1, "A": PER_ALTERNATE, "R": PER_ALLELE, ".": OPEN}
_INT32 = 1 << 31
# Characters of an integer that fits 32 bits whatever it is.
_SURELY_SMALL = 9


class _Wanted(NamedTuple):
    """The column of each field, -1 for none; of each column how many values it wants, and of which kind."""

    role: Int32s
    number: Int32s
    is_integer: Flags
    decode: bool


class KnownFields:
    """Those of `fields` that can be in a column of their own: they have the type that the column wants."""

    def __init__(self, columns: Mapping[str, OwnColumn], fields: Fields) -> None:
        self._columns = {
            name: column
            for name, column in columns.items()
            if (index := fields.index(name)) >= 0 and fields.definitions[index].type == column.type
        }
        self.fields = fields
        self._wanted = np.array([_NUMBERS[column.number] for column in self._columns.values()], np.int32)
        self._is_integer = np.array([column.type == "Integer" for column in self._columns.values()], np.bool_)

    def find(self, text: Bytes, lines: Lines, line_of: Int32s, entries: Entries, *, decode: bool) -> "KnownEntries":
        """The entries of these fields; lines whose values do not fit their column become slow."""
        roles = np.full(len(self.fields.definitions), -1, np.int32)
        for role, name in enumerate(self._columns):
            roles[self.fields.index(name)] = role
        wanted = _Wanted(roles, self._wanted, self._is_integer, decode)
        found = _find(text, entries, wanted, line_of, lines)
        return KnownEntries(self._columns, found, entries)

    def without_column(self, kinds: tuple[int, ...]) -> Flags:
        """Which fields of these kinds go into maps. END has a column, and goes there as well."""
        chosen = np.isin(self.fields.table.kinds, kinds)
        for name in self._columns.keys() - {"END"}:
            chosen[self.fields.index(name)] = False
        return chosen


@dataclass(frozen=True)
class KnownEntries:
    """`entry[group, i]` is the group's entry of the i-th column, -1 if it has none."""

    columns: Mapping[str, OwnColumn]
    entry: Int32s
    entries: Entries

    def array(self, text: Bytes, rows: Rows, name: str, kind: pa.DataType) -> pa.Array:
        """The column of the field; all null where the file declares it otherwise."""
        if name not in self.columns:
            return pa.nulls(len(rows.group), kind)
        column = self.columns[name]
        entry = np.ascontiguousarray(self.entry[:, list(self.columns).index(name)])
        if name == "FT":
            return split_array(text, _spans(text, rows, entry, self.entries, False), SEMICOLON)
        if column.number in ("R", "."):
            offsets, element, valid = _lists(text, rows, entry, self.entries, _NUMBERS[column.number])
            values, present = integers_at(text, element)
            return list_array(number_array(values.astype(np.int32), present, pa.int32()), offsets, valid)
        span = _spans(text, rows, entry, self.entries, column.number == "A")
        if column.type == "Float":
            return number_array(*floats_at(text, span), kind)
        values, present = integers_at(text, span)
        return number_array(values.astype(kind.to_pandas_dtype()), present, kind)


@compiled
def _find(text: Bytes, entries: Entries, wanted: _Wanted, line_of: Int32s, lines: Lines) -> Int32s:
    found = np.full((len(line_of), len(wanted.number)), -1, np.int32)
    for group in range(len(line_of)):
        for entry in range(entries.at[group], entries.at[group + 1]):
            role = wanted.role[entries.field[entry]]
            if role < 0:
                continue
            found[group, role] = entry
            if entries.size[entry] and not _is_good(
                text, entries, entry, wanted, role, lines.alternates[line_of[group]]
            ):
                lines.state[line_of[group]] = SLOW
    return found


@compiled
def _is_good(text: Bytes, entries: Entries, entry: int, wanted: _Wanted, role: int, alternates: int) -> bool:
    """Whether the values fit the column."""
    start, end = entries.span[entry, 0], entries.span[entry, 1]
    if not fits(entries.size[entry], wanted.number[role], alternates):
        return False
    if wanted.is_integer[role]:
        return _are_small(text, start, end)
    return not wanted.decode or find(text, start, end, PERCENT) == end


@compiled
def _are_small(text: Bytes, start: int, end: int) -> bool:
    """Whether each integer fits 32 bits."""
    while end - start > _SURELY_SMALL:
        stop = find(text, start, end, COMMA)
        if stop - start > _SURELY_SMALL and not -_INT32 <= integer(text, start, stop) < _INT32:
            return False
        start = stop + 1
    return True


@compiled
def _spans(text: Bytes, rows: Rows, found: Int32s, entries: Entries, is_per_alternate: bool) -> Int32s:
    """Of each row the value's span, -1 if it is missing."""
    spans = np.full((len(rows.group), 2), -1, np.int32)
    for row in range(len(rows.group)):
        entry = found[rows.group[row]]
        if entry < 0 or entries.size[entry] == 0:
            continue
        start, end = entries.span[entry, 0], entries.span[entry, 1]
        if is_per_alternate:
            for _ in range(rows.allele[row] - 1):
                start = find(text, start, end, COMMA) + 1
            end = find(text, start, end, COMMA)
        if not (end - start == 1 and text[start] == DOT):
            spans[row, 0] = start
            spans[row, 1] = end
    return spans


@compiled
def _lists(text: Bytes, rows: Rows, found: Int32s, entries: Entries, number: int) -> tuple[Int32s, Int32s, Flags]:
    """Of each row the values of its allele: the lists' offsets, the values' spans, and which lists there are."""
    most = 0
    for row in range(len(rows.group)):
        entry = found[rows.group[row]]
        if entry >= 0:
            most += entries.size[entry]
    element = np.empty((most, 2), np.int32)
    offsets, valid = np.empty(len(rows.group) + 1, np.int32), np.empty(len(rows.group), np.bool_)
    total = 0
    for row in range(len(rows.group)):
        offsets[row] = total
        entry = found[rows.group[row]]
        if entry >= 0 and entries.size[entry] > 0:
            where = (entries.span[entry, 0], entries.span[entry, 1], COMMA)
            total = take_elements(text, where, number, entries.size[entry], rows.allele[row], element, total)
        valid[row] = total > offsets[row]
    offsets[len(rows.group)] = total
    return offsets, element[:total], valid
