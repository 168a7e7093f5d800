"""Reads a VCF or BCF as Arrow batches of rows, one range of the file at a time, in any order and any process."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glue_jobs.vcf import bcf
from glue_jobs.vcf.batches import Batch, RowBuffer
from glue_jobs.vcf.errors import RecordError, VcfError
from glue_jobs.vcf.header import Header, parse_header
from glue_jobs.vcf.records import RecordParser
from glue_jobs.vcf.sources import ByteSource
from glue_jobs.vcf.text import Body, ByteRange, Encoding, RangeText, detect, pieces, plan

_ROWS_PER_BATCH = 20_000
_CHUNK = 1 << 20
# So much text is read as columns at once: it still fits the processor's cache, nearly.
_COLUMN_CHUNK = 8 << 20
# Beyond this, offsets in the text do not fit 32 bits.
_MOST_COLUMN_BYTES = 1 << 30
# From so much text on, reading it as columns makes up for loading compiled code; compressed data is this much shorter.
_LARGE = 8 << 20
_PACKED = 8
_SITES_ONLY = 8
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class VcfFile:
    """What is known of a file before its records are read."""

    encoding: Encoding
    header: Header
    body: Body


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
    its neighbours (see RangeText). `by_columns` says whether lines are read together as columns, what does not go that
    way one by one; by default a range large enough to be worth it is. The rows are the same.
    """

    def __init__(self, source: ByteSource, file: VcfFile, part: ByteRange, *, by_columns: bool | None = None) -> None:
        self._source, self._file, self._part = source, file, part
        self._parser = RecordParser(file.header)
        wanted = _is_large(source, file, part) if by_columns is None else by_columns
        # A header with FORMAT and no samples is allowed, and not worth another way of reading.
        self._by_columns = wanted and (file.header.columns == _SITES_ONLY or bool(file.header.samples))
        self.lines = self.first = self.next = 0

    def __iter__(self) -> Iterator[Batch]:
        if self._file.encoding is Encoding.BCF:
            return self._batches((line, None) for line in bcf.record_lines(self._source))
        if self._by_columns:
            return self._column_batches()
        return self._batches(line for chunk in self._chunks(_CHUNK) for line in _split(chunk, self._file.encoding))

    def _chunks(self, size: int) -> Iterator[bytes]:
        text = RangeText(self._source, self._file.encoding, self._part, self._file.body, chunk=size)
        try:
            yield from text
        finally:
            self.first, self.next = text.first, text.next

    def _batches(self, lines: Iterable[tuple[str, str | None]]) -> Iterator[Batch]:
        """Rows of lines without their breaks, each with what is wrong with it as text, if anything."""
        rows = RowBuffer()
        for line, problem in lines:
            self.lines += 1
            self._read(line, problem, self.lines, rows)
            if rows.count >= _ROWS_PER_BATCH:
                yield rows.batch()
                rows = RowBuffer()
        if rows.count:
            yield rows.batch()

    def _column_batches(self) -> Iterator[Batch]:
        from glue_jobs.vcf.columns.chunks import ChunkReader  # noqa: PLC0415  (loading compiled code takes a second)

        reader = ChunkReader(self._file.header)
        for chunk in self._chunks(_COLUMN_CHUNK):
            whole = chunk.rfind(b"\n") + 1
            if whole > _MOST_COLUMN_BYTES:
                yield from self._batches(_split(chunk, self._file.encoding))
                continue
            found = reader.read(chunk[:whole])
            rows, before = RowBuffer(), self.lines
            self.lines += chunk.count(b"\n") + (whole < len(chunk))
            slow = [*found.slow.tolist(), *([self.lines - before - 1] if whole < len(chunk) else [])]
            texts = list(_split(chunk, self._file.encoding)) if slow else []
            for line in slow:
                text, problem = texts[line]
                self._read(text, problem, before + line + 1, rows)
            yield found.with_rows(rows, before + 1)

    def _read(self, line: str, problem: str | None, number: int, rows: RowBuffer) -> None:
        """Add the line's rows: all of them or, in `rejects`, what is wrong with it."""
        shown = None if self._file.encoding is Encoding.BCF else number
        try:
            if problem:
                raise RecordError(problem)
            if not line:
                return
            record = self._parser.parse(line)
            misfits = rows.add(number, record, self._parser.calls(record), self._file.header)
        except RecordError as error:
            rows.reject(shown, str(error), line)
            return
        for misfit in misfits:
            rows.reject(shown, misfit.reason, misfit.text, field=misfit.field)


def _is_large(source: ByteSource, file: VcfFile, part: ByteRange) -> bool:
    """Whether there is enough text in the range to make up for loading compiled code."""
    size = min(part.end, source.size) - part.start
    return size * (1 if file.encoding is Encoding.PLAIN else _PACKED) >= _LARGE


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
