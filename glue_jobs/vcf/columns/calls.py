"""Calls of the samples: which of them get rows, and their fields."""

from typing import NamedTuple

import numpy as np

from glue_jobs.vcf.columns.compiled import (
    BAR,
    COLON,
    DOT,
    NINE,
    SLASH,
    TAB,
    ZERO,
    Bytes,
    Flags,
    Int32s,
    compiled,
    find,
    same,
)
from glue_jobs.vcf.columns.info import Entries, Fields, FieldTable, fits, measure, put_entry, room_for_entries
from glue_jobs.vcf.columns.lines import FAST, FORMAT, SLOW, Lines

_SAMPLES = FORMAT + 1
_LINE_END = 10
# Alleles beyond this number are left to the slow reader.
_MOST_ALLELE = 1_000_000
_NO_ROW, _ROW, _BAD = 0, 1, 2


class Calls(NamedTuple):
    """Calls that are not homozygous reference: of each its line, sample and span, and where its GT ends."""

    line: Int32s
    sample: Int32s
    span: Int32s
    genotype_end: Int32s


class FormatTable(NamedTuple):
    """Each line's format; by it the fields of its columns (-1 beyond the last), how many, whether GT is the first."""

    of_line: Int32s
    fields: Int32s
    width: Int32s
    has_genotype: Flags


class Formats:
    """What FORMAT says, by its text: the fields' indexes. Those that compiled code does not read have none."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._known: dict[bytes, int] = {}
        self._columns: list[list[int]] = []

    def look_up(self, raw: bytes, lines: Lines) -> FormatTable:
        """The formats of the lines. Those that are not plain make their lines slow."""
        edges, format_of = lines.edges, np.zeros(len(lines.state), np.int32)
        run, runs = _runs(np.frombuffer(raw, np.uint8), edges, lines.state)
        of_run = np.array([self._index(raw[a:b]) for a, b in runs], np.int32)
        if len(runs):
            format_of = of_run[run]
        lines.state[(lines.state == FAST) & (format_of < 0)] = SLOW
        width = np.array([len(columns) for columns in self._columns], np.int32)
        table = np.full((len(self._columns), width.max(initial=1)), -1, np.int32)
        for i, columns in enumerate(self._columns):
            table[i, : len(columns)] = columns
        has_genotype = table[:, 0] == self._fields.index("GT")
        return FormatTable(format_of, table, width, has_genotype)

    def _index(self, text: bytes) -> int:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._add(text.decode("ascii").split(":"))
        return known

    def _add(self, names: list[str]) -> int:
        if names == ["."] or "" in names or len(set(names)) != len(names) or "GT" in names[1:]:
            return -1
        self._fields.add({name for name in names if name.isascii()})
        columns = [self._fields.index(name) for name in names]
        if -1 in columns:
            return -1
        self._columns.append(columns)
        return len(self._columns) - 1


def scan_calls(
    text: Bytes, raw: bytes, lines: Lines, samples: int, formats: Formats, fields: Fields
) -> tuple[Calls, Entries]:
    """The calls of the fast lines, and the fields of each but GT; lines with a call that does not fit become slow."""
    table = formats.look_up(raw, lines)
    calls = Calls(*_find_calls(text, lines, samples, table))
    entries = room_for_entries(len(calls.line), int(table.width[table.of_line[calls.line]].sum()))
    _split_calls(text, calls, table, lines, fields.table, entries)
    return calls, entries


@compiled
def _runs(text: Bytes, edges: Int32s, state: Int32s) -> tuple[Int32s, Int32s]:
    """Of each fast line which run of equal FORMATs it is in, and where each run's first stands."""
    run, runs = np.zeros(len(state), np.int32), np.empty((len(state), 2), np.int32)
    known = 0
    for line in range(len(state)):
        if state[line] != FAST:
            continue
        start, end = edges[line, FORMAT], edges[line, _SAMPLES] - 1
        equal = known > 0 and same(text, start, end, runs[known - 1, 0], runs[known - 1, 1])
        if not equal:
            runs[known, 0] = start
            runs[known, 1] = end
            known += 1
        run[line] = known - 1
    return run, runs[:known]


