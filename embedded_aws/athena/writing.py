"""Statements that write data: CREATE TABLE AS, INSERT INTO and UNLOAD."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from embedded_aws.athena import text_files
from embedded_aws.athena.catalog import Column, Table
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.execution import Engine, require_readable
from embedded_aws.athena.objects import StoredObject
from embedded_aws.athena.statements import Statement
from embedded_aws.athena.types import Type, quoted
from embedded_aws.glue.hive_formats import LAZY_SIMPLE, OPENX_JSON, PARQUET, PARQUET_FILES, TEXT_FILES

_PARQUET = {**PARQUET_FILES, "SerdeInfo": {"SerializationLibrary": PARQUET}}
# https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html
_MOST_PARTITIONS = 100
_COMPRESSIONS = {"gzip": "gzip", "snappy": "snappy", "zstd": "zstd", "none": "uncompressed", "lz4": "lz4"}


@dataclass(frozen=True)
class Written:
    """What a statement wrote: URIs of its objects, and the number of rows."""

    objects: tuple[str, ...]
    rows: int


def create_table_as(engine: Engine, statement: Statement, query_id: str, default_location: str) -> Written:
    """CREATE TABLE AS: the files, the table, and its partitions."""
    assert statement.name is not None and statement.query is not None  # noqa: S101,PT018  (parse gives both)
    database, name = statement.name[0] or engine.database, statement.name[1]
    if any(table.name == name for table in engine.catalog.tables(database)):
        if statement.lenient:
            return Written((), 0)
        message = f"Destination table 'awsdatacatalog.{database}.{name}' already exists"
        raise QueryError("TABLE_ALREADY_EXISTS", message, (1, 1))
    options = statement.options
    _require_known(options)
    format_ = _format(options)
    location = (options.get("external_location") or default_location).rstrip("/") + "/"
    _require_empty(engine, location, f"table '{database}.{name}'")
    by = _partition_names(options)
    sql = engine.prepare(statement.text, statement.query)
    if options.get("empty"):
        sql = f"SELECT * FROM ({sql}) LIMIT 0"  # noqa: S608
    columns = engine.columns(sql)
    _require_last(columns, by)
    written, partitions = _write(engine, sql, columns, by, location, query_id, format_)
    described = [Column(column, kind, kind.hive()) for column, kind in columns]
    own = [{"Name": column.name, "Type": column.hive} for column in described if column.name not in by]
    descriptor = {"Columns": own, "Location": location, **format_.descriptor(), **_buckets(options)}
    engine.catalog.call(
        "create_table",
        DatabaseName=database,
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"},
            "PartitionKeys": [{"Name": column.name, "Type": column.hive} for column in described if column.name in by],
            "StorageDescriptor": descriptor,
        },
    )
    _add_partitions(engine, (database, name), partitions, descriptor)
    return written


def insert(engine: Engine, statement: Statement, query_id: str) -> Written:
    """INSERT INTO: new files, and the partitions that they start."""
    assert statement.name is not None and statement.query is not None  # noqa: S101,PT018
    database = statement.name[0] or engine.database
    table = engine.catalog.table(database, statement.name[1])
    sql = engine.prepare(statement.text, statement.query)
    given = engine.columns(sql)
    every = (*table.columns, *table.partition_keys)
    targets = [column.lower() for column in statement.columns] or [column.name for column in every]
    _require_same(table, given, targets)
    # The query's columns take the targets' names by their places; what is not given is null.
    renamed = ", ".join(quoted(name) for name in targets)
    chosen = ", ".join(
        f"CAST({quoted(c.name) if c.name in targets else 'NULL'} AS {c.type.duckdb()}) AS {quoted(c.name)}"
        for c in every
    )
    sql = f"SELECT {chosen} FROM ({sql}) AS given({renamed})"  # noqa: S608
    columns = [(column.name, column.type) for column in every]
    by = [key.name for key in table.partition_keys]
    written, partitions = _write(engine, sql, columns, by, table.location.rstrip("/") + "/", query_id, _of_table(table))
    known = {partition.values for partition in engine.catalog.partitions(table)}
    fresh = [values for values in partitions if values not in known]
    _add_partitions(engine, table.id, fresh, dict(table.document["StorageDescriptor"]))
    return written


def unload(engine: Engine, statement: Statement, query_id: str) -> Written:
    """UNLOAD: files in the asked format and nothing else."""
    assert statement.query is not None  # noqa: S101
    options = statement.options
    if "format" not in options:
        raise QueryError("INVALID_PROPERTY", "UNLOAD requires the format property")
    location = options["to"].rstrip("/") + "/"
    _require_empty(engine, location, "UNLOAD")
    sql = engine.prepare(statement.text, statement.query)
    columns = engine.columns(sql)
    by = _partition_names(options)
    _require_last(columns, by)
    return _write(engine, sql, columns, by, location, query_id, _format(options))[0]


def _write(
    engine: Engine,
    sql: str,
    columns: Sequence[tuple[str, Type]],
    by: Sequence[str],
    location: str,
    query_id: str,
    format_: "Format",
) -> tuple[Written, list[tuple[str, ...]]]:
    """Write a query's rows below `location`; also the values of the partitions that they fall into."""
    for _, kind in columns:
        kind.hive()
    chosen = ", ".join(f"CAST({quoted(name)} AS {kind.duckdb()}) AS {quoted(name)}" for name, kind in columns)
    engine.connection.execute(f"CREATE TEMP TABLE to_write AS SELECT {chosen} FROM ({sql})")  # noqa: S608
    rows = _count(engine, "SELECT count(*) FROM to_write")
    names = ", ".join(map(quoted, by))
    if by and _count(engine, f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM to_write)") > _MOST_PARTITIONS:  # noqa: S608
        message = f"Exceeded limit of {_MOST_PARTITIONS} open writers for partitions/buckets"
        raise QueryError("HIVE_TOO_MANY_OPEN_PARTITIONS", message)
    target = engine.workspace.directory / "written"
    target.mkdir()
    if not rows:
        return Written((), 0), []
    copied = f"FORMAT parquet, COMPRESSION {format_.compression if format_.serde is None else 'uncompressed'}"
    if by:
        engine.connection.execute(f"COPY to_write TO '{target}' ({copied}, PARTITION_BY ({names}))")
    else:
        engine.connection.execute(f"COPY to_write TO '{target / 'data'}' ({copied})")
    own = [Column(name, kind, "") for name, kind in columns if name.lower() not in by]
    objects, partitions = [], set()
    for number, path in enumerate(sorted(path for path in target.rglob("*") if path.is_file())):
        directory = path.parent.relative_to(target)
        prefix = "" if path.parent == target else f"{directory}/"
        uri = f"{location}{prefix}{query_id}_{number:05}{format_.suffix}"
        engine.workspace.write(uri, format_.content(path, own))
        objects.append(uri)
        if by:
            partitions.add(tuple(unquote(part.partition("=")[2]) for part in directory.parts))
    return Written(tuple(objects), rows), sorted(partitions)


