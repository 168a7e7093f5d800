"""What sums, divisions and steps of dates give: in Trino that depends on the types of what goes in."""

from sqlglot import exp

from embedded_aws.athena.checking import Describe, own_of_select
from embedded_aws.athena.types import Type

_INTEGERS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_MOST_DIGITS = 38


def type_arithmetic(select: exp.Select, describe: Describe) -> None:
    """Make sums of integers bigint, divisions of the type that Trino gives them, and steps from dates dates."""
    for node in reversed(list(own_of_select(select, exp.Sum, exp.CountIf))):
        if isinstance(node, exp.CountIf) or _is_integer(_type(node.this, select, describe)):
            whole = _whole_call(node)
            whole.replace(exp.cast(whole.copy(), "bigint"))
    for node in reversed(list(own_of_select(select, exp.Div))):
        node.replace(_division(node.copy(), (node.this, node.expression), select, describe))
    for node in reversed(list(own_of_select(select, exp.Add, exp.Sub, exp.DateAdd, exp.DateTrunc, exp.TimestampTrunc))):
        operand = _stepped(node)
        kind = _type(operand, select, describe) if operand is not None else None
        if kind is not None and kind.name == "date":
            node.replace(exp.cast(exp.Paren(this=node.copy()), "date"))


def _stepped(node: exp.Expr) -> exp.Expr | None:
    """The date or time that a node adds an interval to, or cuts off; None where it is about something else."""
    stepped: exp.Expr = node.this
    if not isinstance(node, exp.Add | exp.Sub) or isinstance(node.expression, exp.Interval):
        return stepped
    return node.expression if isinstance(stepped, exp.Interval) else None


def _division(node: exp.Expr, sides: tuple[exp.Expr, exp.Expr], select: exp.Select, describe: Describe) -> exp.Expr:
    left, right = (_type(side, select, describe) for side in sides)
    one, other = _decimal(left), _decimal(right)
    if one is None or other is None or (_is_integer(left) and _is_integer(right)):
        if any(kind is not None and kind.name in ("double", "real") for kind in (left, right)):
            return node
        # DuckDB's `//`: of integers the integer part, of others the quotient.
        return exp.IntDiv(this=node.this, expression=node.expression)
    # https://trino.io/docs/current/functions/decimal.html#binary-arithmetic-decimal-operators
    precision = min(_MOST_DIGITS, one.precision + other.scale + max(0, other.scale - one.scale))
    scale = max(one.scale, other.scale)
    return exp.cast(exp.Paren(this=node), f"DECIMAL({precision}, {scale})")


def _type(node: exp.Expr, select: exp.Select, describe: Describe) -> Type | None:
    types = describe([node.copy()], select)
    return types[0] if types else None


def _is_integer(kind: Type | None) -> bool:
    return kind is not None and kind.name in _INTEGERS


def _decimal(kind: Type | None) -> Type | None:
    """The decimal that an exact number takes part as."""
    if kind is not None and kind.name in _INTEGERS:
        return Type("decimal", precision=_INTEGERS[kind.name])
    return kind if kind is not None and kind.name == "decimal" else None


def _whole_call(node: exp.Expr) -> exp.Expr:
    """An aggregate with its FILTER and OVER."""
    while isinstance(node.parent, exp.Filter | exp.Window) and node.parent.this is node:
        node = node.parent
    return node
