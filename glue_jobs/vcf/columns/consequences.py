"""Rows of `consequences` from the fast lines of a chunk."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from genomics.contracts.tables import CONSEQUENCES
from glue_jobs.vcf.columns.compiled import DOT, Bytes, Flags, Int32s, Int64s, compiled
from glue_jobs.vcf.columns.info import Entries, Fields
from glue_jobs.vcf.columns.lines import FAST, Lines
from glue_jobs.vcf.columns.numbers import integer
from glue_jobs.vcf.columns.sites import Sites
from glue_jobs.vcf.columns.strings import bitmap, list_array, number_array, string_array
from glue_jobs.vcf.columns.transcripts import PROGRAMS, Formats, Transcripts, scan_transcripts
from glue_jobs.vcf.consequence_formats import COLUMNS, ConsequenceFormat, Program
from glue_jobs.vcf.schemas import TEXTS_BY_NAME, row_schema

_AMPERSAND = 38
_BCFTOOLS = PROGRAMS[Program.BCFTOOLS]


class ConsequenceReader:
    """Reads the consequences that a file's header describes."""

    def __init__(self, formats: Mapping[str, ConsequenceFormat]) -> None:
        self._formats = list(formats.values())
        self._others = list(dict.fromkeys(name for form in self._formats for name in form.names))
        widest = max((len(form.names) for form in self._formats), default=0)
        other = np.full((len(self._formats), widest), -1, np.int32)
        for i, form in enumerate(self._formats):
            for j, name in enumerate(form.names):
                if j not in form.columns.values():
                    other[i, j] = self._others.index(name)
        self._table = Formats(
            program=np.array([PROGRAMS[form.program] for form in self._formats], np.int32),
            least=np.array([form.least for form in self._formats], np.int32),
            most=np.array([len(form.names) for form in self._formats], np.int32),
            allele=self._column("allele"),
            terms=self._column("terms"),
            # The slow reader knows what to do with numbers in place of alleles.
            is_left=np.array(
                [form.allele_number is not None and "allele" not in form.columns for form in self._formats], np.bool_
            ),
            other=other,
        )

    def _column(self, name: str) -> Int32s:
        return np.array([form.columns.get(name, -1) for form in self._formats], np.int32)

    def find(self, text: Bytes, lines: Lines, entries: Entries, fields: Fields) -> Transcripts | None:
        """The entries of the fast lines; lines with one that does not fit become slow. None if there can be none."""
        if not self._formats:
            return None
        form_of = np.full(len(fields.definitions), -1, np.int32)
        for i, form in enumerate(self._formats):
            form_of[fields.index(form.field)] = i
        return scan_transcripts(text, lines, entries, form_of, self._table)

    def rows(
        self, text: Bytes, lines: Lines, sites: Sites, found: Transcripts | None, *, decode: bool
    ) -> tuple[pa.RecordBatch, Int32s]:
        """The rows, in the order of the lines, and the line of each."""
        schema = row_schema(CONSEQUENCES)
        if found is None:
            return pa.RecordBatch.from_pylist([], schema=schema), np.zeros(0, np.int32)
        kept = lines.state[found.line] == FAST
        if not kept.all():
            found = Transcripts._make(column[kept] for column in found)
        site = pa.array(sites.first[found.line] + np.maximum(found.allele - 1, 0))
        by_bcftools = self._table.program[found.form] == _BCFTOOLS
        columns = {
            **{name: sites.columns[name].take(site) for name in ("chrom", "pos", "ref", "alt", "alt_index")},
            "original_pos": sites.columns["original_pos"].take(site),
            "field": pa.array([form.field for form in self._formats], pa.string()).take(pa.array(found.form)),
            "entry": number_array(found.number, None, pa.int32()),
            **{
                name: string_array(text, _spans(text, found, self._column(name)), decode=decode)
                for name in COLUMNS
                if name != "terms"
            },
            "terms": self._terms(text, found, decode=decode),
            "is_after_stop": _truths(found.is_after_stop, by_bcftools),
            "told_at_pos": number_array(*_positions(text, found.told_at), pa.int64()),
            "other_subfields": self._other_subfields(text, found, decode=decode),
        }
        return pa.record_batch([columns[name] for name in schema.names], schema=schema), found.line

    def _terms(self, text: Bytes, found: Transcripts, *, decode: bool) -> pa.Array:
        offsets, parts, valid = _split_terms(text, _spans(text, found, self._table.terms))
        return list_array(string_array(text, parts, decode=decode), offsets, valid)

    def _other_subfields(self, text: Bytes, found: Transcripts, *, decode: bool) -> pa.Array:
        offsets, name, span = _others(text, found, self._table.other)
        names = pa.DictionaryArray.from_arrays(pa.array(name), pa.array(self._others, pa.string()))
        pairs = pa.StructArray.from_arrays(
            [names, string_array(text, span, decode=decode)],
            fields=[TEXTS_BY_NAME.key_field, TEXTS_BY_NAME.item_field],
        )
        buffers = [bitmap(offsets[1:] > offsets[:-1]), pa.py_buffer(offsets)]
        return pa.Array.from_buffers(TEXTS_BY_NAME, len(found.line), buffers, children=[pairs])


