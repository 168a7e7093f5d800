"""What a query answers: values as Athena prints them, the CSV object, and pages of rows."""

import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from embedded_aws.athena.types import ZONED, Type

Row = Sequence[str | None]
# Precision and scale in the metadata, as Athena reports them.
_PRECISIONS = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "real": 17,
    "double": 17,
    "timestamp": 3,
    "varchar": 2147483647,
    "varbinary": 1073741824,
    "timestamp with time zone": 3,
}
_CSV_FIELD = re.compile(r'"((?:[^"]|"")*)"|([^,\n]*)')


@dataclass(frozen=True)
class Results:
    """Columns by name and type, and rows of texts. `titled`: the first page starts with the columns' names."""

    columns: tuple[tuple[str, Type], ...]
    rows: Sequence[Row]
    titled: bool = True

    def page(self, start: int, size: int) -> tuple[list[dict[str, Any]], int | None]:
        """Rows as GetQueryResults gives them, and where the next page starts."""
        head: list[Row] = [[name for name, _ in self.columns]] if self.titled else []
        everything = len(head) + len(self.rows)
        end = min(start + size, everything)
        chosen = [head[i] if i < len(head) else self.rows[i - len(head)] for i in range(start, end)]
        rows = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in chosen]
        return rows, end if end < everything else None

    def metadata(self) -> list[dict[str, Any]]:
        """ColumnInfo of each column."""
        return [_column_info(name, kind) for name, kind in self.columns]

    def csv(self) -> bytes:
        """The results object: every value quoted, a null empty and unquoted."""
        lines = [[name for name, _ in self.columns], *self.rows]
        return "".join(",".join(map(_quoted, line)) + "\n" for line in lines).encode()

    def text(self) -> bytes:
        """The results object of a statement that is not a query: the rows' values, separated by tabs."""
        return "".join("\t".join(value or "" for value in row) + "\n" for row in self.rows).encode()


def of_values(columns: Sequence[tuple[str, Type]], rows: Iterable[Sequence[Any]]) -> Results:
    """Results of Python values as DuckDB returns them."""
    printers = [printer(kind) for _, kind in columns]
    texts = [
        [None if value is None else show(value) for show, value in zip(printers, row, strict=True)] for row in rows
    ]
    return Results(tuple(columns), texts)


def lines(name: str, values: Iterable[str]) -> Results:
    """Results of SHOW and DESCRIBE: one column of text without a title row."""
    return Results(((name, Type("string")),), [[value] for value in values], titled=False)


def parse_csv(text: str) -> list[list[str | None]]:
    """Read a results object's lines: the opposite of `csv`, where null and the empty text differ."""
    rows: list[list[str | None]] = []
    row: list[str | None] = []
    position = 0
    while position < len(text):
        match = _CSV_FIELD.match(text, position)
        assert match is not None  # noqa: S101  (the expression also matches nothing)
        row.append(match[1].replace('""', '"') if match[1] is not None else match[2] or None)
        position = match.end()
        if position >= len(text) or text[position] == "\n":
            rows.append(row)
            row = []
        position += 1
    return rows


def printer(kind: Type) -> Callable[[Any], str]:
    """How Athena prints a value of the type that is not null."""
    if kind.name == "array":
        element = _nullable(kind.arguments[0])
        return lambda value: "[" + ", ".join(map(element, value)) + "]"
    if kind.name == "map":
        key, item = printer(kind.arguments[0]), _nullable(kind.arguments[1])
        return lambda value: "{" + ", ".join(f"{key(k)}={item(v)}" for k, v in value.items()) + "}"
    if kind.name == "row":
        fields = [
            # A field without a name: DuckDB calls it `_0`, Athena prints it as `field0`.
            (name, re.sub(r"^_(\d+)$", r"field\1", name), _nullable(child))
            for name, child in zip(kind.fields, kind.arguments, strict=True)
        ]
        return lambda value: "{" + ", ".join(f"{shown}={show(value[name])}" for name, shown, show in fields) + "}"
    if kind.fields == ZONED:
        return lambda value: f"{_timestamp(value['$at'])} {value['$zone']}"
    return _PRINTERS.get(kind.name, str)


def _nullable(kind: Type) -> Callable[[Any], str]:
    show = printer(kind)
    return lambda value: "null" if value is None else show(value)


def _double(value: float) -> str:
    return _java(value, repr(value))


def _real(value: float) -> str:
    """The shortest decimal that is this 32-bit number."""
    if not math.isfinite(value):
        return _java(value, "")
    packed = struct.pack("f", value)
    return _java(value, next(text for n in range(1, 10) if struct.pack("f", float(text := f"{value:.{n}g}")) == packed))


def _java(value: float, shortest: str) -> str:
    """A floating-point number as Java's Double.toString writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    minus = "-" if sign else ""
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return minus + "0.0"
    point = len(text) + int(exponent)  # the number is 0.text times 10 to the power of point
    text = text.rstrip("0")
    if not 1e-3 <= abs(value) < 1e7:
        return f"{minus}{text[0]}.{text[1:] or '0'}E{point - 1}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    return f"{minus}{text[:point].ljust(point, '0')}.{text[point:] or '0'}"


def _timestamp(value: datetime | str) -> str:
    return value if isinstance(value, str) else f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"


def _time(value: time | str) -> str:
    return value if isinstance(value, str) else f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}"


def _interval(value: timedelta) -> str:
    """Of days and seconds."""
    milliseconds = value // timedelta(milliseconds=1)
    sign, rest = ("-" if milliseconds < 0 else ""), abs(milliseconds)
    days, rest = divmod(rest, 86_400_000)
    seconds, thousandths = divmod(rest, 1000)
    return f"{sign}{days} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{thousandths:03d}"


def scientific(value: float) -> str:
    """A double as CAST(value AS varchar) writes it."""
    if not math.isfinite(value) or not value:
        return _java(value, "") if value else ("-0.0E0" if math.copysign(1, value) < 0 else "0.0E0")
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    power = len(text) + int(exponent) - 1
    text = text.rstrip("0")
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"


def _date(value: date | str) -> str:
    return str(value)


_PRINTERS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "double": _double,
    "real": _real,
    "timestamp": _timestamp,
    "timestamp with time zone": lambda value: f"{_timestamp(value)} UTC",
    "time": _time,
    "date": _date,
    "interval day to second": _interval,
    "varbinary": lambda value: value.hex(" "),
    "decimal": lambda value: format(value, "f"),
}


def _column_info(name: str, kind: Type) -> dict[str, Any]:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind.reported,
        "Precision": kind.precision if kind.name == "decimal" else _PRECISIONS.get(kind.name, 0),
        "Scale": kind.scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind.name == "varchar",
    }


def _quoted(value: str | None) -> str:
    return "" if value is None else '"' + value.replace('"', '""') + '"'


def metadata_object(results: Results) -> bytes:
    """The `.metadata` object beside the results: their columns as JSON."""
    return json.dumps(results.metadata()).encode()
