"""Carrying out a statement: from its text to results, with what it read."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
from sqlglot import ErrorLevel, exp

from embedded_aws.athena import functions, information_schema, plans, scanning, statements, text_files
from embedded_aws.athena.catalog import CATALOG, Catalog, Partition, Table
from embedded_aws.athena.checking import check_functions, place
from embedded_aws.athena.complaints import explained
from embedded_aws.athena.dialect import for_duckdb, translate
from embedded_aws.athena.errors import CancelledError, QueryError
from embedded_aws.athena.objects import Workspace
from embedded_aws.athena.results import scientific
from embedded_aws.athena.rewriting import rewritten
from embedded_aws.athena.types import Type, from_duckdb, literal, quoted

_MOMENT = Type("timestamp with time zone")
_THREADS = 2
_MEMORY = "20%"  # of this machine's, for each of the queries that run at once


@dataclass
class Engine:
    """Runs the query of one statement. `database` is where names without a database are looked up.

    `reader` gives the client of S3 that a table's files are read with; None where that is the caller's own.
    """

    catalog: Catalog
    workspace: Workspace
    database: str
    scan_limit: int | None = None
    reader: Callable[[Table], Any | None] = lambda _: None
    scanned: int = 0
    planning_seconds: float = 0.0
    _tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    _macros: set[str] = field(default_factory=set)
    _connection: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB of this engine's own, closed to everything but its workspace."""
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config={"threads": _THREADS, "memory_limit": _MEMORY})
            self._connection.execute(f"SET temp_directory = {literal(str(self.workspace.directory / 'spilled'))}")
            self._connection.execute("SET TimeZone = 'UTC'")
            self._connection.create_function("trino_double_text", scientific, ["DOUBLE"], "VARCHAR")
            self._connection.execute(f"SET allowed_directories = [{literal(str(self.workspace.directory))}]")
            self._connection.execute("SET enable_external_access = false")
        return self._connection

    def close(self) -> None:
        """Let go of the query's memory."""
        if self._connection is not None:
            self._connection.close()

    def interrupt(self) -> None:
        """Stop what is running."""
        if self._connection is not None:
            self._connection.interrupt()

    def prepare(self, text: str, query: exp.Query) -> str:
        """Bind a query, find out what it reads, and make that ready: the SQL to execute on `connection`."""
        started = time.monotonic()
        sql = self.bound_sql(text, query)
        self.connection.execute(plans.WITHOUT_STATISTICS)
        scans = self._guarded(query, lambda: plans.scans(self.connection, sql))
        self.connection.execute("RESET disabled_optimizers")
        self.planning_seconds = time.monotonic() - started
        self._provide(scans)
        if self.scan_limit is not None and self.scanned > self.scan_limit:
            raise CancelledError("Query cancelled! : Bytes scanned limit was exceeded")
        return sql

    def bound_sql(self, text: str, query: exp.Query) -> str:
        """A query for DuckDB over empty tables of the catalog's schema; nothing is read."""
        check_functions(text, query)
        self._bind(query, self.database, text)
        translated: exp.Query = self._guarded(query, lambda: translate(query, text, self._describe))
        sql = for_duckdb(translated)
        self._define_functions(sql)
        return sql

    def bound(self, text: str, query: exp.Query) -> list[tuple[str, Type]]:
        """Names and types of the columns of a query that is not run."""
        sql = self.bound_sql(text, query)
        columns: list[tuple[str, Type]] = self._guarded(query, lambda: self.columns(sql))
        return columns

    def columns(self, sql: str) -> list[tuple[str, Type]]:
        """Names and types of a prepared query's columns."""
        described = self.connection.execute(f"SELECT * FROM ({sql}) LIMIT 0").description  # noqa: S608
        return [(name, from_duckdb(kind)) for name, kind, *_ in described or ()]

    def rows(self, text: str, query: exp.Query) -> tuple[list[tuple[str, Type]], Sequence[Sequence[Any]]]:
        """Run a query: its columns and its rows."""
        sql = self.prepare(text, query)
        answer: tuple[list[tuple[str, Type]], Sequence[Sequence[Any]]]
        answer = self._guarded(query, lambda: self._fetch(sql))
        return answer

    def _fetch(self, sql: str) -> tuple[list[tuple[str, Type]], Sequence[Sequence[Any]]]:
        result = self.connection.execute(sql)
        columns = [(name, from_duckdb(kind)) for name, kind, *_ in result.description or ()]
        if any(kind == _MOMENT for _, kind in columns):
            # DuckDB would need a time zone package to hand these over; every zone is UTC here.
            shown = ", ".join(
                f"CAST(#{n} AS TIMESTAMP)" if kind == _MOMENT else f"#{n}"
                for n, (_, kind) in enumerate(columns, start=1)
            )
            result = self.connection.execute(f"SELECT {shown} FROM ({sql})")  # noqa: S608
        return columns, result.fetchall()

    def _define_functions(self, sql: str) -> None:
        for name in functions.used(sql, self._macros):
            self._macros.add(name)
            self.connection.execute(f"CREATE MACRO {functions.MACROS[name]}")

    def _bind(self, query: exp.Query, database: str, text: str | None) -> None:
        """Qualify the query's tables and make an empty one, or a view, for each that is not there yet."""
        for table in list(query.find_all(exp.Table)):
            if not table.name or _is_common_table(table):
                continue
            key = ((table.db or database).lower(), table.name.lower())
            where = place(table) if text is not None else None
            if key[0] == information_schema.NAME:
                key = (information_schema.SCHEMA, key[1])
                if key not in self._tables:
                    self._tables[key] = information_schema.make(self.connection, self.catalog, key[1], where)
            elif key not in self._tables:
                found = self.catalog.table(*key, where)
                self._tables[key] = found
                self._make_empty(found)
            table.set("catalog", None)
            table.set("db", exp.to_identifier(key[0], quoted=True))
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
            table.set("this", exp.to_identifier(key[1], quoted=True))

    def _make_empty(self, table: Table) -> None:
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(table.database)}")
        place = f"{quoted(table.database)}.{quoted(table.name)}"
        if table.query is not None:
            self.connection.execute(f"CREATE VIEW {place} AS {self._view(table, table.query)}")
            return
        columns = ", ".join(f"{quoted(c.name)} {c.type.duckdb()}" for c in (*table.columns, *table.partition_keys))
        self.connection.execute(f"CREATE TABLE {place} ({columns})")

    def _view(self, table: Table, query: str) -> str:
        """A view's query for DuckDB. QueryError INVALID_VIEW where what it reads has gone or changed."""
        parsed = statements.parse(query).query
        assert parsed is not None  # noqa: S101  (a view's text is a query)
        try:
            self._bind(parsed, table.query_database, query)
            sql = for_duckdb(translate(parsed, query, self._describe))
            self._define_functions(sql)
            self._guarded(parsed, lambda: self.columns(sql))
        except QueryError as error:
            if error.code in ("PERMISSION_DENIED", "INVALID_VIEW", ""):
                raise
            where = f"line {error.position[0]}:{error.position[1]}: " if error.position else ""
            message = f"Failed analyzing stored view '{CATALOG}.{table.database}.{table.name}': {where}{error.message}"
            raise QueryError("INVALID_VIEW", message) from error
        return sql

    def _describe(self, expressions: list[exp.Expr], select: exp.Select | None) -> list[Type] | None:
        """Types of expressions over a select's FROM clause."""
        probe = exp.select(*(expression.copy() for expression in expressions))
        if select is not None:
            for clause in ("from_", "joins"):
                if value := select.args.get(clause):
                    probe.set(clause, [item.copy() for item in value] if isinstance(value, list) else value.copy())
            for common in _common_tables(select):
                probe = probe.with_(common.alias, as_=common.this.copy(), copy=False)
        sql = rewritten(probe).sql("duckdb", unsupported_level=ErrorLevel.IGNORE)
        self._define_functions(sql)
        try:
            described = self.connection.execute(f"SELECT * FROM ({sql}) LIMIT 0").description  # noqa: S608
        except duckdb.Error:
            return None
        return [from_duckdb(kind) for _, kind, *_ in described or ()]

    def _provide(self, scans: Iterable[plans.Scan]) -> None:
        """Replace each empty table by a view of the files that its scans need."""
        of_table: dict[tuple[str, str], list[plans.Scan]] = {key: [] for key in self._tables}
        for scan in scans:
            of_table[scan.table].append(scan)
        for key, wanted in of_table.items():
            table = self._tables[key]
            if table.is_view:
                continue
            place = f"{quoted(table.database)}.{quoted(table.name)}"
            body = self._files(table, wanted)
            self.connection.execute(f"DROP TABLE {place}")
            self.connection.execute(f"CREATE VIEW {place} AS {body}")

    def _files(self, table: Table, scans: Sequence[plans.Scan]) -> str:
        require_readable(table)
        partitions = [Partition((), table.location)]
        if table.partition_keys:
            every = self.catalog.partitions(table) if scans else []
            partitions = scanning.surviving(self.connection, table, every, scans)
        files = []
        present: set[str] = set()
        chosen = partitions if scans else []
        workspace = self.workspace.read_by(self.reader(table)) if chosen else self.workspace
        listings = workspace.listed_all(table.location, [partition.location for partition in chosen])
        for partition, listing in zip(chosen, listings, strict=True):
            for stored in listing:
                path = workspace.local(stored)
                if table.serde in text_files.SERDES:
                    # Text is read as a whole, whichever columns are asked for.
                    self.scanned += stored.size * len(scans)
                    path, text = self.workspace.new_file(), path
                    text_files.to_parquet(table, stored, text, path)
                present |= scanning.check_types(table, stored, path)
                files.append((path, partition))
        if table.serde not in text_files.SERDES:
            for scan in scans:
                self.scanned += scanning.scanned_bytes(table, scan, (path for path, _ in files))
        return self._relation(table, files, present)

    def _relation(self, table: Table, files: Sequence[tuple[Any, Partition]], present: set[str]) -> str:
        columns = (*table.columns, *table.partition_keys)
        if not files:
            nulls = ", ".join(f"CAST(NULL AS {c.type.duckdb()}) AS {quoted(c.name)}" for c in columns)
            return f"SELECT {nulls} WHERE false"
        paths = self.workspace.partitioned(table, files)
        listed = ", ".join(literal(str(path)) for path in paths)
        keys = {key.name for key in table.partition_keys}
        chosen = ", ".join(
            f"CAST({quoted(c.name) if c.name in present or c.name in keys else 'NULL'} AS {c.type.duckdb()}) "
            f"AS {quoted(c.name)}"
            for c in columns
        )
        kinds = ", ".join(f"{literal(key.name)}: {key.type.duckdb()}" for key in table.partition_keys)
        hive = f", hive_partitioning = true, hive_types = {{{kinds}}}" if keys else ", hive_partitioning = false"
        return f"SELECT {chosen} FROM read_parquet([{listed}], union_by_name = true{hive})"  # noqa: S608

    def _guarded(self, query: exp.Expr, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except duckdb.InterruptException as error:
            raise CancelledError("Query cancelled by user") from error
        except duckdb.Error as error:
            raise explained(error, query) from error


def require_readable(table: Table) -> None:
    """QueryError for a table in a format, or with a way of finding partitions, that is not there."""
    if table.serde and "parquet" not in table.serde.lower() and table.serde not in text_files.SERDES:
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not read tables of {table.serde}")
    parameters = table.document.get("Parameters") or {}
    if parameters.get("projection.enabled", "").lower() == "true":
        raise QueryError("NOT_SUPPORTED", "the embedded Athena does not have partition projection")
    if parameters.get("table_type", "").upper() == "ICEBERG":
        raise QueryError("NOT_SUPPORTED", "the embedded Athena does not read Iceberg tables")


def _is_common_table(table: exp.Table) -> bool:
    """Whether the name is that of a WITH clause in sight."""
    if table.db:
        return False
    node: exp.Expr | None = table
    inside = None
    while node is not None:
        with_ = node.args.get("with_")
        if with_ is not None:
            for common in with_.expressions:
                if common is inside and not with_.args.get("recursive"):
                    break
                if common.alias.lower() == table.name.lower():
                    return True
        if isinstance(node, exp.CTE):
            inside = node
        node = node.parent
    return False


def _common_tables(select: exp.Select) -> list[exp.CTE]:
    """The WITH clauses' tables that a select may use, outermost first."""
    found: list[exp.CTE] = []
    node: exp.Expr | None = select
    inside: exp.Expr | None = None
    while node is not None:
        with_ = node.args.get("with_")
        if with_ is not None:
            earlier = []
            for common in with_.expressions:
                if common is inside:
                    break
                earlier.append(common)
            found = [*earlier, *found]
        if isinstance(node, exp.CTE):
            inside = node
        node = node.parent
    return found
