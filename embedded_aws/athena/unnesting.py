"""UNNEST as Trino means it."""

from collections.abc import Sequence

from sqlglot import exp

from embedded_aws.athena.checking import Describe, place
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.rewriting import DUCKDB_ENTRIES
from embedded_aws.athena.types import Type


def expand_unnests(select: exp.Select, describe: Describe) -> None:
    """UNNEST gives one column for each array, two for a map, one per field for an array of rows.

    DuckDB's gives one column each, so that it becomes a lateral subquery with as many columns.
    """
    source = select.args.get("from_")
    joins: list[exp.Expr] = select.args.get("joins") or []
    if source is not None and (unnest := _unnest(source)) is not None:
        types = [_type(describe, argument, None) for argument in unnest.expressions]
        source.set("this", _subquery(unnest, types))
    for number, join in enumerate(joins):
        if (unnest := _unnest(join)) is not None:
            before = select.copy()
            before.set("joins", [earlier.copy() for earlier in joins[:number]])
            before.parent = select.parent
            types = [_type(describe, argument, before) for argument in unnest.expressions]
            body = _subquery(unnest, types)
            join.set("this", exp.Lateral(this=body.this.subquery(), alias=body.args["alias"]))


def _unnest(node: exp.Expr) -> exp.Unnest | None:
    inner = node.this.this if isinstance(node.this, exp.Lateral) else node.this
    return inner if isinstance(inner, exp.Unnest) else None


def _type(describe: Describe, argument: exp.Expr, select: exp.Select | None) -> Type | None:
    types = describe([argument.copy()], select)
    if types is None:
        return None
    if types[0].name not in ("array", "map", "unknown"):
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {types[0]}", place(argument))
    return types[0]


def _subquery(unnest: exp.Unnest, types: Sequence[Type | None]) -> exp.Subquery:
    alias = unnest.args.get("alias")
    names = [column.copy() for column in alias.columns] if alias else []
    ordinality = unnest.args.get("offset")
    if isinstance(ordinality, exp.Identifier):
        names.append(ordinality.copy())
    arguments = unnest.expressions
    columns = len(names) - bool(ordinality)
    projections = [
        # A type that could not be found out, in a correlated subquery: two names speak for a map.
        _column(argument, kind or Type("map" if len(arguments) == 1 and columns == 2 else "array"))
        for argument, kind in zip(arguments, types, strict=True)
    ]
    if ordinality:
        projections.append(_call("unnest", _call("range", _number(1), _plus_one(_longest(arguments)))))
    body = exp.select(*projections).subquery()
    table = alias.this.copy() if alias and alias.this else exp.to_identifier("unnest")
    body.set("alias", exp.TableAlias(this=table, columns=names))
    return body


def _column(argument: exp.Expr, kind: Type) -> exp.Expr:
    entries = _call(DUCKDB_ENTRIES, argument.copy()) if kind.name == "map" else argument.copy()
    if kind.name != "map" and not (kind.arguments and kind.arguments[0].name == "row"):
        return _call("unnest", entries)
    # Two levels: the rows, and then their fields as columns.
    depth = exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=_number(2))
    return _call("unnest", entries, depth)


def _longest(arguments: Sequence[exp.Expr]) -> exp.Expr:
    lengths = [exp.func("coalesce", _call("cardinality", argument.copy()), _number(0)) for argument in arguments]
    return lengths[0] if len(lengths) == 1 else _call("greatest", *lengths)


def _plus_one(count: exp.Expr) -> exp.Expr:
    return exp.Add(this=exp.cast(count, "bigint"), expression=_number(1))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
