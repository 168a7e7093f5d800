"""INFO: its entries by field, checked against the header's types and numbers."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from genomics.contracts.vcf_fields import FieldDefinition, undeclared
from glue_jobs.vcf.columns.compiled import (
    DOT,
    EQUALS,
    SEMICOLON,
    SPACE,
    Bytes,
    Int32s,
    compiled,
    find,
)
from glue_jobs.vcf.columns.lines import FAST, FORMAT, INFO, SLOW, Lines
from glue_jobs.vcf.columns.numbers import NO_NUMBER, decimal, is_integer

INTEGER, FLOAT, TEXT, CHARACTER, FLAG = range(5)
_KINDS = {"Integer": INTEGER, "Float": FLOAT, "String": TEXT, "Character": CHARACTER, "Flag": FLAG}
# Numbers that are none, in place of a count.
OPEN, PER_ALTERNATE, PER_ALLELE = -1, -2, -3
_NUMBERS = {"A": PER_ALTERNATE, "R": PER_ALLELE}
# Names of more bytes, and more names, are left to the slow reader.
_LONGEST_NAME = 64
_MOST_NAMES = 10_000
_ODD, _STRANGER = -1, -2


class FieldTable(NamedTuple):
    """Fields as compiled code reads them. `follow` is which of them came after each, last time; the last is the first.

    Most records have their fields in the same order.
    """

    names: Bytes
    lengths: Int32s
    kinds: Int32s
    numbers: Int32s
    separators: Int32s
    follow: Int32s


class Fields:
    """Fields by index. Names that are new are added as undeclared."""

    def __init__(self, known: Mapping[str, FieldDefinition]) -> None:
        self.definitions: list[FieldDefinition] = []
        self._index: dict[str, int] = {}
        self._extend(list(known.values()))

    def _extend(self, definitions: list[FieldDefinition]) -> None:
        usable = [field for field in definitions if len(field.name.encode()) <= _LONGEST_NAME]
        self._index |= {field.name: len(self.definitions) + i for i, field in enumerate(usable)}
        self.definitions += usable
        count = len(self.definitions)
        names = [field.name.encode() for field in self.definitions]
        padded = b"".join(name.ljust(_LONGEST_NAME, b"\0") for name in names)
        self.table = FieldTable(
            names=np.frombuffer(padded, np.uint8).reshape(count, _LONGEST_NAME),
            lengths=np.array([len(name) for name in names], np.int32),
            kinds=np.array([_KINDS[field.type] for field in self.definitions], np.int32),
            numbers=np.array([_number(field) for field in self.definitions], np.int32),
            separators=np.array([ord(field.separator or "\0") for field in self.definitions], np.int32),
            follow=np.zeros(count + 1, np.int32),
        )

    def add(self, names: set[str]) -> None:
        """Take these up as undeclared."""
        self._extend([undeclared(name) for name in sorted(names - self._index.keys())])

    def index(self, name: str) -> int:
        """Of the field with that name; -1 if there is none."""
        return self._index.get(name, -1)

    @property
    def is_full(self) -> bool:
        """No more names are taken up."""
        return len(self.definitions) >= _MOST_NAMES


class Entries(NamedTuple):
    """Entries of line i are at[i]:at[i + 1]. `span` is the value's; an empty one is a flag's.

    `size` is how many values it has, 0 for `.`; `missing` how many of them say nothing.
    """

    at: Int32s
    field: Int32s
    span: Int32s
    size: Int32s
    missing: Int32s


def room_for_entries(groups: int, most: int) -> Entries:
    """Arrays for up to `most` entries."""
    return Entries(
        at=np.zeros(groups + 1, np.int32),
        field=np.empty(most, np.int32),
        span=np.empty((most, 2), np.int32),
        size=np.empty(most, np.int32),
        missing=np.empty(most, np.int32),
    )


def scan_info(text: Bytes, raw: bytes, lines: Lines, fields: Fields) -> Entries:
    """Entries of the fast lines; those with an entry that does not fit become slow."""
    most = raw.count(b";") + len(lines.state) + 1
    while True:
        entries = room_for_entries(len(lines.state), most)
        unknown = np.zeros((len(lines.state) + 1, 2), np.int32)
        state = lines.state.copy()
        seen = np.full(len(fields.definitions), -1, np.int32)
        found = _scan(text, lines._replace(state=state), fields.table, seen, entries, unknown)
        names = {raw[a:b].decode() for a, b in unknown[:found] if b - a <= _LONGEST_NAME}
        if not names or fields.is_full:
            lines.state[:] = state
            return entries
        fields.add(names)


def _number(field: FieldDefinition) -> int:
    return int(field.number) if field.number.isdigit() else _NUMBERS.get(field.number, OPEN)


@compiled
def _key_index(text: Bytes, start: int, end: int, fields: FieldTable, guess: int) -> int:
    """Index of the name text[start:end], tried from `guess` on; -1 if there is none."""
    names, lengths = fields.names, fields.lengths
    count = len(lengths)
    for offset in range(count):
        index = guess + offset
        if index >= count:
            index -= count
        if lengths[index] != end - start:
            continue
        equal = True
        for i in range(end - start):
            if names[index, i] != text[start + i]:
                equal = False
                break
        if equal:
            return index
    return -1


@compiled
def measure(text: Bytes, start: int, end: int, kind: int, separator: int) -> tuple[int, int]:
    """How many values stand there, and how many of them are missing; (-1, 0) where one is not of its kind."""
    count, missing = 0, 0
    while True:
        stop = find(text, start, end, separator) if separator else end
        if stop - start == 1 and text[start] == DOT:
            missing += 1
        elif kind == INTEGER:
            if not is_integer(text, start, stop):
                return -1, 0
        elif kind == FLOAT:
            if decimal(text, start, stop)[0] == NO_NUMBER:
                return -1, 0
        elif kind == CHARACTER:
            if stop - start != 1:
                return -1, 0
        elif stop == start:
            missing += 1
        count += 1
        if stop == end:
            return count, missing
        start = stop + 1


@compiled
def fits(count: int, number: int, alternates: int) -> bool:
    """Whether there are as many values as the field's Number says."""
    if number >= 0:
        return count == number
    if number == PER_ALTERNATE:
        return count == alternates
    return number != PER_ALLELE or count == alternates + 1


