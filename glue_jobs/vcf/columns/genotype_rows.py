"""Rows of `genotypes` from the calls of a chunk."""

import numpy as np
import pyarrow as pa

from genomics.contracts.tables import GENOTYPES
from glue_jobs.vcf.columns.calls import Calls
from glue_jobs.vcf.columns.compiled import BAR, DOT, NINE, SLASH, ZERO, Bytes, Flags, Int32s, compiled
from glue_jobs.vcf.columns.info import CHARACTER, FLOAT, INTEGER, TEXT, Entries
from glue_jobs.vcf.columns.known import KnownEntries, KnownFields
from glue_jobs.vcf.columns.lines import FAST, Lines
from glue_jobs.vcf.columns.sites import Sites
from glue_jobs.vcf.columns.strings import bitmap, list_array, number_array, string_array
from glue_jobs.vcf.columns.values import Rows, map_array
from glue_jobs.vcf.schemas import row_schema

_UNKNOWN, _NO, _YES = -1, 0, 1


def genotypes(
    text: Bytes,
    lines: Lines,
    sites: Sites,
    calls: Calls,
    samples: pa.Array,
    entries: Entries,
    known: KnownEntries,
    others: KnownFields,
    *,
    decode: bool,
) -> tuple[pa.RecordBatch, Int32s]:
    """The rows, in the order of the lines and the samples, and the line of each."""
    span = np.stack([calls.span[:, 0], calls.genotype_end], axis=1)
    call, allele = _expand(text, calls.line, span, lines.state, lines.alternates)
    rows = Rows(call, allele)
    line = calls.line[call]
    site = pa.array(sites.first[line] + np.maximum(allele - 1, 0))
    alleles_at, alleles, present, some, phased, dosage = _alleles(text, span[call], allele)

    def maps(kind: int, kinds: tuple[int, ...]) -> pa.Array:
        return map_array(text, rows, entries, others.fields, others.without_column(kinds), kind=kind, decode=decode)

    columns = {
        **{name: column.take(site) for name, column in sites.columns.items()},
        "sample": samples.take(pa.array(calls.sample[call])),
        "genotype": string_array(text, _said(text, span[call])),
        "alleles": list_array(number_array(alleles, present, pa.int32()), alleles_at, some),
        "phased": _truths(phased),
        "dosage": number_array(dosage, (dosage >= 0) & (allele > 0), pa.int32()),
        "phase_set": known.array(text, rows, "PS", pa.int32()),
        "depth": known.array(text, rows, "DP", pa.int32()),
        "genotype_quality": known.array(text, rows, "GQ", pa.int32()),
        "allele_depths": known.array(text, rows, "AD", pa.list_(pa.int32())),
        "genotype_likelihoods": known.array(text, rows, "PL", pa.list_(pa.int32())),
        "sample_filters": known.array(text, rows, "FT", pa.list_(pa.string())),
        "format_integers": maps(INTEGER, (INTEGER,)),
        "format_floats": maps(FLOAT, (FLOAT,)),
        "format_strings": maps(TEXT, (TEXT, CHARACTER)),
    }
    schema = row_schema(GENOTYPES)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema), line


def _said(text: Bytes, span: Int32s) -> Int32s:
    """The spans, -1 for `.` and for what has no GT."""
    length = span[:, 1] - span[:, 0]
    silent = (length == 0) | ((length == 1) & (text[span[:, 0]] == DOT))
    return np.where(silent[:, None], np.int32(-1), span)


def _truths(values: Int32s) -> pa.Array:
    valid = values != _UNKNOWN
    bits = pa.py_buffer(np.packbits(values == _YES, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [bitmap(valid), bits])


@compiled
def _expand(text: Bytes, line_of: Int32s, span: Int32s, state: Int32s, alternates: Int32s) -> tuple[Int32s, Int32s]:
    """Of each row its call and allele: those ALTs that the call has, or may have as one of its alleles is missing."""
    most = 0
    for call in range(len(line_of)):
        most += max(alternates[line_of[call]], 1)
    call_of, allele_of = np.empty(most, np.int32), np.empty(most, np.int32)
    total = 0
    for call in range(len(line_of)):
        line = line_of[call]
        if state[line] != FAST:
            continue
        for allele in range(1 if alternates[line] else 0, alternates[line] + 1):
            if _may_have(text, span[call, 0], span[call, 1], allele):
                call_of[total] = call
                allele_of[total] = allele
                total += 1
    return call_of[:total], allele_of[:total]


@compiled
def _may_have(text: Bytes, start: int, end: int, allele: int) -> bool:
    """Is the allele, other than the reference, in GT, or one missing there? Without GT all are."""
    value, has = 0, start == end
    for at in range(start, end + 1):
        if at < end and ZERO <= text[at] <= NINE:
            value = value * 10 + (text[at] - ZERO)
            continue
        has = has or (value == allele and allele > 0) or (at < end and text[at] == DOT)
        value = 0
    return has


@compiled
def _alleles(text: Bytes, span: Int32s, allele_of: Int32s) -> tuple[Int32s, Int32s, Flags, Flags, Int32s, Int32s]:
    """Of each row: offsets of its alleles, these, which are known, whether any is, phasing, and copies of its ALT."""
    count, most = len(span), 0
    for row in range(count):
        most += span[row, 1] - span[row, 0]
    offsets, alleles, present = np.empty(count + 1, np.int32), np.zeros(most, np.int32), np.empty(most, np.bool_)
    some, phased, dosage = np.zeros(count, np.bool_), np.empty(count, np.int32), np.zeros(count, np.int32)
    total = 0
    for row in range(count):
        first = offsets[row] = total
        phase = _YES
        at, end = span[row, 0], span[row, 1]
        partial = at == end
        while at < end:
            byte = text[at]
            if byte == SLASH:
                phase = _NO
            elif byte != BAR:
                present[total] = byte != DOT
                alleles[total] = 0
                while at < end and ZERO <= text[at] <= NINE:
                    alleles[total] = alleles[total] * 10 + (text[at] - ZERO)
                    at += 1
                if byte == DOT:
                    partial = True
                    at += 1
                else:
                    some[row] = True
                    dosage[row] += alleles[total] == allele_of[row]
                total += 1
                continue
            at += 1
        if partial:
            dosage[row] = -1
        if not some[row]:
            total = first
        phased[row] = phase if _length(text, span[row, 0], span[row, 1]) > 1 else _UNKNOWN
    offsets[count] = total
    return offsets, alleles[:total], present[:total], some, phased, dosage


@compiled
def _length(text: Bytes, start: int, end: int) -> int:
    """How many alleles GT has."""
    count, inside = 0, False
    for at in range(start, end):
        separates = text[at] == SLASH or text[at] == BAR
        count += not separates and not inside
        inside = not separates
    return count
