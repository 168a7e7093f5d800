"""Statements about the catalog: what SHOW and DESCRIBE answer, and what CREATE, ALTER and DROP change."""

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from embedded_aws.athena import table_definitions
from embedded_aws.athena.catalog import Column, Partition, Table, view_text
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.execution import Engine
from embedded_aws.athena.results import Results, lines
from embedded_aws.athena.statements import Statement
from embedded_aws.athena.table_definitions import NOTHING, failed


def carry_out(engine: Engine, statement: Statement) -> Results:
    """Answer or change. QueryError in the words of Athena, or of Glue where it refuses."""
    return _ACTIONS[statement.kind](engine, statement)


def _show_tables(engine: Engine, statement: Statement) -> Results:
    tables = engine.catalog.tables(_database(engine, statement))
    return lines("tab_name", _like((table.name for table in tables), statement))


def _show_views(engine: Engine, statement: Statement) -> Results:
    tables = engine.catalog.tables(_database(engine, statement))
    return lines("views", _like((table.name for table in tables if table.is_view), statement))


def _show_databases(engine: Engine, statement: Statement) -> Results:
    return lines("database_name", _like(engine.catalog.databases(), statement))


def _show_partitions(engine: Engine, statement: Statement) -> Results:
    table = _table(engine, statement)
    if not table.partition_keys:
        raise failed(f"Table {table.database}.{table.name} is not a partitioned table")
    return lines("partition", sorted(_path(table, partition.values) for partition in engine.catalog.partitions(table)))


def _show_columns(engine: Engine, statement: Statement) -> Results:
    table = _table(engine, statement)
    return lines("field", (f"{column.name:<20}" for column in (*table.columns, *table.partition_keys)))


def _show_create(engine: Engine, statement: Statement) -> Results:
    table = _table(engine, statement)
    if table.query is not None:
        return lines("Create View", [f"CREATE VIEW {table.database}.{table.name} AS", *table.query.splitlines()])
    text = [f"CREATE EXTERNAL TABLE `{table.database}.{table.name}`("]
    text += _column_lines(table.columns)
    if table.partition_keys:
        text += ["PARTITIONED BY ( ", *_column_lines(table.partition_keys)]
    descriptor = table.document["StorageDescriptor"]
    text += ["ROW FORMAT SERDE ", f"  '{table.serde}' "]
    if parameters := (descriptor.get("SerdeInfo") or {}).get("Parameters"):
        text += ["WITH SERDEPROPERTIES ( ", *_property_lines(parameters)]
    text += ["STORED AS INPUTFORMAT ", f"  '{descriptor.get('InputFormat', '')}' "]
    text += ["OUTPUTFORMAT ", f"  '{descriptor.get('OutputFormat', '')}'"]
    text += ["LOCATION", f"  '{table.location}'"]
    if properties := table.document.get("Parameters"):
        text += ["TBLPROPERTIES (", *_property_lines(properties)]
    return lines("createtab_stmt", text)


def _describe(engine: Engine, statement: Statement) -> Results:
    table = _table(engine, statement)
    text = [_padded(column) for column in (*table.columns, *table.partition_keys)]
    if table.partition_keys:
        text += [
            "\t \t ",
            "# Partition Information\t \t ",
            _padded_texts("# col_name", "data_type", "comment"),
            "\t \t ",
        ]
        text += [_padded(column) for column in table.partition_keys]
    return lines("col_name", text)


def _add_partitions(engine: Engine, statement: Statement) -> Results:
    table = _table(engine, statement)
    for given, location in statement.partitions:
        values = _values(table, given)
        place = location or f"{table.location.rstrip('/')}/{_path(table, values)}/"
        _create_partition(engine, table, values, place, lenient=statement.lenient)
    return NOTHING


def _drop_partitions(engine: Engine, statement: Statement) -> Results:
    table = _table(engine, statement)
    known = {partition.values for partition in engine.catalog.partitions(table)}
    for given, _ in statement.partitions:
        values = _values(table, given)
        if values in known:
            _call(
                engine,
                "delete_partition",
                DatabaseName=table.database,
                TableName=table.name,
                PartitionValues=list(values),
            )
        elif not statement.lenient:
            raise failed(f"Partition not found: {_path(table, values)}")
    return NOTHING


