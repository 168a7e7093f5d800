"""DuckDB's errors in Trino's words."""

import re
from collections.abc import Callable

import duckdb
from sqlglot import exp

from embedded_aws.athena.checking import column_not_found, place
from embedded_aws.athena.errors import QueryError


def explained(error: duckdb.Error, query: exp.Expr) -> QueryError:
    """The QueryError that Athena would give for what went wrong with `query`."""
    text = str(error)
    for pattern, explain in _EXPLANATIONS:
        if match := re.search(pattern, text):
            return explain(match, query)
    first = text.splitlines()[0].partition(": ")[2] or text
    if isinstance(error, duckdb.BinderException | duckdb.ParserException):
        return QueryError("TYPE_MISMATCH" if "argument types" in text else "SYNTAX_ERROR", first)
    if isinstance(error, duckdb.CatalogException):
        return QueryError("NOT_SUPPORTED", f"the embedded Athena cannot do this: {first}")
    return QueryError("GENERIC_USER_ERROR", first)


def _column(match: re.Match[str], query: exp.Expr) -> QueryError:
    name = match["name"]
    for column in query.find_all(exp.Column):
        if name.lower() in (column.name.lower(), column.table.lower()):
            return column_not_found(column)
    message = f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources"
    return QueryError("COLUMN_NOT_FOUND", message)


def _not_aggregated(match: re.Match[str], query: exp.Expr) -> QueryError:
    name = match["name"]
    where = next((place(c) for c in query.find_all(exp.Column) if c.name.lower() == name.lower()), None)
    message = f"'{name}' must be an aggregate expression or appear in GROUP BY clause"
    return QueryError("EXPRESSION_NOT_AGGREGATE", message, where)


def _ambiguous(match: re.Match[str], query: exp.Expr) -> QueryError:
    name = match["name"]
    where = next((place(c) for c in query.find_all(exp.Column) if c.name.lower() == name.lower()), None)
    return QueryError("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous", where)


def _not_cast(match: re.Match[str], _: exp.Expr) -> QueryError:
    kind = _TYPES.get(match["type"], match["type"])
    return QueryError("INVALID_CAST_ARGUMENT", f"Cannot cast '{match['text'].translate(_WHOLE)}' to {kind}")


def _overflow(match: re.Match[str], _: exp.Expr) -> QueryError:
    kind = {"8": "tinyint", "16": "smallint", "32": "integer", "64": "bigint"}.get(match[2], f"int{match[2]}")
    return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", f"{kind} {match[1]} overflow: {match[3]}")


def _out_of_range(match: re.Match[str], _: exp.Expr) -> QueryError:
    kind = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}.get(match[2], match[2])
    return QueryError("INVALID_CAST_ARGUMENT", f"Out of range for {kind}: {match[1]}")


# What `trino_whole_number` has put in the place of characters that no whole number has.
_WHOLE = str.maketrans("\u2024\uff45\uff25\uff58\uff38\uff3f\uff42\uff22", ".eExX_bB")
_TYPES = {"INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INT", "INT64": "BIGINT", "BOOL": "BOOLEAN"}


def _fixed(code: str, message: str) -> Callable[[re.Match[str], exp.Expr], QueryError]:
    return lambda match, _: QueryError(code, match.expand(message))


_EXPLANATIONS: tuple[tuple[str, Callable[[re.Match[str], exp.Expr], QueryError]], ...] = (
    (r'Referenced column "(?P<name>[^"]+)" not found', _column),
    (r'Column "(?P<name>[^"]+)" referenced that exists in the SELECT clause', _column),
    (r'Referenced table "(?P<name>[^"]+)" not found', _column),
    (r'does not have a column named "(?P<name>[^"]+)"', _column),
    (r'column "(?P<name>[^"]+)" must appear in the GROUP BY', _not_aggregated),
    (r'Ambiguous reference to column name "(?P<name>[^"]+)"', _ambiguous),
    (r"WHERE clause cannot contain aggregates", _fixed(
        "EXPRESSION_NOT_SCALAR", "WHERE clause cannot contain aggregations, window functions or grouping operations")),
    (r"Division by zero", _fixed("DIVISION_BY_ZERO", "Division by zero")),
    (r"Invalid Input Error: ((?:Key not present in map: |SQL array |Array |Index must |length must ).*)",
     _fixed("INVALID_FUNCTION_ARGUMENT", r"\1")),
    (r"Could not convert string '(?P<text>[^']*)' to (?P<type>\w+)", _not_cast),
    (r'(?:date|timestamp|time) field value out of range: "([^"]*)"',
     _fixed("INVALID_CAST_ARGUMENT", r"Value cannot be cast to date: \1")),
    (r"Subqueries? returned more than one row|More than one row returned by a subquery",
     _fixed("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")),
    (r"Out of Memory Error", _fixed(
        "EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exhausted resources at this scale factor")),
    (r"Overflow in (addition|subtraction|multiplication) of INT(\d+) \((.*)\)", _overflow),
    (r"Type \w+ with value (\S+) can't be cast .* destination type (\w+)", _out_of_range),
    (r"Could not cast value -?(?:inf|nan) to DECIMAL", _fixed("DIVISION_BY_ZERO", "Division by zero")),
    (r"Map keys must be unique", _fixed("INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed")),
    (r"Malformed JSON.*Input: (.*)", _fixed("INVALID_FUNCTION_ARGUMENT", r"Cannot convert value to JSON: \1")),
    (r"((?:invalid perl operator|invalid escape sequence|bad repetition operator): .*)", _fixed(
        "NOT_SUPPORTED", r"the embedded Athena has RE2's regular expressions, not Java's: \1")),
    (r"(?:Overflow|Out of Range Error): (.*)", _fixed("NUMERIC_VALUE_OUT_OF_RANGE", r"\1")),
)  # fmt: skip
