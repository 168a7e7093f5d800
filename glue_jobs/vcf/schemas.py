"""Arrow schemas of the lake's tables, from their Hive types."""

import functools

import pyarrow as pa

from genomics.contracts.tables import Column, Table

# Of strings by name there are a dozen in each row, under few names.
TEXTS_BY_NAME = pa.map_(pa.dictionary(pa.int32(), pa.string()), pa.string())
_SCALARS = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
}


def arrow_type(hive_type: str) -> pa.DataType:
    """`map<string,array<int>>` and the like."""
    if hive_type in _SCALARS:
        return _SCALARS[hive_type]
    outer, _, inner = hive_type.removesuffix(">").partition("<")
    if outer == "array":
        return pa.list_(arrow_type(inner))
    if outer == "map":
        key, _, value = inner.partition(",")
        return TEXTS_BY_NAME if key == value == "string" else pa.map_(arrow_type(key), arrow_type(value))
    raise ValueError(f"{hive_type!r} has no Arrow type")


def _schema(columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([pa.field(column.name, arrow_type(column.type)) for column in columns])


@functools.cache
def file_schema(table: Table) -> pa.Schema:
    """Columns of the table's files."""
    return _schema(table.columns)


@functools.cache
def row_schema(table: Table) -> pa.Schema:
    """Columns that a record gives: the files' and, before them, the partitions', without what the load itself says."""
    from_load = {"dataset", "source_uri", "source_sha256", "run_id"}
    return _schema(tuple(c for c in (*table.partitions, *table.columns) if c.name not in from_load))
