"""The tables of information_schema, filled from the Glue catalog as the caller sees it.

https://docs.aws.amazon.com/athena/latest/ug/querying-glue-catalog.html
"""

from collections.abc import Callable, Iterable, Mapping

import duckdb

from embedded_aws.athena.catalog import CATALOG, Catalog, Table
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.types import quoted

NAME = "information_schema"
# DuckDB has an information_schema of its own.
SCHEMA = "$information_schema"
_Rows = Iterable[tuple[object, ...]]


def make(connection: duckdb.DuckDBPyConnection, catalog: Catalog, name: str, position: tuple[int, int] | None) -> Table:
    """Make and fill the table in SCHEMA. QueryError TABLE_NOT_FOUND when there is none of that name."""
    if name not in _TABLES:
        message = f"Table '{CATALOG}.{NAME}.{name}' does not exist"
        raise QueryError("TABLE_NOT_FOUND", message, position)
    columns, rows = _TABLES[name]
    place = f"{quoted(SCHEMA)}.{quoted(name)}"
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(SCHEMA)}")
    connection.execute(f"CREATE TABLE {place} ({', '.join(f'{c} {k}' for c, k in columns.items())})")
    found = list(rows(catalog))
    if found:
        marks = ", ".join("?" for _ in columns)
        connection.executemany(f"INSERT INTO {place} VALUES ({marks})", found)  # noqa: S608
    # Its rows are there already, as a view's are.
    return Table(SCHEMA, name, (), (), "", query="", query_database=SCHEMA, document={})


def _schemata(catalog: Catalog) -> _Rows:
    return ((CATALOG, name) for name in (*catalog.databases(), NAME))


def _every(catalog: Catalog) -> Iterable[Table]:
    return (table for database in catalog.databases() for table in catalog.tables(database))


def _tables(catalog: Catalog) -> _Rows:
    return ((CATALOG, t.database, t.name, "VIEW" if t.is_view else "BASE TABLE") for t in _every(catalog))


def _views(catalog: Catalog) -> _Rows:
    return ((CATALOG, t.database, t.name, t.query) for t in _every(catalog) if t.is_view)


def _columns(catalog: Catalog) -> _Rows:
    for table in _every(catalog):
        keys = {key.name for key in table.partition_keys}
        for place, column in enumerate((*table.columns, *table.partition_keys), start=1):
            extra = "partition key" if column.name in keys else None
            told = (column.name, place, None, "YES", str(column.type), column.comment or None, extra)
            yield (CATALOG, table.database, table.name, *told)


_OF_TABLE = {"table_catalog": "VARCHAR", "table_schema": "VARCHAR", "table_name": "VARCHAR"}
_TABLES: Mapping[str, tuple[Mapping[str, str], Callable[[Catalog], _Rows]]] = {
    "schemata": ({"catalog_name": "VARCHAR", "schema_name": "VARCHAR"}, _schemata),
    "tables": ({**_OF_TABLE, "table_type": "VARCHAR"}, _tables),
    "views": ({**_OF_TABLE, "view_definition": "VARCHAR"}, _views),
    "columns": (
        {
            **_OF_TABLE,
            "column_name": "VARCHAR",
            "ordinal_position": "BIGINT",
            "column_default": "VARCHAR",
            "is_nullable": "VARCHAR",
            "data_type": "VARCHAR",
            "comment": "VARCHAR",
            "extra_info": "VARCHAR",
        },
        _columns,
    ),
}
