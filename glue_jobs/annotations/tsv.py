"""Reads a TSV of declared columns as Arrow batches, one range of the file at a time."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from genomics.contracts.annotation_tables import OTHER_COLUMNS, AnnotationSchema, DeclaredColumn, chromosome
from genomics.contracts.tables import REJECTS
from glue_jobs.vcf import bgzf
from glue_jobs.vcf.errors import VcfError
from glue_jobs.vcf.schemas import arrow_type, row_schema
from glue_jobs.vcf.sources import ByteSource
from glue_jobs.vcf.text import Body, ByteRange, Encoding, RangeText, pieces

_ROWS_PER_BATCH = 20_000
_REJECT_CHARACTERS = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = "\ufeff"
_TRUE, _FALSE = ("1", "true", "t", "yes", "y"), ("0", "false", "f", "no", "n")
_INTEGERS = {"int": 1 << 31, "bigint": 1 << 63}


@dataclass(frozen=True)
class TsvFile:
    """What is known of a file before its rows are read. `names` are its columns, `lines` counts those of the header."""

    encoding: Encoding
    schema: AnnotationSchema
    names: tuple[str, ...]
    body: Body
    lines: int


@dataclass(frozen=True)
class TsvBatch:
    """Rows without provenance, and rejects as `row_schema` has them; their `line` counts from 1 within the range."""

    rows: pa.Table
    rejects: pa.RecordBatch


def open_tsv(source: ByteSource, schema: AnnotationSchema) -> TsvFile:
    """Recognise the file and read its header. VcfError says why it cannot be read."""
    encoding = _encoding(source)
    if not schema.has_header:
        names = tuple(column.header for column in schema.columns)
        return TsvFile(encoding, schema, names, Body(0, 0), 0)
    text = b""
    for piece in pieces(source, encoding, ByteRange(0, source.size)):
        text += piece.data
        end = _header_end(text)
        if end:
            skip = end - (len(text) - len(piece.data))
            body = Body(piece.offset, skip) if encoding is Encoding.BGZF else Body(piece.offset + skip - 1, 1)
            *comments, header = text[:end].splitlines()
            names = _names(header, len(comments) + 1, schema)
            return TsvFile(encoding, schema, names, body, len(comments) + 1)
    raise VcfError("has no line of column names with rows below; declare has_header false if there is none")


class TsvReader:
    """Iterates over the batches of one range; `lines`, `first` and `next` as RangeReader has them."""

    def __init__(self, source: ByteSource, file: TsvFile, part: ByteRange) -> None:
        self._source, self._file, self._part = source, file, part
        self.lines = self.first = self.next = 0

    def __iter__(self) -> Iterator[TsvBatch]:
        waiting = _Waiting()
        text = RangeText(self._source, self._file.encoding, self._part, self._file.body)
        try:
            for chunk in text:
                lines = chunk.split(b"\n")
                # Behind the last line break; of the file's last line only if that has none.
                if not lines[-1]:
                    lines.pop()
                for line in lines:
                    self.lines += 1
                    self._read(line, waiting)
                    if len(waiting.rows) + len(waiting.rejects) >= _ROWS_PER_BATCH:
                        yield _batch(waiting, self._file)
                        waiting = _Waiting()
        finally:
            self.first, self.next = text.first, text.next
        if waiting.rows or waiting.rejects:
            yield _batch(waiting, self._file)

    def _read(self, raw: bytes, waiting: "_Waiting") -> None:
        try:
            line = raw.decode().removesuffix("\r")
        except UnicodeDecodeError:
            waiting.reject(self.lines, "is not UTF-8 text", raw.decode("utf-8", "replace"))
            return
        if not line:
            return
        fields = line.split("\t")
        if len(fields) != len(self._file.names):
            waiting.reject(self.lines, f"{len(fields)} columns, expected {len(self._file.names)}", line)
            return
        waiting.rows.append(fields)
        waiting.numbers.append(self.lines)


@dataclass
class _Waiting:
    """Lines that wait to become a batch. `dropped` are the indexes of rows whose place cannot be read."""

    rows: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)

    def reject(self, line: int, reason: str, text: str, *, name: str | None = None) -> None:
        self.rejects.append({"line": line, "field": name, "reason": reason, "text": text[:_REJECT_CHARACTERS]})

    def in_order(self) -> list[dict[str, Any]]:
        """The rejects by line; fields of a line that was dropped are not kept, so nothing is said of them."""
        dropped = {self.numbers[index] for index in self.dropped}
        kept = (reject for reject in self.rejects if reject["field"] is None or reject["line"] not in dropped)
        return sorted(kept, key=lambda reject: int(reject["line"]))


def _batch(waiting: _Waiting, file: TsvFile) -> TsvBatch:
    schema, place = file.schema, file.schema.location
    required = (place.chrom, place.start, place.end) if place else ()
    texts = dict(zip(file.names, zip(*waiting.rows, strict=True), strict=True)) if waiting.rows else {}
    others: list[list[tuple[str, str | None]]] = [[] for _ in waiting.rows]
    columns: dict[str, pa.Array] = {}
    for column in schema.columns:
        values = _values(column, schema, texts.get(column.header), waiting, others, is_required=column.name in required)
        if place and place.base == 0 and column.name == place.start:
            values = [None if value is None else value + 1 for value in values]
        columns[column.name] = pa.array(values, arrow_type(column.type))
        if place and column.name == place.chrom:
            columns["chromosome"] = pa.array([None if v is None else chromosome(v) for v in values], pa.string())
    declared = {column.header for column in schema.columns}
    for name in (name for name in texts if name not in declared):
        for other, text in zip(others, texts[name], strict=True):
            other.append((name, text or None))
    columns[OTHER_COLUMNS] = pa.array([other or None for other in others], arrow_type("map<string,string>"))
    rows = pa.table(columns)
    if waiting.dropped:
        rows = rows.take(pa.array([i for i in range(rows.num_rows) if i not in waiting.dropped], pa.int64()))
    return TsvBatch(rows, pa.RecordBatch.from_pylist(waiting.in_order(), schema=row_schema(REJECTS)))


def _values(
    column: DeclaredColumn,
    schema: AnnotationSchema,
    texts: Sequence[str] | None,
    waiting: _Waiting,
    others: list[list[tuple[str, str | None]]],
    *,
    is_required: bool,
) -> list[Any]:
    """A column's values. One that is not of its type is null and kept as text; if it is a place, its row is dropped."""
    if texts is None:
        return [None] * len(waiting.rows)
    parse = _parser(column, frozenset((*schema.nulls, *column.nulls)))
    # Most values of a column stand there many times.
    parsed = {text: _parsed(parse, text) for text in set(texts)}
    values = [parsed[text] for text in texts]
    if not any(isinstance(value, ValueError) for value in parsed.values()):
        return values
    for index, value in enumerate(values):
        if not isinstance(value, ValueError):
            continue
        values[index] = None
        line, text = waiting.numbers[index], texts[index]
        if not is_required:
            others[index].append((column.header, text))
            waiting.reject(line, f"{value}; kept as text", text, name=column.header)
        elif index not in waiting.dropped:
            waiting.dropped.add(index)
            waiting.reject(line, f"{column.header}: {value}", "\t".join(waiting.rows[index]))
    return values


