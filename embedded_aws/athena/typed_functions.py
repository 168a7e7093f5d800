"""Functions and casts whose meaning in Trino depends on the types of what goes in."""

from collections.abc import Callable, Mapping

from sqlglot import exp

from embedded_aws.athena.checking import Describe, literal_type, own_of_select
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.types import Type

_INTEGERS = {"TINYINT", "SMALLINT", "INT", "BIGINT"}
_MOST_DIGITS = 38
_NAMED = ("to_iso8601",)
TypeOf = Callable[[exp.Expr], Type | None]


def type_functions(select: exp.Select, describe: Describe) -> None:
    """Put what means the same in DuckDB in the place of a select's calls; those within first."""

    def type_of(node: exp.Expr) -> Type | None:
        if isinstance(node, exp.Literal):
            return literal_type(node)
        types = describe([node.copy()], select)
        return types[0] if types else None

    for node in reversed(list(own_of_select(select, *_RULES))):
        rule = _RULES.get(type(node))
        replacement = rule(node, type_of) if rule else node
        if replacement is not node:
            node.replace(replacement)


def _cast(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    source, target = node.this, node.args["to"].this.name
    if target not in (*_INTEGERS, "VARCHAR", "TEXT", "JSON"):
        return node
    kind = type_of(source)
    if kind is None:
        return node
    if target in _INTEGERS and kind.name == "varchar":
        node.set("this", _call("trino_whole_number", source.copy()))
    elif target in _INTEGERS and kind.name in ("double", "real"):
        # Trino rounds a half away from zero, DuckDB to the even number.
        node.set("this", _call("round", source.copy()))
    elif target in ("VARCHAR", "TEXT") and kind.name == "double":
        node.set("this", _call("trino_double_text", source.copy()))
    elif target in ("VARCHAR", "TEXT") and (kind.name == "real" or kind.arguments):
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not cast {kind} to varchar")
    elif target == "JSON" and _has_unnamed(kind):
        raise QueryError("NOT_SUPPORTED", "the embedded Athena does not cast a row without names to json")
    return node


def _has_unnamed(kind: Type) -> bool:
    return any(name[1:].isdigit() for name in kind.fields if name[:1] == "_") or any(map(_has_unnamed, kind.arguments))


def _typeof(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    kind = type_of(node.this)
    if kind is None:
        raise QueryError("NOT_SUPPORTED", "the embedded Athena cannot tell the type of this expression")
    return exp.Literal.string(str(kind))


def _reverse(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    kind = type_of(node.this)
    return _call("list_reverse", node.this.copy()) if kind is not None and kind.name == "array" else node


def _sequence(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    kind = type_of(node.args["start"])
    return exp.cast(node.copy(), "DATE[]") if kind is not None and kind.name == "date" else node


def _round(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    # https://trino.io/docs/current/functions/math.html: round(decimal(p, s), d) is a decimal(p + 1, s)
    kind = type_of(node.this)
    if kind is None or kind.name != "decimal" or node.args.get("decimals") is None:
        return node
    return exp.cast(node.copy(), f"DECIMAL({min(_MOST_DIGITS, kind.precision + 1)}, {kind.scale})")


def _difference(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    """Between two dates: an interval."""
    sides = [type_of(side) for side in (node.this, node.expression)]
    if any(kind is None or kind.name != "date" for kind in sides):
        return node
    return _call("to_days", exp.cast(exp.Paren(this=node.copy()), "int"))


def _field(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    """A row's field by its place."""
    if len(node.expressions) != 1 or not isinstance(index := node.expressions[0], exp.Literal) or index.is_string:
        return node
    kind = type_of(node.this)
    if kind is None or kind.name != "row":
        return node
    # The parser has made the index of everything but a row start at 0.
    place = exp.Literal.number(int(index.name) + (not isinstance(node.this, exp.Struct)))
    return _call("struct_extract_at", node.this.copy(), place)


def _concatenation(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    """An array and an element."""
    left, right = type_of(node.this), type_of(node.expression)
    if left is None or right is None or (left.name == "array") == (right.name == "array"):
        return node
    if left.name == "array":
        return _call("list_append", node.this.copy(), node.expression.copy())
    return _call("list_prepend", node.this.copy(), node.expression.copy())


def _named(node: exp.Expr, type_of: TypeOf) -> exp.Expr:
    if node.name.lower() not in _NAMED:
        return node
    kind = type_of(node.expressions[0])
    if kind is not None and kind.name == "date":
        return exp.cast(node.expressions[0].copy(), "varchar")
    zone = exp.Literal.string("Z" if kind is not None and kind.name == "timestamp with time zone" else "")
    return exp.DPipe(this=_call("trino_to_iso8601", node.expressions[0].copy()), expression=zone)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


_RULES: Mapping[type[exp.Expr], Callable[[exp.Expr, TypeOf], exp.Expr]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Typeof: _typeof,
    exp.Reverse: _reverse,
    exp.GenerateSeries: _sequence,
    exp.Round: _round,
    exp.Sub: _difference,
    exp.Bracket: _field,
    exp.DPipe: _concatenation,
    exp.Anonymous: _named,
}