@compiled
def put_entry(entries: Entries, at: int, field: int, start: int, end: int, count: int, missing: int) -> None:
    """Make it the entry at that index."""
    entries.field[at] = field
    entries.span[at, 0] = start
    entries.span[at, 1] = end
    entries.size[at] = count
    entries.missing[at] = missing


@compiled
def _scan(text: Bytes, lines: Lines, fields: FieldTable, seen: Int32s, entries: Entries, unknown: Int32s) -> int:
    """Fill the arrays; returns how many unknown names were met, one a line at most."""
    total, strangers = 0, 0
    for line in range(len(lines.state)):
        entries.at[line] = total
        start, end = lines.edges[line, INFO], lines.edges[line, FORMAT] - 1
        if lines.state[line] != FAST or (end - start == 1 and text[start] == DOT):
            continue
        if end > start and text[end - 1] == SEMICOLON:
            end -= 1
        after = _scan_line(
            text, start, end, line, lines.alternates[line], fields, seen, entries, total, unknown[strangers]
        )
        if after >= 0:
            total = after
            continue
        lines.state[line] = SLOW
        strangers += after == _STRANGER
    entries.at[len(lines.state)] = total
    return strangers


@compiled
def _scan_line(
    text: Bytes,
    start: int,
    end: int,
    line: int,
    alternates: int,
    fields: FieldTable,
    seen: Int32s,
    entries: Entries,
    total: int,
    stranger: Int32s,
) -> int:
    """Put a line's entries at `total`; returns where they end, or why they are not good."""
    previous = len(fields.kinds)
    while True:
        name_end = start
        while name_end < end and not (
            text[name_end] == EQUALS or text[name_end] == SEMICOLON or text[name_end] == SPACE
        ):
            name_end += 1
        if name_end == start or (name_end < end and text[name_end] == SPACE):
            return _ODD
        field = _key_index(text, start, name_end, fields, fields.follow[previous])
        if field < 0:
            stranger[0] = start
            stranger[1] = name_end
            return _STRANGER
        fields.follow[previous] = field
        previous = field
        assigned = name_end < end and text[name_end] == EQUALS
        if seen[field] == line or assigned != (fields.kinds[field] != FLAG):
            return _ODD
        seen[field] = line
        start = name_end + assigned
        stop = find(text, start, end, SEMICOLON)
        count, missing = 0, 0
        if assigned and not (stop - start == 1 and text[start] == DOT):
            count, missing = measure(text, start, stop, fields.kinds[field], fields.separators[field])
            if stop == start or count < 0 or not fits(count, fields.numbers[field], alternates):
                return _ODD
        put_entry(entries, total, field, start, stop, count, missing)
        total += 1
        if stop == end:
            return total
        start = stop + 1