def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    """The value, or the error that says why it is none."""
    try:
        return parse(text)
    except ValueError as error:
        return error


def _parser(column: DeclaredColumn, nulls: frozenset[str]) -> Callable[[str], Any]:
    scalar = _scalar(column)

    def one(text: str) -> Any:
        return None if text in nulls else scalar(text)

    def several(text: str) -> Any:
        if text in nulls:
            return None
        values = [one(part.strip()) for part in text.split(column.separator)]
        # An array that is all missing is null.
        return None if values.count(None) == len(values) else values

    return several if column.is_array else one


def _scalar(column: DeclaredColumn) -> Callable[[str], Any]:
    match column.element:
        case "string":
            return lambda text: text or None
        case "boolean":
            return _boolean
        case "double":
            return _double
        case "date":
            return functools.partial(_date, form=column.format)
        case kind:
            return functools.partial(_integer, limit=_INTEGERS[kind])


def _integer(text: str, *, limit: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an integer") from None
    if not -limit <= value < limit or "_" in text:
        raise ValueError(f"{text[:40]!r} is not an integer of this size")
    return value


def _double(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a number") from None


def _boolean(text: str) -> bool:
    word = text.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{text[:40]!r} is neither true nor false")


@functools.lru_cache(maxsize=1 << 16)
def _date(text: str, *, form: str) -> date:
    try:
        return datetime.strptime(text, form).date()
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a date such as {form}") from None


def _encoding(source: ByteSource) -> Encoding:
    head = source.read(0, bgzf.MAX_BLOCK)
    if not head:
        raise VcfError("is empty; expected a TSV")
    if not head.startswith(_GZIP_MAGIC):
        return Encoding.PLAIN
    return Encoding.GZIP if bgzf.block_size(head) is None else Encoding.BGZF


def _header_end(text: bytes) -> int | None:
    """Where the line of column names ends, which `##` lines may precede; None if it is not all there yet."""
    start = 0
    while text.startswith(b"##", start):
        start = text.find(b"\n", start) + 1
        if not start:
            return None
    return text.find(b"\n", start) + 1 or None


def _names(header: bytes, number: int, schema: AnnotationSchema) -> tuple[str, ...]:
    try:
        names = tuple(header.decode().removeprefix(_BYTE_ORDER_MARK).removeprefix("#").rstrip("\r").split("\t"))
    except UnicodeDecodeError as error:
        raise VcfError(f"line {number}: column names are not UTF-8 text") from error
    if twice := [name for name in names if names.count(name) > 1]:
        raise VcfError(f"line {number}: column {twice[0]!r} stands there twice; rename one")
    if "" in names:
        raise VcfError(f"line {number}: column {names.index('') + 1} has no name")
    for column in schema.columns:
        if column.header not in names and not column.optional:
            raise VcfError(f"line {number}: has no column {column.header!r}; the schema {schema.name} declares it")
    return names
