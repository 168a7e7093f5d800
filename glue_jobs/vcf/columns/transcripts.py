"""Entries of the consequence fields of a chunk: where their subfields stand, and which ALT they are about."""

from typing import NamedTuple

import numpy as np

from glue_jobs.vcf.columns.compiled import (
    ASTERISK,
    BAR,
    COMMA,
    DOT,
    MINUS,
    NINE,
    ZERO,
    Bytes,
    Flags,
    Int32s,
    compiled,
    find,
    same,
)
from glue_jobs.vcf.columns.info import Entries
from glue_jobs.vcf.columns.lines import ALT, FAST, QUAL, REF, SLOW, Lines
from glue_jobs.vcf.consequence_formats import Program

_AT = 64
_MOST_DIGITS = 18
PROGRAMS = {Program.VEP: 0, Program.SNPEFF: 1, Program.BCFTOOLS: 2}
_VEP, _BCFTOOLS = PROGRAMS[Program.VEP], PROGRAMS[Program.BCFTOOLS]


class Formats(NamedTuple):
    """Formats as compiled code reads them: by format its program, its subfields at least and at most.

    `allele` and `terms` are which of them hold these, -1 for none; `is_left` formats are left to the slow reader.
    `other` is by format and subfield the index of its name, -1 where it has a column of its own.
    """

    program: Int32s
    least: Int32s
    most: Int32s
    allele: Int32s
    terms: Int32s
    is_left: Flags
    other: Int32s


class Transcripts(NamedTuple):
    """Entries of the fields: of each its line, ALT (0 for none), format, number within the field, and its subfields.

    `edges` are where the first `width` subfields begin, and one past the end of the last. `told_at` is where the
    position of a reference stands, -1 for none; `is_after_stop` whether the entry began with `*`.
    """

    line: Int32s
    allele: Int32s
    form: Int32s
    number: Int32s
    width: Int32s
    edges: Int32s
    told_at: Int32s
    is_after_stop: Flags


def scan_transcripts(text: Bytes, lines: Lines, entries: Entries, form_of: Int32s, formats: Formats) -> Transcripts:
    """The entries of the fast lines; lines with one that does not fit become slow.

    `form_of` is by INFO field its format, -1 for none.
    """
    most = _count(text, lines.state, entries, form_of)
    found = Transcripts(
        line=np.empty(most, np.int32),
        allele=np.empty(most, np.int32),
        form=np.empty(most, np.int32),
        number=np.empty(most, np.int32),
        width=np.empty(most, np.int32),
        edges=np.empty((most, formats.other.shape[1] + 1), np.int32),
        told_at=np.empty((most, 2), np.int32),
        is_after_stop=np.empty(most, np.bool_),
    )
    total = _find(text, lines, entries, form_of, formats, found)
    return Transcripts._make(column[:total] for column in found)


@compiled
def _count(text: Bytes, state: Int32s, entries: Entries, form_of: Int32s) -> int:
    """How many entries there are in the fields at most."""
    total = 0
    for line in range(len(state)):
        if state[line] != FAST:
            continue
        for entry in range(entries.at[line], entries.at[line + 1]):
            if form_of[entries.field[entry]] >= 0 and entries.size[entry]:
                at, end = entries.span[entry, 0], entries.span[entry, 1]
                while at <= end:
                    total += 1
                    at = find(text, at, end, COMMA) + 1
    return total


@compiled
def _find(text: Bytes, lines: Lines, entries: Entries, form_of: Int32s, formats: Formats, found: Transcripts) -> int:
    """Fill the arrays; returns how many entries there are."""
    total = 0
    for line in range(len(lines.state)):
        if lines.state[line] != FAST:
            continue
        before = total
        for entry in range(entries.at[line], entries.at[line + 1]):
            form = form_of[entries.field[entry]]
            if form < 0 or not entries.size[entry]:
                continue
            after = _find_field(text, lines, line, form, entries.span[entry], formats, found, total)
            if after < 0:
                lines.state[line] = SLOW
                total = before
                break
            total = after
    return total


