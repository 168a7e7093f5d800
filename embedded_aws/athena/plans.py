"""What DuckDB's optimizer says that a query reads: tables, columns, filters pushed down to them, and a row limit.

The plan is made over empty tables of the catalog's schema, before any object is read.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

# These would conclude from an empty table that nothing need be read; the last makes a join of an IN of five values or
# more, where partitions and statistics could no longer be asked for them.
WITHOUT_STATISTICS = "SET disabled_optimizers = 'statistics_propagation,empty_result_pullup,join_order,in_clause'"
_OPTIONAL = " AND optional: "


@dataclass(frozen=True)
class Scan:
    """One reading of a table. `rows` is how many rows that pass the filters suffice, if the plan stops then."""

    table: tuple[str, str]
    columns: frozenset[str]
    filters: tuple[exp.Expr, ...]
    rows: int | None


def scans(connection: duckdb.DuckDBPyConnection, query: str) -> list[Scan]:
    """Plan `query` and list its scans. Raises duckdb.Error when it cannot be bound."""
    row = connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchone()
    assert row is not None  # noqa: S101  (EXPLAIN answers one row)
    return [scan for node in json.loads(row[1]) for scan in _scans(node, (), None)]


def _scans(node: Mapping[str, Any], above: tuple[str, ...], rows: int | None) -> Iterable[Scan]:
    """Scans below a node. `above` are the filters right above it, `rows` what a limit above it lets through."""
    name, info = node["name"], node["extra_info"]
    if name == "SEQ_SCAN":
        yield _scan(info, above, rows)
    filters = _texts(info.get("Expression")) if name == "FILTER" else ()
    if name in ("STREAMING_LIMIT", "LIMIT"):
        rows = _limit(info)
    elif name != "PROJECTION":
        rows = None
    for child in node["children"]:
        yield from _scans(child, filters, rows)


def _scan(info: Mapping[str, Any], above: tuple[str, ...], rows: int | None) -> Scan:
    pushed = _texts(info.get("Filters"))
    filters = [parsed for text in (*pushed, *above) if (parsed := _parse(text)) is not None]
    columns = {_column(text) for text in _texts(info.get("Projections"))}
    for text in pushed:
        parsed = _parse(text)
        columns |= {column.name for column in parsed.find_all(exp.Column)} if parsed is not None else {"*"}
    *_, database, table = _names(info["Table"])
    return Scan((database, table), frozenset(columns), tuple(filters), rows)


def _limit(info: Mapping[str, Any]) -> int | None:
    try:
        return int(info["Limit"]) + int(info.get("Offset") or 0)
    except (KeyError, ValueError):
        return None


def _texts(value: str | list[str] | None) -> tuple[str, ...]:
    if not value:
        return ()
    texts = [value] if isinstance(value, str) else value
    # A filter that becomes known only while the query runs reads nothing of its own.
    cut = [text.split(_OPTIONAL)[0].removeprefix("(") if _OPTIONAL in text else text for text in texts]
    return tuple(text for text in cut if not text.startswith("optional: "))


def _parse(text: str) -> exp.Expr | None:
    try:
        parsed = sqlglot.parse_one(text, read="duckdb")
    except SqlglotError:
        return None
    return parsed if isinstance(parsed, exp.Expr) else None


def _column(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _names(text: str) -> list[str]:
    return [part.name for part in exp.to_table(text, dialect="duckdb").parts]
