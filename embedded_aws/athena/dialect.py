"""Trino's SQL as DuckDB's: what sqlglot leaves to be done so that a query means here what it means on Athena."""

from collections.abc import Iterator

from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from embedded_aws.athena.arithmetic import type_arithmetic
from embedded_aws.athena.checking import Describe, check_aliases, check_comparisons
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.operand_types import check_distinct_order, check_operands, check_set_operation
from embedded_aws.athena.rewriting import rewritten
from embedded_aws.athena.typed_functions import type_functions
from embedded_aws.athena.unnesting import expand_unnests


def translate(tree: exp.Query, text: str, describe: Describe) -> exp.Query:
    """The query for DuckDB. `tree`, parsed from `text`, is changed; its tables must be bound already."""
    for select in _selects(tree):
        check_aliases(select, describe)
        check_distinct_order(select)
        _name_columns(select)
    for select in _selects(tree):
        expand_unnests(select, describe)
        check_comparisons(select, text, describe)
        check_operands(select, describe)
        type_arithmetic(select, describe)
        type_functions(select, describe)
    for operation in list(tree.find_all(exp.SetOperation)):
        check_set_operation(operation, describe)
    return rewritten(tree)


def for_duckdb(query: exp.Query) -> str:
    """The text of a translated query. QueryError for what sqlglot cannot say in DuckDB's words."""
    try:
        return query.sql("duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena cannot do this: {error}") from error


def _selects(node: exp.Expr) -> Iterator[exp.Select]:
    """Selects in the order in which they can be bound: common tables first, then sources, then the rest."""
    with_ = node.args.get("with_")
    if with_ is not None:
        yield from _selects(with_)
    sources = [node.args.get("from_"), *(node.args.get("joins") or ())]
    for source in sources:
        if isinstance(source, exp.Expr):
            yield from _selects(source)
    for child in list(node.iter_expressions()):
        if child is not with_ and child not in sources:
            yield from _selects(child)
    if isinstance(node, exp.Select):
        yield node


def _name_columns(select: exp.Select) -> None:
    """Trino calls a column without a name after its place: `_col0`, `_col1`."""
    if isinstance(select.parent, exp.Exists | exp.In):
        return
    for number, projection in enumerate(select.expressions):
        if projection.is_star or isinstance(projection, exp.Alias | exp.Aliases):
            continue
        if isinstance(projection, exp.Column):
            alias = projection.name.lower()
        elif isinstance(projection, exp.Dot):
            alias = projection.expression.name
        else:
            alias = f"_col{number}"
        projection.replace(exp.alias_(projection.copy(), alias, quoted=True))