@compiled
def _find_calls(text: Bytes, lines: Lines, samples: int, formats: FormatTable) -> tuple[Int32s, Int32s, Int32s, Int32s]:
    room = 1 << 12
    line_of, sample_of = np.empty(room, np.int32), np.empty(room, np.int32)
    span, genotype_end = np.empty((room, 2), np.int32), np.empty(room, np.int32)
    total = 0
    for line in range(len(lines.state)):
        if lines.state[line] != FAST:
            continue
        if total + samples > room:
            room = 2 * (total + samples)
            line_of, sample_of = _grown(line_of, room), _grown(sample_of, room)
            genotype_end = _grown(genotype_end, room)
            old = span
            span = np.empty((room, 2), np.int32)
            span[: len(old)] = old
        start, end = lines.edges[line, _SAMPLES], lines.edges[line, _LINE_END] - 1
        genotyped = formats.has_genotype[formats.of_line[line]]
        colons = formats.width[formats.of_line[line]] - 1
        before, sample, stop = total, 0, start - 1
        while stop < end and sample < samples:
            start = stop + 1
            stop, kind, mark = _call(text, start, end, lines.alternates[line], genotyped, colons)
            if kind == _BAD:
                break
            if kind == _ROW:
                line_of[total] = line
                sample_of[total] = sample
                span[total, 0] = start
                span[total, 1] = stop
                genotype_end[total] = mark
                total += 1
            sample += 1
        if sample < samples or stop < end:
            lines.state[line] = SLOW
            total = before
    return line_of[:total], sample_of[:total], span[:total], genotype_end[:total]


@compiled
def _grown(values: Int32s, room: int) -> Int32s:
    larger = np.empty(room, np.int32)
    larger[: len(values)] = values
    return larger


@compiled
def _call(text: Bytes, start: int, end: int, alternates: int, genotyped: bool, colons: int) -> tuple[int, int, int]:
    """Of the call that begins at `start`: where it ends, whether it gets a row, where its GT ends."""
    if (
        genotyped
        and end - start >= 3
        and text[start] == ZERO
        and text[start + 2] == ZERO
        and (text[start + 1] == SLASH or text[start + 1] == BAR)
        and (start + 3 == end or text[start + 3] == COLON or text[start + 3] == TAB)
    ):
        mark, kind = start + 3, _NO_ROW
    elif genotyped:
        mark, kind = _genotype(text, start, end, alternates)
    else:
        mark, kind = start, _ROW
    stop = mark
    while stop < end and text[stop] != TAB:
        colons -= text[stop] == COLON
        stop += 1
    if colons < 0 or stop == start:
        return stop, _BAD, mark
    return stop, kind, mark


@compiled
def _genotype(text: Bytes, start: int, end: int, alternates: int) -> tuple[int, int]:
    """Where GT ends, and whether the call gets a row: an allele is missing, or is not the reference."""
    at, kind, fresh = start, _NO_ROW, True
    if at < end and (text[at] == SLASH or text[at] == BAR):
        at += 1
    while at < end and text[at] != COLON and text[at] != TAB:
        if not fresh:
            if text[at] != SLASH and text[at] != BAR:
                return at, _BAD
            fresh = True
            at += 1
            continue
        if text[at] == DOT:
            kind = _ROW
            at += 1
        else:
            allele, first = 0, at
            while at < end and ZERO <= text[at] <= NINE and allele < _MOST_ALLELE:
                allele = allele * 10 + (text[at] - ZERO)
                at += 1
            if at == first or allele > alternates:
                return at, _BAD
            if allele > 0:
                kind = _ROW
        fresh = False
    return at, _BAD if fresh else kind


@compiled
def _split_calls(
    text: Bytes, calls: Calls, formats: FormatTable, lines: Lines, fields: FieldTable, entries: Entries
) -> None:
    total = 0
    for call in range(len(calls.line)):
        entries.at[call] = total
        line = calls.line[call]
        kind = formats.of_line[line]
        start, end = calls.span[call, 0], calls.span[call, 1]
        whole = end - start == 1 and text[start] == DOT
        for column in range(formats.width[kind]):
            stop = find(text, start, end, COLON) if start <= end else start
            if column > 0 or not formats.has_genotype[kind]:
                field = formats.fields[kind, column]
                count, missing = 0, 0
                if start <= end and not whole and not (stop - start == 1 and text[start] == DOT):
                    count, missing = measure(text, start, stop, fields.kinds[field], fields.separators[field])
                    if stop == start or count < 0 or not fits(count, fields.numbers[field], lines.alternates[line]):
                        lines.state[line] = SLOW
                        count = 0
                put_entry(entries, total, field, start, stop, count, missing)
                total += 1
            start = stop + 1
    entries.at[len(calls.line)] = total