def _repair(engine: Engine, statement: Statement) -> Results:
    """Add the partitions whose directories lie below the table and whose names follow Hive's."""
    table = _table(engine, statement)
    known = {partition.values for partition in engine.catalog.partitions(table)}
    keys = [key.name for key in table.partition_keys]
    found = set()
    prefix = table.location.rstrip("/") + "/"
    for stored in engine.workspace.listed(prefix):
        parts = [part.partition("=") for part in stored.uri[len(prefix) :].split("/")[: len(keys)]]
        if [part[0].lower() for part in parts] == keys:
            found.add(tuple(part[2] for part in parts))
    added = sorted(found - known)
    for values in added:
        _create_partition(engine, table, values, f"{prefix}{_path(table, values)}/", lenient=True)
    text = [f"Partitions not in metastore:\t{table.name}:" + " ".join(_path(table, v) for v in added)] if added else []
    text += [f"Repair: Added partition to metastore {table.name}:{_path(table, values)}" for values in added]
    return lines("col_name", text)


def _create_database(engine: Engine, statement: Statement) -> Results:
    name = _required_name(statement)
    if engine.catalog.has_database(name):
        if statement.lenient:
            return NOTHING
        raise failed(f"AlreadyExistsException(message:Database {name} already exists)")
    described: dict[str, Any] = {"Name": name}
    rest = statement.options.get("rest", "")
    if match := re.search(r"LOCATION\s*'([^']*)'", rest, re.IGNORECASE):
        described["LocationUri"] = match[1]
    if match := re.search(r"COMMENT\s*'([^']*)'", rest, re.IGNORECASE):
        described["Description"] = match[1]
    _call(engine, "create_database", DatabaseInput=described)
    return NOTHING


def _drop_database(engine: Engine, statement: Statement) -> Results:
    name = _required_name(statement)
    if not engine.catalog.has_database(name):
        if statement.lenient:
            return NOTHING
        raise failed(f"NoSuchObjectException(message:Database {name} not found.)")
    if engine.catalog.tables(name) and "CASCADE" not in statement.options.get("rest", "").upper():
        raise failed(f"InvalidOperationException(message:Database {name} is not empty. One or more tables exist.)")
    _call(engine, "delete_database", Name=name)
    return NOTHING


def _drop_table(engine: Engine, statement: Statement) -> Results:
    return _drop(engine, statement, view=False)


def _drop_view(engine: Engine, statement: Statement) -> Results:
    return _drop(engine, statement, view=True)


def _drop(engine: Engine, statement: Statement, *, view: bool) -> Results:
    try:
        table = _table(engine, statement)
    except QueryError as error:
        if error.code != "TABLE_NOT_FOUND":
            raise
        if statement.lenient:
            return NOTHING
        message = error.message.replace("Table", "View", 1) if view else error.message
        raise QueryError(error.code, message, error.position) from error
    if table.is_view != view:
        raise failed(f"Cannot drop a {'view with DROP TABLE' if table.is_view else 'base table with DROP VIEW'}")
    _call(engine, "delete_table", DatabaseName=table.database, Name=table.name)
    return NOTHING


def _create_view(engine: Engine, statement: Statement) -> Results:
    assert statement.name is not None and statement.query is not None  # noqa: S101,PT018  (parse gives both)
    database, name = statement.name[0] or engine.database, statement.name[1]
    found = next((table for table in engine.catalog.tables(database) if table.name == name), None)
    if found is not None and not (found.is_view and statement.lenient):
        kind = "View" if found.is_view else "Table"
        raise QueryError("TABLE_ALREADY_EXISTS", f"{kind} already exists: 'awsdatacatalog.{database}.{name}'", (1, 1))
    columns = [Column(column, kind, kind.hive()) for column, kind in engine.bound(statement.text, statement.query)]
    described = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": view_text(statement.text.strip(), engine.database, columns),
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {"Columns": [{"Name": c.name, "Type": c.hive} for c in columns], "Location": ""},
        "PartitionKeys": [],
    }
    _call(engine, "update_table" if found else "create_table", DatabaseName=database, TableInput=described)
    return NOTHING


def _explain(engine: Engine, statement: Statement) -> Results:
    assert statement.query is not None  # noqa: S101
    sql = engine.bound_sql(statement.text, statement.query)
    if statement.options.get("analyze"):
        raise QueryError("NOT_SUPPORTED", "the embedded Athena does not have EXPLAIN ANALYZE")
    plan = engine.connection.execute(f"EXPLAIN {sql}").fetchall()
    return lines("Query Plan", [line for _, text in plan for line in text.splitlines()])


