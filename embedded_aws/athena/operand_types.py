"""Operands whose types Trino does not take together, though DuckDB would convert them."""

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from embedded_aws.athena.checking import Describe, is_parameter, literal_type, own_of_select, place
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.types import Type

_NUMBERS = {"tinyint", "smallint", "integer", "bigint", "real", "double", "decimal"}
_MOMENTS = {"date", "timestamp", "timestamp with time zone"}
_COMMON = "must be the same type or coercible to a common type. Cannot find common type between {} and {}"
TypeOf = Callable[[exp.Expr], Type | None]


def check_operands(select: exp.Select, describe: Describe) -> None:
    """QueryError TYPE_MISMATCH in Trino's words. What cannot be bound, or is a lambda's parameter, passes."""

    def type_of(node: exp.Expr) -> Type | None:
        inner = node.unnest()
        if isinstance(inner, exp.Literal):
            return literal_type(inner)
        if isinstance(inner, exp.Boolean):
            return Type("boolean")
        if isinstance(inner, exp.Null) or any(is_parameter(column) for column in inner.find_all(exp.Column)):
            return None
        types = describe([inner.copy()], select)
        return types[0] if types else None

    for node in own_of_select(select, *_CHECKS):
        if check := _CHECKS.get(type(node)):
            check(node, type_of)


def check_set_operation(node: exp.SetOperation, describe: Describe) -> None:
    """QueryError where two queries' columns are no pairs of one type; sides that cannot be bound alone pass."""
    sides = [_first_select(node.left), _first_select(node.right)]
    types = [describe(list(side.expressions), side) if side is not None else None for side in sides]
    if types[0] is None or types[1] is None:
        return
    word, where = type(node).__name__.upper(), place(node)
    if len(types[0]) != len(types[1]):
        message = f"{word} query has different number of fields: {len(types[0])}, {len(types[1])}"
        raise QueryError("TYPE_MISMATCH", message, where)
    for number, (one, other) in enumerate(zip(*types, strict=True), start=1):
        if not _together(one, other):
            message = f"column {number} in {word} query has incompatible types: {one}, {other}"
            raise QueryError("TYPE_MISMATCH", message, where)


def _first_select(node: exp.Expr) -> exp.Select | None:
    while isinstance(node, exp.SetOperation | exp.Subquery | exp.Paren):
        node = node.this
    return node if isinstance(node, exp.Select) else None


def check_distinct_order(select: exp.Select) -> None:
    """SELECT DISTINCT orders by what it selects, or not at all."""
    order = select.args.get("order")
    if order is None or not select.args.get("distinct") or any(p.is_star for p in select.expressions):
        return
    chosen = {projection.unalias().sql() for projection in select.expressions}
    names = {projection.alias_or_name.lower() for projection in select.expressions}
    for ordered in order.expressions:
        by = ordered.this
        if isinstance(by, exp.Literal) or by.sql() in chosen or (isinstance(by, exp.Column) and by.name in names):
            continue
        message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
        raise QueryError("EXPRESSION_NOT_IN_DISTINCT", message, place(by))


def _alike(nodes: Sequence[exp.Expr | None], type_of: TypeOf, message: str) -> None:
    known = [(node, kind) for node in nodes if node is not None and (kind := type_of(node)) is not None]
    for node, kind in known[1:]:
        if not _together(known[0][1], kind):
            raise QueryError("TYPE_MISMATCH", message.format(known[0][1], kind), place(node) or place(known[0][0]))


def _branches(node: exp.Expr, type_of: TypeOf) -> None:
    values = [one.args.get("true") for one in node.args.get("ifs") or ()] or [node.args.get("true")]
    message = "Result types for IF must be the same: {} vs {}"
    if isinstance(node, exp.Case):
        message = f"All CASE results {_COMMON}"
    _alike([*values, node.args.get("false") or node.args.get("default")], type_of, message)


def _coalesce(node: exp.Expr, type_of: TypeOf) -> None:
    _alike([node.this, *node.expressions], type_of, f"All COALESCE operands {_COMMON}")


def _in(node: exp.Expr, type_of: TypeOf) -> None:
    message = "IN value and list items must be the same type or coercible to a common type: {} vs {}"
    _alike([node.this, *node.expressions], type_of, message)


def _between(node: exp.Expr, type_of: TypeOf) -> None:
    _alike([node.this, node.args["low"], node.args["high"]], type_of, "Cannot check if {0} is BETWEEN {1} and {1}")


def _logical(node: exp.Expr, type_of: TypeOf) -> None:
    for side in (node.this, node.args.get("expression")):
        if not isinstance(side, exp.Expr) or isinstance(side, exp.Connector | exp.Not | exp.Predicate):
            continue
        kind = type_of(side)
        if kind is not None and kind.name not in ("boolean", "unknown"):
            what = "Value of logical NOT expression" if isinstance(node, exp.Not) else "Logical expression term"
            raise QueryError("TYPE_MISMATCH", f"{what} must evaluate to a boolean (actual: {kind})", place(side))


def _concatenation(node: exp.Expr, type_of: TypeOf) -> None:
    sides = [node.this, node.expression] if isinstance(node, exp.DPipe) else node.expressions
    kinds = [type_of(side) for side in sides]
    if any(kind is None for kind in kinds):
        return
    allowed = {"varchar", "varbinary", "unknown"}
    if any(kind.name == "array" for kind in kinds if kind) or all(kind.name in allowed for kind in kinds if kind):
        return
    shown = ", ".join(map(str, kinds))
    raise QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({shown}) for function concat", place(node))


def _together(one: Type, other: Type) -> bool:
    names = {one.name, other.name}
    return "unknown" in names or len(names) == 1 or names <= _NUMBERS or names <= _MOMENTS


_CHECKS: Mapping[type[exp.Expr], Callable[[exp.Expr, TypeOf], None]] = {
    exp.Case: _branches,
    exp.Coalesce: _coalesce,
    exp.In: _in,
    exp.Between: _between,
    exp.And: _logical,
    exp.Or: _logical,
    exp.Not: _logical,
    exp.DPipe: _concatenation,
    exp.Concat: _concatenation,
}