@compiled
def _find_field(
    text: Bytes,
    lines: Lines,
    line: int,
    form: int,
    span: Int32s,
    formats: Formats,
    found: Transcripts,
    total: int,
) -> int:
    """Put a field's entries at `total`; returns where they end, -1 where one does not fit."""
    alternates, program = lines.alternates[line], formats.program[form]
    named = formats.allele[form] >= 0
    if formats.is_left[form] or (alternates > 1 and not named):
        return -1
    stripped = _stripped(text, lines.edges[line]) if program == _VEP and alternates else 0
    at, end, number = span[0], span[1], 0
    while at <= end:
        number += 1
        if text[at] == DOT and (at + 1 == end or (at + 1 < end and text[at + 1] == COMMA)):
            at += 2
            continue
        found.line[total] = line
        found.form[total] = form
        found.number[total] = number
        found.allele[total] = alternates
        found.told_at[total] = -1
        found.is_after_stop[total] = False
        if program == _BCFTOOLS and at < end and text[at] == _AT:
            stop = find(text, at, end, COMMA)
            if not _is_position(text, at + 1, stop):
                return -1
            found.width[total] = 0
            found.told_at[total, 0] = at + 1
            found.told_at[total, 1] = stop
        else:
            if program == _BCFTOOLS and at < end and text[at] == ASTERISK:
                found.is_after_stop[total] = True
                at += 1
            stop, width = _cut(text, at, end, formats.most[form], found.edges[total])
            if stop == at or not formats.least[form] <= width:
                return -1
            found.width[total] = width
            if named:
                column = formats.allele[form]
                first, last = found.edges[total, column], found.edges[total, column + 1] - 1
                allele = _alternate(text, lines.edges[line], first, last, stripped)
                if allele == 0 and stripped:
                    allele = _alternate(text, lines.edges[line], first, last, 0)
                if alternates == 0 or allele <= 0:
                    return -1
                found.allele[total] = allele
        total += 1
        at = stop + 1
    return total


@compiled
def _cut(text: Bytes, start: int, end: int, most: int, edges: Int32s) -> tuple[int, int]:
    """Where the entry that begins at `start` ends, and how many subfields it has, -1 for more than `most`."""
    width, at = 0, start
    edges[0] = start
    while at < end and text[at] != COMMA:
        if text[at] == BAR:
            width += 1
            if width == most:
                return at, -1
            edges[width] = at + 1
        at += 1
    edges[width + 1] = at + 1
    return at, width + 1


@compiled
def _is_position(text: Bytes, start: int, end: int) -> bool:
    if not 0 < end - start <= _MOST_DIGITS:
        return False
    while start < end and ZERO <= text[start] <= NINE:
        start += 1
    return start == end


@compiled
def _stripped(text: Bytes, edges: Int32s) -> int:
    """How many bases VEP leaves out at the beginning of alleles: 1 where all share it, and their lengths differ."""
    reference, length = edges[REF], edges[REF + 1] - 1 - edges[REF]
    start, end, differs = edges[ALT], edges[QUAL] - 1, False
    while start <= end:
        stop = find(text, start, end, COMMA)
        is_star = stop - start == 1 and text[start] == ASTERISK
        if not is_star and text[start] != text[reference]:
            return 0
        differs = differs or stop - start != length
        start = stop + 1
    return 1 if differs else 0


@compiled
def _alternate(text: Bytes, edges: Int32s, start: int, end: int, stripped: int) -> int:
    """The only ALT that text[start:end] names, counted from 1; 0 where there is none, -1 where there are more."""
    first, last, index, only = edges[ALT], edges[QUAL] - 1, 0, 0
    while first <= last:
        stop = find(text, first, last, COMMA)
        index += 1
        begin = first if stop - first == 1 and text[first] == ASTERISK else first + stripped
        is_dash = end - start == 1 and text[start] == MINUS
        if is_dash if begin == stop else same(text, begin, stop, start, end):
            if only > 0:
                return -1
            only = index
        first = stop + 1
    return only
