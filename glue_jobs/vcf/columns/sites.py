"""Rows of `variants` from the fast lines of a chunk."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genomics.contracts.tables import VARIANTS
from glue_jobs.vcf.columns.compiled import COMMA, DOT, SEMICOLON, Bytes, Flags, Int32s, Int64s, compiled, find
from glue_jobs.vcf.columns.info import CHARACTER, FLOAT, INTEGER, TEXT, Entries
from glue_jobs.vcf.columns.known import KnownEntries, KnownFields
from glue_jobs.vcf.columns.lines import ALT, FAST, FILTER, ID, QUAL, REF, Lines, is_sequence
from glue_jobs.vcf.columns.strings import number_array, split_array, string_array, upper_case_array
from glue_jobs.vcf.columns.values import Rows, flags_array, floats_at, map_array
from glue_jobs.vcf.schemas import row_schema


@dataclass(frozen=True)
class Sites:
    """Rows of the alternate alleles: `rows.group` is the line; `first` each line's first row; `columns` their place."""

    rows: Rows
    first: Int32s
    columns: dict[str, pa.Array]


def place(text: Bytes, lines: Lines) -> Sites:
    """One row for each ALT of a fast line, or for the line if it has none."""
    group, allele, first = _expand(lines.state, lines.alternates)
    span = _alternate_spans(text, lines.edges, group, allele)
    reference = column_span(lines, REF)[group]
    spelled = is_sequence(text, span[:, 0])
    position = lines.position[group]
    _trim(text, position, reference, span, spelled)
    columns = {
        "chrom": string_array(text, lines.runs[lines.run[group]]),
        "pos": number_array(position, None, pa.int64()),
        "ref": upper_case_array(text, reference, np.ones(len(group), np.bool_)),
        "alt": upper_case_array(text, span, spelled),
        "alt_index": number_array(allele, allele > 0, pa.int32()),
        "original_pos": number_array(lines.position[group], None, pa.int64()),
        "original_ref": string_array(text, column_span(lines, REF)[group]),
        "original_alts": split_array(text, column_span(lines, ALT)[group], COMMA),
    }
    return Sites(Rows(group, allele), first, columns)


def variants(
    text: Bytes, lines: Lines, sites: Sites, entries: Entries, known: KnownEntries, others: KnownFields, *, decode: bool
) -> pa.RecordBatch:
    """The rows, in the order of the lines."""
    rows, fields = sites.rows, others.fields

    def maps(kind: int, kinds: tuple[int, ...]) -> pa.Array:
        return map_array(text, rows, entries, fields, others.without_column(kinds), kind=kind, decode=decode)

    columns = {
        **sites.columns,
        "end": _ends(text, lines, sites, known),
        "ids": split_array(text, column_span(lines, ID)[rows.group], SEMICOLON),
        "qual": _qualities(text, lines, rows),
        "filters": split_array(text, column_span(lines, FILTER)[rows.group], SEMICOLON),
        "depth": known.array(text, rows, "DP", pa.int32()),
        "allele_count": known.array(text, rows, "AC", pa.int32()),
        "allele_number": known.array(text, rows, "AN", pa.int32()),
        "allele_frequency": known.array(text, rows, "AF", pa.float64()),
        "info_flags": flags_array(rows, entries, fields),
        "info_integers": maps(INTEGER, (INTEGER,)),
        "info_floats": maps(FLOAT, (FLOAT,)),
        "info_strings": maps(TEXT, (TEXT, CHARACTER)),
    }
    schema = row_schema(VARIANTS)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def column_span(lines: Lines, column: int) -> Int32s:
    """Where the column stands in each line."""
    return np.stack([lines.edges[:, column], lines.edges[:, column + 1] - 1], axis=1)


def _ends(text: Bytes, lines: Lines, sites: Sites, known: KnownEntries) -> pa.Array:
    """INFO END unless it lies before POS; else the last base of the reference allele."""
    said = known.array(text, sites.rows, "END", pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    length = pc.binary_length(sites.columns["ref"]).to_numpy(zero_copy_only=False)
    last = sites.columns["pos"].to_numpy() + length - 1
    return pa.array(np.where(said >= lines.position[sites.rows.group], said, last))


def _qualities(text: Bytes, lines: Lines, rows: Rows) -> pa.Array:
    span = column_span(lines, QUAL)[rows.group]
    span[(text[span[:, 0]] == DOT) & (span[:, 1] - span[:, 0] == 1)] = -1
    return number_array(*floats_at(text, span), pa.float64())


@compiled
def _expand(state: Int32s, alternates: Int32s) -> tuple[Int32s, Int32s, Int32s]:
    """Of each row its line and allele; of each line its first row."""
    first = np.zeros(len(state), np.int32)
    total = 0
    for line in range(len(state)):
        first[line] = total
        if state[line] == FAST:
            total += max(alternates[line], 1)
    group, allele = np.empty(total, np.int32), np.empty(total, np.int32)
    at = 0
    for line in range(len(state)):
        if state[line] == FAST:
            for i in range(max(alternates[line], 1)):
                group[at] = line
                allele[at] = i + 1 if alternates[line] else 0
                at += 1
    return group, allele, first


@compiled
def _alternate_spans(text: Bytes, edges: Int32s, group: Int32s, allele: Int32s) -> Int32s:
    """Of each row where its ALT stands; -1 where it has none."""
    span = np.full((len(group), 2), -1, np.int32)
    for row in range(len(group)):
        if allele[row] == 0:
            continue
        start, end = edges[group[row], ALT], edges[group[row], ALT + 1] - 1
        for _ in range(allele[row] - 1):
            start = find(text, start, end, COMMA) + 1
        span[row, 0] = start
        span[row, 1] = find(text, start, end, COMMA)
    return span


@compiled
def _trim(text: Bytes, position: Int64s, reference: Int32s, alternate: Int32s, is_spelled: Flags) -> None:
    """Shorten the spans of REF and ALT by the bases that they share, at the end first; one base stays."""
    for row in range(len(position)):
        if not is_spelled[row]:
            continue
        a, b = reference[row, 0], reference[row, 1]
        c, d = alternate[row, 0], alternate[row, 1]
        while b - a > 1 and d - c > 1 and text[b - 1] & 223 == text[d - 1] & 223:
            b -= 1
            d -= 1
        while b - a > 1 and d - c > 1 and text[a] & 223 == text[c] & 223:
            a += 1
            c += 1
            position[row] += 1
        reference[row, 0] = a
        reference[row, 1] = b
        alternate[row, 0] = c
        alternate[row, 1] = d