@dataclass(frozen=True)
class Format:
    """How files are written: Parquet, or by a serializer of text with its parameters."""

    compression: str
    serde: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """What the objects' names end with."""
        return ".gz" if self.serde is not None and self.compression == "gzip" else ""

    def descriptor(self) -> dict[str, Any]:
        """What the catalog says of tables in the format."""
        if self.serde is None:
            return _PARQUET
        information = {"SerializationLibrary": self.serde, "Parameters": dict(self.parameters)}
        return {**TEXT_FILES, "SerdeInfo": information}

    def content(self, path: Path, columns: Sequence[Column]) -> bytes:
        """A file's content from that of a Parquet file."""
        if self.serde is None:
            return path.read_bytes()
        text = text_files.write(self.serde, self.parameters, columns, path)
        return gzip.compress(text) if self.compression == "gzip" else text


def _format(options: Mapping[str, str]) -> Format:
    """The format that a statement's properties ask for. QueryError for one that is not there."""
    name = options.get("format", "parquet").lower()
    asked = options.get("compression") or options.get("write_compression") or options.get(f"{name}_compression")
    compression = _COMPRESSIONS.get((asked or "gzip").lower())
    if name == "parquet" and compression is not None:
        return Format(compression)
    if name not in ("parquet", "textfile", "json"):
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not write {name.upper()}")
    if compression not in ("gzip", "uncompressed"):
        raise QueryError("INVALID_PROPERTY", f"compression {asked} is not supported with format {name.upper()}")
    if name == "json":
        return Format(compression, OPENX_JSON)
    delimiter = options.get("field_delimiter", "\\001")
    return Format(compression, LAZY_SIMPLE, {"field.delim": delimiter, "serialization.format": delimiter})


