"""Tables of text: lines as Hive's serializers write and read them.

https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
"""

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from embedded_aws.athena.catalog import Column, Table
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.objects import StoredObject
from embedded_aws.athena.results import printer
from embedded_aws.athena.types import Type
from embedded_aws.glue.hive_formats import HIVE_JSON, LAZY_SIMPLE, OPEN_CSV, OPENX_JSON

_JSON = (OPENX_JSON, HIVE_JSON)
SERDES = (LAZY_SIMPLE, OPEN_CSV, *_JSON)
_EPOCH = datetime(1970, 1, 1)
_CONTROL = {"\\t": "\t", "\\001": "\x01", "\\002": "\x02", "\\003": "\x03", "\\n": "\n", "\\\\": "\\"}
_COMPRESSED = {".gz": gzip.decompress, ".bz2": bz2.decompress}
_UNREADABLE = (".zst", ".snappy", ".lz4", ".lzo", ".deflate")
_TRUTH = {"true": True, "false": False}


class _MismatchError(ValueError):
    """A text is no value of its column's type."""


@dataclass(frozen=True)
class _Delimiters:
    """LazySimpleSerDe's settings; `nested` are the delimiters from the outermost level on."""

    nested: tuple[str, ...]
    escape: str | None
    null: str


def to_parquet(table: Table, stored: StoredObject, path: Path, target: Path) -> None:
    """Write an object's rows to a Parquet file with the table's columns. QueryError for what cannot be read."""
    rows = list(_rows(table, stored, _content(stored, path)))
    arrays = [
        pa.array([row[number] for row in rows], type=arrow_type(column.type))
        for number, column in enumerate(table.columns)
    ]
    pq.write_table(pa.table(arrays, names=[column.name for column in table.columns]), target)


def write(serde: str, parameters: Mapping[str, str], columns: Sequence[Column], path: Path) -> bytes:
    """The rows of a Parquet file as a serializer's text."""
    rows = pq.read_table(path).to_pylist()
    if serde in _JSON:
        lines = (json.dumps({c.name: _jsonable(row[c.name], c.type) for c in columns}) for row in rows)
    elif serde == LAZY_SIMPLE:
        delimiters = _delimiters(parameters)
        lines = (_lazy_line([(row[c.name], c.type) for c in columns], delimiters) for row in rows)
    else:
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not write with {serde}")
    return "".join(f"{line}\n" for line in lines).encode()


def arrow_type(kind: Type) -> Any:
    """The Arrow type that holds a column's values."""
    if kind.name == "array":
        return pa.list_(arrow_type(kind.arguments[0]))
    if kind.name == "map":
        return pa.map_(*map(arrow_type, kind.arguments))
    if kind.name == "row":
        return pa.struct([pa.field(n, arrow_type(k)) for n, k in zip(kind.fields, kind.arguments, strict=True)])
    if kind.name == "decimal":
        return pa.decimal128(kind.precision, kind.scale)
    return _ARROW[kind.name]


_ARROW = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "varchar": pa.string(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms"),
}


def _content(stored: StoredObject, path: Path) -> str:
    suffix = Path(stored.key).suffix.lower()
    if suffix in _UNREADABLE:
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not read {suffix} files: {stored.uri}")
    try:
        content = _COMPRESSED.get(suffix, lambda raw: raw)(path.read_bytes())
    except (OSError, EOFError) as error:
        raise QueryError("HIVE_CURSOR_ERROR", f"Failed to read file: {stored.uri}: {error}") from error
    return content.decode(errors="replace")


def _rows(table: Table, stored: StoredObject, text: str) -> Iterator[list[Any]]:
    descriptor = table.document.get("StorageDescriptor") or {}
    own = (descriptor.get("SerdeInfo") or {}).get("Parameters") or {}
    settings = {**(table.document.get("Parameters") or {}), **own}
    skipped = int(settings.get("skip.header.line.count") or 0)
    if table.serde == OPEN_CSV:
        return _csv_rows(table.columns, text, settings, skipped)
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    lines = lines[skipped:]
    if table.serde in _JSON:
        return _json_rows(table.columns, lines, settings, stored)
    return _lazy_rows(table.columns, lines, _delimiters(settings))