def _truths(values: Flags, valid: Flags) -> pa.Array:
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [bitmap(valid), bits])


@compiled
def _spans(text: Bytes, found: Transcripts, subfield: Int32s) -> Int32s:
    """Of each entry the span of the subfield that its format has there; -1 where it is empty or `.`."""
    span = np.full((len(found.line), 2), -1, np.int32)
    for row in range(len(found.line)):
        index = subfield[found.form[row]]
        if index < 0 or index >= found.width[row]:
            continue
        start, end = found.edges[row, index], found.edges[row, index + 1] - 1
        if start < end and not (end - start == 1 and text[start] == DOT):
            span[row, 0] = start
            span[row, 1] = end
    return span


@compiled
def _split_terms(text: Bytes, span: Int32s) -> tuple[Int32s, Int32s, Flags]:
    """Terms of each span: offsets of the lists, the terms' spans, -1 for an empty one, and which lists have any."""
    count, most = len(span), 0
    for row in range(count):
        if span[row, 0] < 0:
            continue
        most += 1
        for at in range(span[row, 0], span[row, 1]):
            most += text[at] == _AMPERSAND
    offsets, parts, valid = np.empty(count + 1, np.int32), np.empty((most, 2), np.int32), np.zeros(count, np.bool_)
    total = 0
    for row in range(count):
        first = offsets[row] = total
        start, end = span[row, 0], span[row, 1]
        while 0 <= start <= end:
            stop = start
            while stop < end and text[stop] != _AMPERSAND:
                stop += 1
            parts[total, 0] = start if stop > start else -1
            parts[total, 1] = stop
            valid[row] = valid[row] or stop > start
            total += 1
            start = stop + 1
        if not valid[row]:
            total = first
    offsets[count] = total
    return offsets, parts[:total], valid


@compiled
def _positions(text: Bytes, span: Int32s) -> tuple[Int64s, Flags]:
    values, present = np.zeros(len(span), np.int64), np.zeros(len(span), np.bool_)
    for row in range(len(span)):
        if span[row, 0] >= 0:
            present[row] = True
            values[row] = integer(text, span[row, 0], span[row, 1])
    return values, present


@compiled
def _others(text: Bytes, found: Transcripts, other: Int32s) -> tuple[Int32s, Int32s, Int32s]:
    """Of each entry the subfields without a column that are not empty: offsets, indexes of names, spans."""
    count, most = len(found.line), 0
    for row in range(count):
        most += found.width[row]
    offsets, name, span = np.empty(count + 1, np.int32), np.empty(most, np.int32), np.empty((most, 2), np.int32)
    total = 0
    for row in range(count):
        offsets[row] = total
        for index in range(found.width[row]):
            named = other[found.form[row], index]
            start, end = found.edges[row, index], found.edges[row, index + 1] - 1
            if named < 0 or start == end or (end - start == 1 and text[start] == DOT):
                continue
            name[total] = named
            span[total, 0] = start
            span[total, 1] = end
            total += 1
    offsets[count] = total
    return offsets, name[:total], span[:total]
