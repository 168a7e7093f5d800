"""Lines of a chunk of text: where their columns begin, and which of them can be read as columns."""

from typing import NamedTuple

import numpy as np

from glue_jobs.vcf.columns.compiled import (
    ASTERISK,
    CARRIAGE_RETURN,
    COMMA,
    DOT,
    GREATER,
    HASH,
    LESS,
    LINE_FEED,
    NINE,
    SEMICOLON,
    SPACE,
    TAB,
    ZERO,
    Bytes,
    Flags,
    Int32s,
    Int64s,
    compiled,
    find,
    same,
)
from glue_jobs.vcf.columns.numbers import NO_NUMBER, decimal

FAST, SLOW, EMPTY = 0, 1, 2
CHROM, POS, ID, REF, ALT, QUAL, FILTER, INFO, FORMAT = range(9)
# Where each column begins, and where the line ends.
_EDGES = 11
_MOST_DIGITS = 18

IS_BASE = np.zeros(256, np.bool_)
IS_BASE[list(b"ACGTNMRWSYKVHDBUacgtnmrwsykvhdbu")] = True
_IS_BASE = IS_BASE


class Lines(NamedTuple):
    """What is known of each line.

    `edges` are where its columns begin, and one past its end; `position` is POS, `alternates` how many alleles ALT has.
    `run` tells in which run of equal CHROM it is, and `runs` where each run's name stands.
    """

    state: Int32s
    edges: Int32s
    position: Int64s
    alternates: Int32s
    run: Int32s
    runs: Int32s


def scan_lines(text: Bytes, count: int, *, has_samples: bool, is_ascii: bool) -> Lines:
    """Look at the `count` lines of `text`, which ends in a line break."""
    lines = Lines(
        state=np.zeros(count, np.int32),
        edges=np.zeros((count, _EDGES), np.int32),
        position=np.zeros(count, np.int64),
        alternates=np.zeros(count, np.int32),
        run=np.zeros(count, np.int32),
        runs=np.zeros((count, 2), np.int32),
    )
    columns = INFO + 1 + has_samples
    return lines._replace(runs=lines.runs[: _scan(text, columns, has_samples, is_ascii, lines)])


@compiled
def _scan(text: Bytes, columns: int, has_samples: bool, is_ascii: bool, lines: Lines) -> int:
    """Fill the arrays; returns how many runs of CHROM there are."""
    state, edges, runs = lines.state, lines.edges, lines.runs
    start, known = 0, 0
    for line in range(len(state)):
        stop = find(text, start, len(text), LINE_FEED)
        end = stop - 1 if stop > start and text[stop - 1] == CARRIAGE_RETURN else stop
        edges[line, 0] = start
        edges[line, _EDGES - 1] = end + 1
        state[line] = SLOW
        if end == start:
            state[line] = EMPTY
        elif text[start] != HASH and (is_ascii or _all_ascii(text, start, end)):
            good = _find_columns(text, edges[line], columns, has_samples, end) and _is_good(text, edges[line])
            if good:
                lines.position[line] = _position(text, edges[line])
                lines.alternates[line] = _count_alternates(text, edges[line, ALT], edges[line, QUAL] - 1)
            if good and lines.position[line] >= 0 and lines.alternates[line] >= 0:
                state[line] = FAST
        if state[line] == FAST:
            name_end = edges[line, POS] - 1
            if known == 0 or not same(text, start, name_end, runs[known - 1, 0], runs[known - 1, 1]):
                runs[known, 0] = start
                runs[known, 1] = name_end
                known += 1
            lines.run[line] = known - 1
        start = stop + 1
    return known


@compiled
def _all_ascii(text: Bytes, start: int, end: int) -> bool:
    highest = 0
    for i in range(start, end):
        highest |= text[i]
    return highest < 128


@compiled
def _find_columns(text: Bytes, edges: Int32s, columns: int, has_samples: bool, end: int) -> bool:
    at = edges[0]
    for column in range(1, columns + has_samples):
        at = find(text, at, end, TAB) + 1
        if at > end:
            return False
        edges[column] = at
    if has_samples:
        return True
    edges[columns] = end + 1
    return find(text, at, end, TAB) == end


@compiled
def _is_good(text: Bytes, edges: Int32s) -> bool:
    """REF is bases; ID and FILTER are names; QUAL is a number or missing."""
    if not _are_bases(text, edges[REF], edges[ALT] - 1):
        return False
    start, end = edges[QUAL], edges[FILTER] - 1
    if not (end - start == 1 and text[start] == DOT) and decimal(text, start, end)[0] == NO_NUMBER:
        return False
    return _are_names(text, edges[ID], edges[REF] - 1) and _are_names(text, edges[FILTER], edges[INFO] - 1)


@compiled
def _are_names(text: Bytes, start: int, end: int) -> bool:
    """No white space, and no empty name between semicolons."""
    previous = SEMICOLON
    for i in range(start, end):
        byte = text[i]
        if byte <= SPACE or (byte == SEMICOLON and previous == SEMICOLON):
            return False
        previous = byte
    return previous != SEMICOLON


@compiled
def _position(text: Bytes, edges: Int32s) -> int:
    """POS; -1 if it is none."""
    start, end = edges[POS], edges[ID] - 1
    if not 0 < end - start <= _MOST_DIGITS:
        return -1
    value = 0
    for i in range(start, end):
        if not ZERO <= text[i] <= NINE:
            return -1
        value = value * 10 + (text[i] - ZERO)
    return value


@compiled
def _count_alternates(text: Bytes, start: int, end: int) -> int:
    """How many alleles ALT has, 0 for `.`; -1 where one is neither bases nor `*` nor <ID>."""
    if end - start == 1 and text[start] == DOT:
        return 0
    count = 0
    while True:
        stop = find(text, start, end, COMMA)
        if not _is_plain_allele(text, start, stop):
            return -1
        count += 1
        if stop == end:
            return count
        start = stop + 1


@compiled
def _is_plain_allele(text: Bytes, start: int, end: int) -> bool:
    if start == end:
        return False
    if text[start] == LESS:
        if end - start < 3 or text[end - 1] != GREATER:
            return False
        odd = 0
        for i in range(start + 1, end - 1):
            odd += text[i] == LESS or text[i] == GREATER or text[i] <= SPACE
        return odd == 0
    return (end - start == 1 and text[start] == ASTERISK) or _are_bases(text, start, end)


@compiled
def _are_bases(text: Bytes, start: int, end: int) -> bool:
    at = start
    while at < end and _IS_BASE[text[at]]:
        at += 1
    return at == end > start


def is_sequence(text: Bytes, starts: Int32s) -> Flags:
    """Which of the alleles that begin there, -1 for none, are spelled out in bases."""
    return (starts >= 0) & IS_BASE[text[np.maximum(starts, 0)]]