def _delimiters(settings: Mapping[str, str]) -> _Delimiters:
    def control(name: str, default: str) -> str:
        given = settings.get(name) or default
        return _CONTROL.get(given, given)

    outer = control("field.delim", settings.get("serialization.format") or "\x01")
    if outer.isdigit():  # `serialization.format` may be the number of a control character
        outer = chr(int(outer))
    items = control("collection.delim", settings.get("colelction.delim") or "\x02")
    further = tuple(map(chr, range(4, 9)))
    nested = (outer, items, control("mapkey.delim", "\x03"), *further)
    escape = settings.get("escape.delim")
    return _Delimiters(
        nested, _CONTROL.get(escape, escape) if escape else None, settings.get("serialization.null.format", "\\N")
    )


def _lazy_rows(columns: Sequence[Column], lines: Iterable[str], delimiters: _Delimiters) -> Iterator[list[Any]]:
    """LazySimpleSerDe: what does not fit its type is null, and so is what a line is too short for."""
    for line in lines:
        fields = _split(line.removesuffix("\r"), delimiters.nested[0], delimiters.escape)
        fields += [delimiters.null] * (len(columns) - len(fields))
        yield [_lazy(field, column.type, delimiters, 1) for field, column in zip(fields, columns, strict=False)]


def _split(text: str, delimiter: str, escape: str | None) -> list[str]:
    if escape is None:
        return text.split(delimiter)
    parts, escaped = [""], False
    for character in text:
        if escaped or character not in (delimiter, escape):
            # Inner levels have their own look at what is escaped.
            parts[-1] += (escape + character) if escaped and character not in (delimiter, escape) else character
            escaped = False
        elif character == escape:
            escaped = True
        else:
            parts.append("")
    return parts


def _lazy(text: str, kind: Type, delimiters: _Delimiters, level: int) -> Any:
    if text == delimiters.null:
        return None
    if kind.name in ("array", "map", "row"):
        if not text:
            return None if kind.name == "row" else []
        parts = _split(text, delimiters.nested[level], delimiters.escape)
        return _nested(parts, kind, delimiters, level)
    try:
        return _PARSERS[kind.name](text, kind)
    except _MismatchError:
        return None


def _nested(parts: Sequence[str], kind: Type, delimiters: _Delimiters, level: int) -> Any:
    if kind.name == "array":
        return [_lazy(part, kind.arguments[0], delimiters, level + 1) for part in parts]
    if kind.name == "row":
        values = [_lazy(p, k, delimiters, level + 1) for p, k in zip(parts, kind.arguments, strict=False)]
        return dict(zip(kind.fields, [*values, *[None] * (len(kind.fields) - len(values))], strict=True))
    entries = (part.partition(delimiters.nested[level + 1]) for part in parts)
    key, value = kind.arguments
    return [(_lazy(k, key, delimiters, level + 2), _lazy(v, value, delimiters, level + 2)) for k, _, v in entries]


