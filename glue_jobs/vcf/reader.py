"""Reads a VCF or BCF as Arrow batches of rows, one range of the file at a time, in any order and any process."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from genomics.contracts.tables import GENOTYPES, REJECTS, VARIANTS, Table
from glue_jobs.vcf import bcf
from glue_jobs.vcf.errors import RecordError, VcfError
from glue_jobs.vcf.header import Header, parse_header
from glue_jobs.vcf.records import RecordParser
from glue_jobs.vcf.rows import Row, genotype_rows, variant_rows
from glue_jobs.vcf.schemas import row_schema
from glue_jobs.vcf.sources import ByteSource
from glue_jobs.vcf.text import Body, ByteRange, Encoding, RangeText, detect, pieces, plan

_ROWS_PER_BATCH = 20_000
_REJECT_CHARACTERS = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class VcfFile:
    """What is known of a file before its records are read."""

    encoding: Encoding
    header: Header
    body: Body


@dataclass(frozen=True)
class Batch:
    """Rows by table, with the columns of `row_schema`. `line` of rejects counts from 1 within the range."""

    variants: pa.RecordBatch
    genotypes: pa.RecordBatch
    rejects: pa.RecordBatch


def open_vcf(source: ByteSource) -> VcfFile:
    """Recognise the file and read its header. VcfError says why it cannot be read."""
    encoding = detect(source)
    if encoding is Encoding.BCF:
        return VcfFile(encoding, parse_header(bcf.header_lines(source)), Body(0, 0))
    kept: list[bytes] = []
    for piece in pieces(source, encoding, ByteRange(0, source.size)):
        kept.append(piece.data)
        if b"\n" not in piece.data:
            continue
        text = b"".join(kept)
        end = _header_end(text)
        if end is not None:
            skip = end - (len(text) - len(piece.data))
            body = Body(piece.offset, skip) if encoding is Encoding.BGZF else Body(piece.offset + skip - 1, 1)
            return VcfFile(encoding, _header(text[:end]), body)
        kept = [text]
    header = _header(b"".join(kept))
    if encoding is Encoding.PLAIN:
        raise VcfError(f"line {header.lines}: the header's last line has no line break: the file is cut off")
    return VcfFile(encoding, header, Body(source.size, 0))


def ranges(source: ByteSource, file: VcfFile, range_bytes: int) -> tuple[ByteRange, ...]:
    """The file cut into ranges of about `range_bytes`, or whole where its encoding does not allow that."""
    return plan(source, file.encoding, range_bytes)


class RangeReader:
    """Iterates over the batches of one range.

    Afterwards `lines` holds how many lines are the range's own, and `first` and `next` the positions that join it to
    its neighbours (see RangeText).
    """

    def __init__(self, source: ByteSource, file: VcfFile, part: ByteRange) -> None:
        self._source, self._file, self._part = source, file, part
        self._parser = RecordParser(file.header)
        self.lines = self.first = self.next = 0

    def __iter__(self) -> Iterator[Batch]:
        rows = _Rows()
        for line, problem in self._lines():
            self.lines += 1
            number = None if self._file.encoding is Encoding.BCF else self.lines
            try:
                if problem:
                    raise RecordError(problem)
                if line:
                    self._read(line, number, rows)
            except RecordError as error:
                rows.reject(number, str(error), line)
            if rows.count >= _ROWS_PER_BATCH:
                yield rows.batch()
                rows = _Rows()
        if rows.count:
            yield rows.batch()

    def _lines(self) -> Iterator[tuple[str, str | None]]:
        """Lines without their breaks, each with what is wrong with it as text, if anything."""
        if self._file.encoding is Encoding.BCF:
            for line in bcf.record_lines(self._source):
                yield line, None
            return
        text = RangeText(self._source, self._file.encoding, self._part, self._file.body)
        try:
            for chunk in text:
                yield from _split(chunk, self._file.encoding)
        finally:
            self.first, self.next = text.first, text.next

    def _read(self, line: str, number: int | None, rows: "_Rows") -> None:
        """Add the line's rows: all of them or, with RecordError, none."""
        record = self._parser.parse(line)
        genotypes = list(genotype_rows(record, self._parser.calls(record), self._file.header.samples))
        rows.variants.extend(variant_rows(record))
        rows.genotypes.extend(genotypes)
        for misfit in record.misfits:
            rows.reject(number, misfit.reason, misfit.text, field=misfit.field)


class _Rows:
    """Rows that wait to become a batch."""

    def __init__(self) -> None:
        self.variants: list[Row] = []
        self.genotypes: list[Row] = []
        self.rejects: list[Row] = []

    @property
    def count(self) -> int:
        return len(self.variants) + len(self.genotypes) + len(self.rejects)

    def reject(self, line: int | None, reason: str, text: str, *, field: str | None = None) -> None:
        self.rejects.append({"line": line, "field": field, "reason": reason, "text": text[:_REJECT_CHARACTERS]})

    def batch(self) -> Batch:
        return Batch(_batch(self.variants, VARIANTS), _batch(self.genotypes, GENOTYPES), _batch(self.rejects, REJECTS))


def _batch(rows: list[Row], table: Table) -> pa.RecordBatch:
    schema = row_schema(table)
    return pa.record_batch(
        [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema], schema=schema
    )


def _split(chunk: bytes, encoding: Encoding) -> Iterator[tuple[str, str | None]]:
    *lines, last = chunk.split(b"\n")
    for line in lines:
        yield _decoded(line)
    if last:
        text, problem = _decoded(last)
        if encoding is Encoding.PLAIN:
            # Compressed data has an end mark of its own; of plain text only the last line break shows that it is whole.
            problem = "the file's last line has no line break: it may be cut off"
        yield text, problem


def _decoded(line: bytes) -> tuple[str, str | None]:
    try:
        return line.decode().removesuffix("\r"), None
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace"), "is not UTF-8 text"


def _header_end(text: bytes) -> int | None:
    """Where the header ends, after its #CHROM line; None if it is not all there yet."""
    start = 0
    while text.startswith((b"##", _BYTE_ORDER_MARK), start):
        start = text.find(b"\n", start) + 1
        if not start:
            return None
    if len(text) - start < 2:
        return None
    return text.find(b"\n", start) + 1 or None


def _header(text: bytes) -> Header:
    lines = text.removesuffix(b"\n").split(b"\n")
    try:
        lines[-1].decode()
    except UnicodeDecodeError as error:
        raise VcfError(f"line {len(lines)}: sample names are not UTF-8 text") from error
    return parse_header(line.decode("utf-8", "replace") for line in lines)
