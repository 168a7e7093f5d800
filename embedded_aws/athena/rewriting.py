"""Trino's functions and operators, one by one, as those that mean the same in DuckDB."""

from collections.abc import Callable, Mapping

from sqlglot import exp

from embedded_aws.athena.checking import literal_type

Rule = Callable[[exp.Expr], exp.Expr]

_RENAMED: Mapping[type[exp.Expr], str] = {
    exp.RegexpExtract: "trino_regexp_extract",
    exp.SplitPart: "trino_split_part",
    exp.ArrayPosition: "trino_array_position",
    exp.ArrayDistinct: "trino_array_distinct",
}


def rewritten(tree: exp.Query) -> exp.Query:
    """The query with Trino's functions and operators as those that mean the same in DuckDB."""
    result = tree.copy()
    # From the inside out: what a rule puts around a call holds that call's own translation.
    for node in reversed(list(result.walk())):
        replacement = _rewritten(node)
        if replacement is not node:
            node.replace(replacement)
    return result


def _rewritten(node: exp.Expr) -> exp.Expr:
    if rule := _RULES.get(type(node)):
        return rule(node)
    if replacement := _RENAMED.get(type(node)):
        arguments = [value for value in node.args.values() if isinstance(value, exp.Expr)]
        return exp.Anonymous(this=replacement, expressions=arguments)
    return node


def _subscript(node: exp.Expr) -> exp.Expr:
    """`x[i]` fails where nothing is at i; `element_at(x, i)`, which sqlglot marks as safe, gives null."""
    if node.args.get("safe") or len(node.expressions) != 1:
        return node
    index = node.expressions[0]
    if isinstance(index, exp.Slice):
        return node
    if isinstance(index, exp.Literal) and index.is_string:
        return exp.Anonymous(this="trino_in_map", expressions=[node.this, index])
    if isinstance(index, exp.Literal):
        index = exp.Literal.number(int(index.name) + 1 - (node.args.get("offset") or 0))
        return exp.Anonymous(this="trino_in_array", expressions=[node.this, index])
    return node


def _cardinality(node: exp.Expr) -> exp.Expr:
    return exp.cast(exp.Anonymous(this="cardinality", expressions=[node.this]), "bigint")


def _format(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="printf", expressions=[node.this, *node.expressions])


def _regexp_replace(node: exp.Expr) -> exp.Expr:
    """RE2 writes a group with a backslash where Java writes it with a dollar sign."""
    replacement = node.args.get("replacement")
    if isinstance(replacement, exp.Literal):
        text = "".join(
            "\\" + part[:1] + part[1:] if number and part[:1].isdigit() else ("$" if number else "") + part
            for number, part in enumerate(replacement.name.split("$"))
        )
        node.set("replacement", exp.Literal.string(text))
    return node


def _cast(node: exp.Expr) -> exp.Expr:
    """`TIMESTAMP(p)` is DuckDB's TIMESTAMP for every p; a DECIMAL literal has its own precision."""
    to = node.args["to"]
    if to.this in (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ):
        to.set("expressions", None)
    if to.this == exp.DataType.Type.DECIMAL and not to.expressions and isinstance(node.this, exp.Literal):
        text = node.this.name if "." in node.this.name else f"{node.this.name}."
        kind = literal_type(exp.Literal(this=text, is_string=False))
        to.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(n)) for n in (kind.precision, kind.scale)])
    return node


def _anonymous(node: exp.Expr) -> exp.Expr:
    name = node.name.lower()
    if rule := _NAMED_RULES.get(name):
        return rule(node)
    return node


def _over_entries(body: Callable[[exp.Expr, exp.Expr], exp.Expr]) -> Callable[..., exp.Expr]:
    """A function of a map and a lambda of key and value, as one over the map's entries."""

    def rule(node: exp.Expr) -> exp.Expr:
        source, function = node.expressions
        entry = exp.to_identifier("_entry")
        parts = {p.name: part for p, part in zip(function.expressions, ("key", "value"), strict=True)}

        def replaced(inner: exp.Expr) -> exp.Expr:
            if isinstance(inner, exp.Column | exp.Identifier) and inner.name in parts and not inner.args.get("table"):
                return exp.Dot(this=entry.copy(), expression=exp.to_identifier(parts[inner.name], quoted=True))
            return inner

        result = function.this.copy().transform(replaced)
        return body(exp.func("map_entries", source), exp.Lambda(this=result, expressions=[entry]))

    return rule


def _entry(key: exp.Expr, value: exp.Expr) -> exp.Expr:
    return exp.Tuple(expressions=[key, value])


def _part(name: str) -> exp.Expr:
    return exp.Dot(this=exp.to_identifier("_entry"), expression=exp.to_identifier(name, quoted=True))


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _each(change: Rule) -> Callable[..., exp.Expr]:
    return _over_entries(
        lambda entries, function: _call(
            "map_from_entries",
            _call("list_transform", entries, exp.Lambda(this=change(function.this), expressions=function.expressions)),
        )
    )


def _zip_with(node: exp.Expr) -> exp.Expr:
    one, other, function = node.expressions
    pair = exp.to_identifier("_pair")
    parts = {parameter.name: number for number, parameter in enumerate(function.expressions, start=1)}

    def replaced(inner: exp.Expr) -> exp.Expr:
        if isinstance(inner, exp.Column | exp.Identifier) and inner.name in parts and not inner.args.get("table"):
            return _call("struct_extract_at", pair.copy(), exp.Literal.number(parts[inner.name]))
        return inner

    return _call(
        "list_transform",
        _call("list_zip", one, other),
        exp.Lambda(this=function.this.copy().transform(replaced), expressions=[pair]),
    )


def _reduce(node: exp.Expr) -> exp.Expr:
    """DuckDB's list_reduce has no last step: it is put around."""
    finish = node.args.get("finish")
    node.set("finish", None)
    if not isinstance(finish, exp.Lambda) or isinstance(finish.this, exp.Column | exp.Identifier):
        return node
    wrapped = _call("list_transform", exp.array(node), finish)
    return _call("list_extract", wrapped, exp.Literal.number(1))


def _named(name: str) -> Rule:
    return lambda node: exp.Anonymous(this=name, expressions=node.expressions)


_RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Bracket: _subscript,
    exp.ArraySize: _cardinality,
    exp.Format: _format,
    exp.RegexpReplace: _regexp_replace,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Reduce: _reduce,
    exp.Anonymous: _anonymous,
}
_NAMED_RULES: Mapping[str, Rule] = {
    "map_filter": _over_entries(
        lambda entries, function: _call("map_from_entries", _call("list_filter", entries, function))
    ),
    "transform_values": _each(lambda value: _entry(_part("key"), value)),
    "transform_keys": _each(lambda key: _entry(key, _part("value"))),
    "zip_with": _zip_with,
    "bit_count": _named("trino_bit_count"),
    "repeat": _named("trino_repeat"),
    "zip": _named("list_zip"),
    "millisecond": _named("trino_millisecond"),
    "cardinality": lambda node: node,
}