def _csv_rows(columns: Sequence[Column], text: str, settings: Mapping[str, str], skipped: int) -> Iterator[list[Any]]:
    """OpenCSVSerDe: all values are texts, then taken for the columns' types; what does not fit is an error."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=_CONTROL.get(settings.get("separatorChar", ","), settings.get("separatorChar", ",")),
        quotechar=settings.get("quoteChar", '"'),
        escapechar=_CONTROL.get(settings.get("escapeChar", "\\"), settings.get("escapeChar", "\\")),
    )
    for number, fields in enumerate(reader):
        if number < skipped:
            continue
        padded: list[str | None] = [*fields, *[None] * (len(columns) - len(fields))]
        yield [
            None if value is None else _csv_value(value, column.type, place)
            for place, (value, column) in enumerate(zip(padded, columns, strict=False))
        ]


def _csv_value(text: str, kind: Type, place: int) -> Any:
    """Dates count days and timestamps milliseconds: https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html."""
    try:
        if kind.name == "date":
            return _EPOCH.date() + timedelta(days=int(text))
        if kind.name == "timestamp":
            return _EPOCH + timedelta(milliseconds=int(text))
        if kind.name in ("array", "map", "row"):
            raise QueryError("NOT_SUPPORTED", f"OpenCSVSerde has no columns of type {kind}")
        return _PARSERS[kind.name](text, kind)
    except ValueError as error:
        message = f"Error parsing field value '{text}' for field {place}: For input string: \"{text}\""
        raise QueryError("HIVE_BAD_DATA", message) from error


def _json_rows(
    columns: Sequence[Column], lines: Iterable[str], settings: Mapping[str, str], stored: StoredObject
) -> Iterator[list[Any]]:
    """Fields by their names in any case; of a line that is no object nothing is taken where the table says so."""
    lenient = settings.get("ignore.malformed.json", "false").lower() == "true"
    for line in lines:
        if not line.strip():
            continue
        try:
            document = json.loads(line, parse_float=Decimal)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            if not lenient:
                message = f"Row is not a valid JSON Object - JSONException: {line[:80]} ({stored.uri})"
                raise QueryError("HIVE_CURSOR_ERROR", message)
            document = {}
        fields = {name.lower(): value for name, value in document.items()}
        yield [_of_json(fields.get(column.name), column.type, stored) for column in columns]


def _of_json(value: Any, kind: Type, stored: StoredObject) -> Any:
    if value is None:
        return None
    if kind.name == "varchar":
        return value if isinstance(value, str) else json.dumps(value, default=float)
    try:
        if kind.name == "array":
            return [_of_json(item, kind.arguments[0], stored) for item in value]
        if kind.name == "map":
            key, item = kind.arguments
            return [(_of_json(k, key, stored), _of_json(v, item, stored)) for k, v in value.items()]
        if kind.name == "row":
            fields = {name.lower(): inner for name, inner in value.items()}
            pairs = zip(kind.fields, kind.arguments, strict=True)
            return {name: _of_json(fields.get(name.lower()), inner, stored) for name, inner in pairs}
        return _PARSERS[kind.name](_plain(value), kind)
    except (ValueError, TypeError, AttributeError) as error:
        raise QueryError("HIVE_BAD_DATA", f"Error parsing field value for field: {value} ({stored.uri})") from error


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integer(text: str, kind: Type) -> int:
    try:
        value = int(text) if "_" not in text else None
    except ValueError:
        value = None
    bits = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}[kind.name]
    if value is None or not -(1 << bits) <= value < 1 << bits:
        raise _MismatchError(text)
    return value


def _number(text: str, _: Type) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _MismatchError(text) from error


def _decimal(text: str, kind: Type) -> Decimal:
    try:
        return Decimal(text).quantize(Decimal(1).scaleb(-kind.scale))
    except InvalidOperation as error:
        raise _MismatchError(text) from error


def _boolean(text: str, _: Type) -> bool:
    if text.lower() not in _TRUTH:
        raise _MismatchError(text)
    return _TRUTH[text.lower()]


def _date(text: str, _: Type) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _MismatchError(text) from error


def _timestamp(text: str, _: Type) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as error:
        raise _MismatchError(text) from error


_PARSERS: Mapping[str, Callable[[str, Type], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), _integer),
    **dict.fromkeys(("real", "double"), _number),
    "decimal": _decimal,
    "boolean": _boolean,
    "varchar": lambda text, _: text,
    "varbinary": lambda text, _: text.encode(),
    "date": _date,
    "timestamp": _timestamp,
}


def _lazy_line(values: Iterable[tuple[Any, Type]], delimiters: _Delimiters) -> str:
    return delimiters.nested[0].join(_lazy_text(value, kind, delimiters, 1) for value, kind in values)


def _lazy_text(value: Any, kind: Type, delimiters: _Delimiters, level: int) -> str:
    if value is None:
        return delimiters.null
    if kind.name == "array":
        inner = kind.arguments[0]
        return delimiters.nested[level].join(_lazy_text(item, inner, delimiters, level + 1) for item in value)
    if kind.name == "row":
        pairs = zip(value.values(), kind.arguments, strict=True)
        return delimiters.nested[level].join(_lazy_text(item, inner, delimiters, level + 1) for item, inner in pairs)
    if kind.name == "map":
        key, item = kind.arguments
        return delimiters.nested[level].join(
            delimiters.nested[level + 1].join(
                (_lazy_text(k, key, delimiters, level + 2), _lazy_text(v, item, delimiters, level + 2))
            )
            for k, v in value
        )
    return printer(kind)(value)


_OF_JSON = ("tinyint", "smallint", "integer", "bigint", "boolean", "varchar", "double", "real")


def _jsonable(value: Any, kind: Type) -> Any:
    if value is None or kind.name in (
        "tinyint",
        "smallint",
        "integer",
        "bigint",
        "boolean",
        "varchar",
        "double",
        "real",
    ):
        return value
    if kind.name == "array":
        return [_jsonable(item, kind.arguments[0]) for item in value]
    if kind.name == "map":
        return {str(k): _jsonable(v, kind.arguments[1]) for k, v in value}
    if kind.name == "row":
        pairs = zip(kind.fields, kind.arguments, strict=True)
        return {name: _jsonable(value[name], inner) for name, inner in pairs}
    return printer(kind)(value)
