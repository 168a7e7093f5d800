"""Writes a query's answer as a table, CSV, JSON or Parquet."""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rich import box
from rich.table import Table
from rich.text import Text

from genomics_cli.athena import Answer, result_file, rows
from genomics_cli.cloud import Platform
from genomics_cli.consoles import open_console
from genomics_cli.errors import UserError

FORMATS = ("table", "csv", "json", "parquet")
_ROWS_SHOWN = 1000
_INTEGERS = ("tinyint", "smallint", "integer", "int", "bigint")
_FLOATS = ("float", "real", "double")
_NUMBERS = (*_INTEGERS, *_FLOATS, "decimal")
_ARROW_TYPES = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "real": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
}

Row = tuple[str | None, ...]


def write_answer(platform: Platform, answer: Answer, *, kind: str, output: Path | None) -> None:
    """Write an answer to a file, or print it."""
    if kind == "parquet" and output:
        if not answer.has_header_row:
            raise UserError("only the answer of a SELECT can be written as Parquet")
        write_parquet(output, result_file(platform, answer), answer.columns, answer.types)
    elif kind == "csv":
        text = as_csv(answer.columns, rows(platform, answer))
        output.write_text(text, encoding="utf-8") if output else click.echo(text, nl=False)
    elif kind == "json":
        text = as_json(answer, rows(platform, answer)) + "\n"
        output.write_text(text, encoding="utf-8") if output else click.echo(text, nl=False)
    else:
        table, is_cut = as_table(answer.columns, answer.types, rows(platform, answer))
        with output.open("w") if output else nullcontext() as file:
            open_console(file=file).print(table)
        if is_cut:
            click.echo(f"only the first {_ROWS_SHOWN} rows are shown; --format csv has all", err=True)


def as_table(columns: Sequence[str], types: Sequence[str], values: Iterable[Row]) -> tuple[Table, bool]:
    """The first 1000 rows for the terminal, and whether there were more."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, kind in zip(columns, types, strict=True):
        table.add_column(name, justify="right" if kind in _NUMBERS else "left", overflow="fold")
    remaining = iter(values)
    for row in islice(remaining, _ROWS_SHOWN):
        table.add_row(*(Text("" if value is None else value) for value in row))
    return table, next(remaining, None) is not None


def as_csv(columns: Sequence[str], values: Iterable[Row]) -> str:
    """CSV with a header; a null is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(values)
    return out.getvalue()


def as_json(answer: Answer, values: Iterable[Row]) -> str:
    """A document with `columns`, `types`, `rows`, `seconds` and `scanned_bytes`; a row is an array of typed values.

    Integers, finite floating-point numbers, booleans and nulls are JSON's own; everything else is Athena's text.
    """
    document = {
        "columns": answer.columns,
        "types": answer.types,
        "rows": [[_value(*cell) for cell in zip(row, answer.types, strict=True)] for row in values],
        "seconds": answer.seconds,
        "scanned_bytes": answer.scanned_bytes,
    }
    return json.dumps(document, ensure_ascii=False)


def _value(text: str | None, kind: str) -> str | int | float | bool | None:
    if text is None:
        return None
    if kind == "boolean":
        return text == "true"
    if kind in _INTEGERS:
        return int(text)
    if kind in _FLOATS and math.isfinite(number := float(text)):
        return number
    return text


def write_parquet(path: Path, result_file: bytes, columns: Sequence[str], types: Sequence[str]) -> int:
    """Turn Athena's CSV into Parquet with the query's types; arrays and maps stay text. Returns the number of rows."""
    schema = {name: _ARROW_TYPES.get(kind, pa.string()) for name, kind in zip(columns, types, strict=True)}
    table = pa.csv.read_csv(
        io.BytesIO(result_file),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        # Athena quotes every value, so that nothing at all is null and "" an empty string.
        convert_options=pa.csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    pa.parquet.write_table(table, path)
    return int(table.num_rows)
