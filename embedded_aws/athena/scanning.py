"""What is read of a table's files: partitions by their values, row groups by their statistics, columns by name."""

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from embedded_aws.athena.catalog import Partition, Table
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.objects import StoredObject
from embedded_aws.athena.plans import Scan
from embedded_aws.athena.types import Type, quoted

_COMPARISONS: Mapping[type[exp.Expr], str] = {exp.EQ: "=", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
# What Hive calls the partition of rows that have no value.
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_MIRRORED = {"=": "=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}


def surviving(
    connection: duckdb.DuckDBPyConnection, table: Table, partitions: Sequence[Partition], scans: Iterable[Scan]
) -> list[Partition]:
    """The partitions that at least one of the scans may read, decided by their values alone."""
    keys = table.partition_keys
    if not keys or not partitions:
        return list(partitions)
    given = [partition.values for partition in partitions]
    columns = ", ".join(f"{quoted(key.name)} {key.type.duckdb()}" for key in keys)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE partition_values ({columns}, number INTEGER)")
    values = [[None if value == NO_VALUE else value for value in column] for column in zip(*given, strict=True)]
    spread = ", ".join("unnest(?)" for _ in range(len(keys) + 1))
    statement = f"INSERT INTO partition_values SELECT {spread}"
    connection.execute(statement, [*values, list(range(len(partitions)))])
    names = {key.name for key in keys}
    chosen: set[int] = set()
    for scan in scans:
        condition = " AND ".join(
            f"({part.sql('duckdb')})" for filter_ in scan.filters if (part := _about(filter_, names)) is not None
        )
        query = f"SELECT number FROM partition_values WHERE {condition or 'true'}"  # noqa: S608  (the optimizer's text)
        chosen.update(number for (number,) in connection.execute(query).fetchall())
    return [partition for number, partition in enumerate(partitions) if number in chosen]


def scanned_bytes(table: Table, scan: Scan, files: Iterable[Path]) -> int:
    """Compressed bytes of the column chunks that the scan reads: of its columns, in row groups that may have rows."""
    every = "*" in scan.columns
    keys = {key.name for key in table.partition_keys}
    of_rows = [filter_ for filter_ in scan.filters if not {c.name for c in filter_.find_all(exp.Column)} <= keys]
    total, rows = 0, None if of_rows else scan.rows
    for path in files:
        footer = _footer(path)
        for number in range(footer.num_row_groups):
            if rows is not None and rows <= 0:
                return total
            group = _RowGroup(footer.row_group(number))
            if all(_may_be_true(filter_, group.bounds) for filter_ in of_rows):
                total += sum(size for name, size in group.sizes.items() if every or name in scan.columns)
                rows = None if rows is None else rows - group.rows
    return total


def check_types(table: Table, stored: StoredObject, path: Path) -> frozenset[str]:
    """Columns that the file has. QueryError HIVE_BAD_DATA where one cannot be read as the type that is declared."""
    try:
        schema = _footer(path).schema.to_arrow_schema()
    except pa.ArrowInvalid as error:
        raise QueryError("HIVE_BAD_DATA", f"Not valid Parquet file: {stored.uri}: {error}") from error
    found = {field.name.lower(): field.type for field in schema}
    for column in table.columns:
        kind = found.get(column.name)
        if kind is not None and not _readable(kind, column.type):
            message = (
                f"Field {column.name}'s type {_physical(kind)} in parquet file {stored.uri} is incompatible with type "
                f"{column.type} defined in table schema"
            )
            raise QueryError("HIVE_BAD_DATA", message)
    return frozenset(found)


class _RowGroup:
    """Sizes and bounds of a row group by top-level column."""

    def __init__(self, group: Any) -> None:
        self.rows: int = group.num_rows
        self.sizes: dict[str, int] = {}
        self.bounds: dict[str, tuple[Any, Any, bool, bool]] = {}
        for number in range(group.num_columns):
            chunk = group.column(number)
            name = chunk.path_in_schema.split(".")[0].lower()
            self.sizes[name] = self.sizes.get(name, 0) + chunk.total_compressed_size
            if chunk.path_in_schema.lower() == name and (statistics := chunk.statistics) is not None:
                nulls = statistics.null_count if statistics.has_null_count else None
                low, high = (statistics.min, statistics.max) if statistics.has_min_max else (None, None)
                self.bounds[name] = (low, high, nulls != 0, nulls != self.rows)


def _about(node: exp.Expr, names: Collection[str]) -> exp.Expr | None:
    """What a condition demands of the named columns alone; None if nothing."""
    if isinstance(node, exp.Paren):
        return _about(node.this, names)
    if isinstance(node, exp.And):
        parts = [part for side in (node.left, node.right) if (part := _about(side, names)) is not None]
        return exp.and_(*parts, copy=True) if parts else None
    if isinstance(node, exp.Or):
        parts = [part for side in (node.left, node.right) if (part := _about(side, names)) is not None]
        return exp.or_(*parts, copy=True) if len(parts) == 2 else None
    columns = list(node.find_all(exp.Column))
    return node if columns and all(column.name in names for column in columns) else None


def _may_be_true(node: exp.Expr, bounds: Mapping[str, tuple[Any, Any, bool, bool]]) -> bool:
    """Whether a row within the bounds can satisfy the condition; True when in doubt."""
    if isinstance(node, exp.Paren):
        return _may_be_true(node.this, bounds)
    if isinstance(node, exp.And):
        return _may_be_true(node.left, bounds) and _may_be_true(node.right, bounds)
    if isinstance(node, exp.Or):
        return _may_be_true(node.left, bounds) or _may_be_true(node.right, bounds)
    if isinstance(node, exp.In) and isinstance(node.this, exp.Column) and node.expressions:
        return any(_compares(node.this, "=", value, bounds) for value in node.expressions)
    if isinstance(node, exp.Is) and isinstance(node.this, exp.Column) and isinstance(node.expression, exp.Null):
        known = bounds.get(node.this.name)
        return known is None or known[2]
    if isinstance(node, exp.Not) and isinstance(node.this, exp.Is) and isinstance(node.this.this, exp.Column):
        known = bounds.get(node.this.this.name)
        return known is None or known[3]
    if isinstance(node, exp.Binary) and (operator := _COMPARISONS.get(type(node))):
        if isinstance(node.left, exp.Column):
            return _compares(node.left, operator, node.right, bounds)
        if isinstance(node.right, exp.Column):
            return _compares(node.right, _MIRRORED[operator], node.left, bounds)
    return True


def _compares(
    column: exp.Column, operator: str, other: exp.Expr, bounds: Mapping[str, tuple[Any, Any, bool, bool]]
) -> bool:
    known = bounds.get(column.name)
    if known is None:
        return True
    low, high, _, has_values = known
    if not has_values:
        return False
    try:
        value = _value(other, low)
        if low is None or high is None or value is None:
            return True
        return bool(
            {
                "=": low <= value <= high,
                ">": high > value,
                ">=": high >= value,
                "<": low < value,
                "<=": low <= value,
            }[operator]
        )
    except (TypeError, ValueError):
        return True


def _value(node: exp.Expr, like: Any) -> Any:
    """A literal as a value comparable with `like`; None if it is none."""
    if isinstance(node, exp.Cast):
        node = node.this
    minus = isinstance(node, exp.Neg)
    literal = node.this if minus else node
    if not isinstance(literal, exp.Literal):
        return None
    if literal.is_string:
        return literal.name if isinstance(like, str) else type(like).fromisoformat(literal.name)
    number = float(literal.name) if isinstance(like, float) or "." in literal.name else int(literal.name)
    return -number if minus else number


@dataclass(frozen=True)
class _Content:
    """A file, known by its name: the cache names files after their content, so that a footer never changes."""

    name: str
    path: Path = field(compare=False)


@functools.lru_cache(maxsize=4096)
def _footer_of(content: _Content) -> Any:
    return pq.read_metadata(content.path)


def _footer(path: Path) -> Any:
    return _footer_of(_Content(path.name, path))


def _readable(kind: Any, declared: Type) -> bool:
    """Whether Athena reads a Parquet column of Arrow's `kind` as the declared type."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if declared.name == "array":
        return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _readable(
            kind.value_type, declared.arguments[0]
        )
    if declared.name == "map":
        return pa.types.is_map(kind) and all(
            _readable(part, wanted)
            for part, wanted in zip((kind.key_type, kind.item_type), declared.arguments, strict=True)
        )
    if declared.name == "row":
        if not pa.types.is_struct(kind):
            return False
        parts = {field.name.lower(): field.type for field in kind}
        pairs = zip(declared.fields, declared.arguments, strict=True)
        return all(_readable(parts[name.lower()], wanted) for name, wanted in pairs if name.lower() in parts)
    return any(test(kind) for test in _READABLE.get(declared.name, (lambda _: True,)))


_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
_READABLE: dict[str, tuple[Any, ...]] = {
    "boolean": (pa.types.is_boolean,),
    "tinyint": (pa.types.is_int8,),
    "smallint": (pa.types.is_int8, pa.types.is_int16),
    "integer": (pa.types.is_int8, pa.types.is_int16, pa.types.is_int32),
    "bigint": (pa.types.is_int8, pa.types.is_int16, pa.types.is_int32, pa.types.is_int64, pa.types.is_uint32),
    "real": (pa.types.is_float32,),
    "double": (pa.types.is_float32, pa.types.is_float64),
    "varchar": _TEXT,
    "varbinary": _TEXT,
    "date": (pa.types.is_date32,),
    "timestamp": (pa.types.is_timestamp,),
    "decimal": (pa.types.is_decimal,),
}


def _physical(kind: Any) -> str:
    """The Parquet type as Athena names it."""
    if pa.types.is_nested(kind):
        return "group"
    if pa.types.is_int64(kind) or pa.types.is_uint64(kind) or pa.types.is_timestamp(kind):
        return "INT64"
    if pa.types.is_integer(kind) or pa.types.is_date32(kind):
        return "INT32"
    names = {pa.float32(): "FLOAT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN"}
    return names.get(kind, "BINARY")
