"""What Trino refuses in a query though DuckDB would take it, and where in the text it shows."""

import itertools
from collections.abc import Callable, Iterator, Mapping

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from embedded_aws.athena import functions, statements
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.types import Type

# Binds expressions over the FROM clause of a select: their types, or None where they cannot be bound.
Describe = Callable[[list[exp.Expr], exp.Select | None], list[Type] | None]


def check_functions(text: str, tree: exp.Expr) -> None:
    """QueryError FUNCTION_NOT_FOUND for a function that Trino does not have, though DuckDB might."""
    named = {node.name.lower() for node in tree.find_all(exp.TableAlias, exp.CTE, exp.Table)}
    named |= {alias.name.lower() for cte in tree.find_all(exp.CTE) if (alias := cte.args.get("alias")) is not None}
    found = statements.tokens(text)
    for token, following in itertools.pairwise(found):
        raw = text[token.start : token.end + 1]
        name = raw.lower()
        if following.token_type != TokenType.L_PAREN or not name.isidentifier():
            continue
        if name in functions.NOT_FUNCTIONS or name in named:
            continue
        where = statements.position(text, token.start)
        if name in functions.MISSING:
            raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not have the function '{name}'", where)
        if name in functions.TRINO:
            continue
        raise QueryError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered", where)


def check_aliases(select: exp.Select, describe: Describe) -> None:
    """In WHERE, GROUP BY and HAVING, Trino does not know the names that the SELECT clause gives; DuckDB does."""
    given = {p.alias.lower() for p in select.expressions if isinstance(p, exp.Alias)}
    group = select.args.get("group")
    clauses = [select.args.get("where"), select.args.get("having"), *(group.expressions if group else ())]
    for clause in clauses:
        for column in _own(clause, exp.Column) if isinstance(clause, exp.Expr) else ():
            if not isinstance(column, exp.Column) or column.table or column.name.lower() not in given:
                continue
            if not is_parameter(column) and describe([column.copy()], select) is None:
                raise column_not_found(column)


def column_not_found(column: exp.Column) -> QueryError:
    """The error for a column that is not there; `column` carries its place in the text."""
    if column.name.startswith("$"):
        message = f"the embedded Athena does not have the hidden column '{column.name}'"
        return QueryError("NOT_SUPPORTED", message, place(column))
    message = f"Column '{column.sql(statements.DIALECT).lower()}' cannot be resolved or requester is not authorized"
    return QueryError("COLUMN_NOT_FOUND", f"{message} to access requested resources", place(column))


def place(node: exp.Expr) -> tuple[int, int] | None:
    """Line and column of the first identifier in an expression."""
    known = [identifier.meta for identifier in node.find_all(exp.Identifier) if "line" in identifier.meta]
    if not known:
        return None
    first = min(known, key=lambda meta: int(meta["start"]))
    return first["line"], first["col"] - (first["end"] - first["start"])


def _own(node: exp.Expr, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Nodes within, without those of queries within."""
    for found in node.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(found, kinds):
            yield found


def is_parameter(column: exp.Expr) -> bool:
    """Whether the name is that of a lambda's parameter."""
    node = column.parent
    while node is not None and not isinstance(node, exp.Query):
        if isinstance(node, exp.Lambda) and any(column.name == parameter.name for parameter in node.expressions):
            return True
        node = node.parent
    return False


def check_comparisons(select: exp.Select, text: str, describe: Describe) -> None:
    """Trino compares a text with a text and a number with a number; DuckDB would convert a literal."""
    for node in own_of_select(select, *_SIGNS):
        if not isinstance(node, exp.Binary):
            continue
        sides = (node.left.unnest(), node.right.unnest())
        column = next((side for side in sides if isinstance(side, exp.Column)), None)
        literal = next((side for side in sides if isinstance(side, exp.Literal)), None)
        if column is None or literal is None or is_parameter(column):
            continue
        types = describe([column.copy()], select)
        constant = literal_type(literal)
        if types is not None and not _comparable(types[0], constant):
            left, right = (types[0], constant) if column is sides[0] else (constant, types[0])
            message = f"Cannot apply operator: {left} {_SIGNS[type(node)]} {right}"
            raise QueryError("TYPE_MISMATCH", message, _place_of_sign(column, text, after=column is sides[0]))


def _place_of_sign(column: exp.Column, text: str, *, after: bool) -> tuple[int, int] | None:
    """Where the operator beside a column stands."""
    offsets = [int(i.meta[end]) for i in column.find_all(exp.Identifier) for end in ("start", "end") if end in i.meta]
    if not offsets:
        return None
    if after:
        rest = text[max(offsets) + 1 :]
        return statements.position(text, max(offsets) + 1 + len(rest) - len(rest.lstrip(' \t\r\n")')))
    before = text[: min(offsets)].rstrip(' \t\r\n("')
    return statements.position(text, len(before.rstrip("<>=!")))


def own_of_select(select: exp.Select, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Nodes in a select's clauses, without its sources and without those of queries within."""
    for name, value in select.args.items():
        if name in ("from_", "with_"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, exp.Expr):
                yield from _own(child, *kinds)


def literal_type(literal: exp.Literal) -> Type:
    """The type that Trino gives a literal."""
    if literal.is_string:
        return Type("varchar", precision=len(literal.name))
    if "e" in literal.name.lower():
        return Type("double")
    if "." in literal.name:
        whole, _, fraction = literal.name.partition(".")
        return Type("decimal", precision=len(whole.lstrip("0")) + len(fraction), scale=len(fraction))
    return Type("integer")


_SIGNS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_NUMBERS = {"tinyint", "smallint", "integer", "bigint", "real", "double", "decimal"}


def _comparable(one: Type, other: Type) -> bool:
    return "unknown" in (one.name, other.name) or (
        (one.name in _NUMBERS) == (other.name in _NUMBERS) and (one.name in _NUMBERS or one.name == other.name)
    )