def _of_table(table: Table) -> Format:
    require_readable(table)
    if table.serde not in text_files.SERDES:
        return Format("gzip")
    descriptor = table.document["StorageDescriptor"]
    return Format("gzip", table.serde, (descriptor.get("SerdeInfo") or {}).get("Parameters") or {})


def _require_known(options: Mapping[str, str]) -> None:
    """QueryError for a property of CREATE TABLE AS that would be passed over.

    https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html#ctas-table-properties
    """
    if options.get("table_type", "hive").lower() != "hive":
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena has no tables of type {options['table_type']}")
    if unknown := sorted(set(options) - _PROPERTIES):
        raise QueryError("INVALID_TABLE_PROPERTY", f"table property '{unknown[0]}' does not exist")


_PROPERTIES = {
    *("format", "external_location", "field_delimiter", "partitioned_by", "bucketed_by", "bucket_count", "table_type"),
    *("write_compression", "parquet_compression", "compression", "is_external", "empty"),
}


def _buckets(options: Mapping[str, str]) -> dict[str, Any]:
    """What the catalog says of buckets; the rows of all of them lie in one file for each partition."""
    if "bucketed_by" not in options:
        return {}
    columns = [name.strip() for name in options["bucketed_by"].split(",")]
    return {"BucketColumns": columns, "NumberOfBuckets": int(options.get("bucket_count", 0))}


def _count(engine: Engine, sql: str) -> int:
    row: Any = engine.connection.execute(sql).fetchone()
    return int(row[0])


def _partition_names(options: Mapping[str, str]) -> list[str]:
    return [name.strip().lower() for name in options.get("partitioned_by", "").split(",") if name.strip()]


def _require_last(columns: Sequence[tuple[str, Type]], by: Sequence[str]) -> None:
    if by and [name.lower() for name, _ in columns[-len(by) :]] != list(by):
        message = (
            "Partition keys must be the last columns in the table and in the same order as the table properties: "
            f"[{', '.join(by)}]"
        )
        raise QueryError("HIVE_COLUMN_ORDER_MISMATCH", message)


def _require_same(table: Table, given: Sequence[tuple[str, Type]], targets: Sequence[str]) -> None:
    known = {column.name: column.type for column in (*table.columns, *table.partition_keys)}
    for name in targets:
        if name not in known:
            raise QueryError("COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {name}", (1, 1))
    wanted = [known[name] for name in targets]
    found = [kind for _, kind in given]
    numbers = {"tinyint", "smallint", "integer", "bigint", "real", "double", "decimal"}
    fits = len(found) == len(wanted) and all(
        a == b or a.name == b.name or "unknown" in (a.name, b.name) or {a.name, b.name} <= numbers
        for a, b in zip(found, wanted, strict=True)
    )
    if not fits:
        message = (
            "Insert query has mismatched column types: "
            f"Table: [{', '.join(map(str, wanted))}], Query: [{', '.join(map(str, found))}]"
        )
        raise QueryError("TYPE_MISMATCH", message, (1, 1))


def _require_empty(engine: Engine, location: str, what: str) -> None:
    if found := engine.workspace.listed(location):
        message = (
            f"Target directory for {what} already exists: {location}. "
            f"You may need to manually clean the data at location '{location}' before retrying"
        )
        raise QueryError("HIVE_PATH_ALREADY_EXISTS", f"{message} (found {_first(found)})")


def _first(found: Sequence[StoredObject]) -> str:
    return found[0].uri


def _add_partitions(
    engine: Engine, table: tuple[str, str], partitions: Sequence[tuple[str, ...]], descriptor: Mapping[str, Any]
) -> None:
    keys = [key["Name"] for key in _keys(engine, table)] if partitions else []
    for values in partitions:
        path = "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
        location = f"{str(descriptor['Location']).rstrip('/')}/{path}/"
        partition = {"Values": list(values), "StorageDescriptor": {**descriptor, "Location": location}}
        engine.catalog.call("create_partition", DatabaseName=table[0], TableName=table[1], PartitionInput=partition)


def _keys(engine: Engine, table: tuple[str, str]) -> Sequence[Mapping[str, str]]:
    keys: Sequence[Mapping[str, str]] = engine.catalog.table(*table).document["PartitionKeys"]
    return keys