_ACTIONS: Mapping[str, Callable[[Engine, Statement], Results]] = {
    "SHOW_TABLES": _show_tables,
    "SHOW_VIEWS": _show_views,
    "SHOW_DATABASES": _show_databases,
    "SHOW_PARTITIONS": _show_partitions,
    "SHOW_COLUMNS": _show_columns,
    "SHOW_CREATE": _show_create,
    "DESCRIBE_TABLE": _describe,
    "ALTER_TABLE_ADD_PARTITION": _add_partitions,
    "ALTER_TABLE_DROP_PARTITION": _drop_partitions,
    "MSCK_REPAIR_TABLE": _repair,
    "CREATE_DATABASE": _create_database,
    "DROP_DATABASE": _drop_database,
    "DROP_TABLE": _drop_table,
    "DROP_VIEW": _drop_view,
    "CREATE_VIEW": _create_view,
    "CREATE_TABLE": table_definitions.create,
    "ALTER_TABLE_ADD_COLUMNS": table_definitions.add_columns,
    "ALTER_TABLE_REPLACE_COLUMNS": table_definitions.replace_columns,
    "ALTER_TABLE_SET_LOCATION": table_definitions.set_location,
    "ALTER_TABLE_SET_PROPERTIES": table_definitions.set_properties,
    "SHOW_TABLE_PROPERTIES": table_definitions.show_properties,
    "EXPLAIN": _explain,
    # What they do is done when the query is started.
    "PREPARE": lambda engine, statement: NOTHING,
    "DEALLOCATE_PREPARE": lambda engine, statement: NOTHING,
}


def _database(engine: Engine, statement: Statement) -> str:
    name = statement.name[1] if statement.name else engine.database
    if not engine.catalog.has_database(name):
        raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{name}' does not exist", (1, 1))
    return name


def _table(engine: Engine, statement: Statement) -> Table:
    database, name = statement.name if statement.name else (None, "")
    return engine.catalog.table(database or engine.database, name, (1, 1))


def _required_name(statement: Statement) -> str:
    assert statement.name is not None  # noqa: S101
    return statement.name[1]


def _like(names: Iterable[str], statement: Statement) -> list[str]:
    """Names that match Hive's pattern: `*` for any text, `|` between choices."""
    patterns = statement.options.get("like", "*").replace("%", "*").split("|")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _path(table: Table, values: Iterable[str]) -> str:
    return "/".join(f"{key.name}={value}" for key, value in zip(table.partition_keys, values, strict=True))


def _values(table: Table, given: Mapping[str, str]) -> tuple[str, ...]:
    names = [key.name for key in table.partition_keys]
    if sorted(given) != sorted(names):
        raise failed(f"ValidationException: partition spec {dict(given)} does not name the keys {names}")
    return tuple(given[name] for name in names)


def _create_partition(engine: Engine, table: Table, values: tuple[str, ...], location: str, *, lenient: bool) -> None:
    if Partition(values, "").values in {partition.values for partition in engine.catalog.partitions(table)}:
        if lenient:
            return
        raise failed(f"AlreadyExistsException(message:Partition already exists: {_path(table, values)})")
    descriptor = {**table.document["StorageDescriptor"], "Location": location}
    partition = {"Values": list(values), "StorageDescriptor": descriptor}
    _call(engine, "create_partition", DatabaseName=table.database, TableName=table.name, PartitionInput=partition)


def _call(engine: Engine, operation: str, **parameters: Any) -> None:
    engine.catalog.call(operation, **parameters)


def _column_lines(columns: Iterable[Column]) -> list[str]:
    each = [
        f"  `{column.name}` {column.hive}" + (f" COMMENT '{column.comment}'" if column.comment else "")
        for column in columns
    ]
    return [*(line + ", " for line in each[:-1]), *(line + ")" for line in each[-1:])]


def _property_lines(properties: Mapping[str, str]) -> list[str]:
    each = [f"  '{name}'='{value}'" for name, value in sorted(properties.items())]
    return [*(f"{line}, " for line in each[:-1]), f"{each[-1]})"]


def _padded(column: Column) -> str:
    return _padded_texts(column.name, column.hive, column.comment)


def _padded_texts(*texts: str) -> str:
    return "\t".join(f"{text:<20}" for text in texts)
