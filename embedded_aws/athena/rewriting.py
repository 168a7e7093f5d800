"""Trino's functions and operators, one by one, as those that mean the same in DuckDB."""

import re
import string
from collections.abc import Callable, Mapping

from sqlglot import exp

from embedded_aws.athena.checking import literal_type
from embedded_aws.athena.errors import QueryError

Rule = Callable[[exp.Expr], exp.Expr]
# DuckDB's map_entries, by another of its names: Trino's gives rows whose fields have no names.
DUCKDB_ENTRIES = "trino_named_entries"

_RENAMED: Mapping[type[exp.Expr], str] = {
    exp.RegexpExtract: "trino_regexp_extract",
    exp.SplitPart: "trino_split_part",
    exp.ArrayPosition: "trino_array_position",
    exp.ArrayDistinct: "trino_array_distinct",
    exp.ArrayMax: "trino_array_max",
    exp.ArrayMin: "trino_array_min",
    exp.ArrayExcept: "trino_array_except",
    exp.ArrayContains: "trino_contains",
    exp.ArraySlice: "trino_slice",
    exp.JSONExtract: "trino_json_extract",
    exp.JSONExtractScalar: "trino_json_extract_scalar",
    exp.StrToMap: "split_to_map",
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
    if isinstance(index, exp.Slice) or node.find_ancestor(exp.Try, exp.Select, exp.Lambda) is node.find_ancestor(
        exp.Try
    ):
        # Within TRY nothing may fail in a way of its own: what is not there is null.
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
    if isinstance(replacement, exp.Lambda):
        raise QueryError("NOT_SUPPORTED", "the embedded Athena does not have regexp_replace with a function")
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
    sized = to.this in (exp.DataType.Type.VARCHAR, exp.DataType.Type.CHAR, exp.DataType.Type.NCHAR) and to.expressions
    if sized:
        size = to.expressions[0].copy().this
        to.replace(exp.DataType(this=exp.DataType.Type.VARCHAR))
        shortened = _call("left", node.copy(), size)
        return shortened if to.this == exp.DataType.Type.VARCHAR else _call("rpad", shortened, size, _text(" "))
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
        return body(_call(DUCKDB_ENTRIES, source), exp.Lambda(this=result, expressions=[entry]))

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


def _date_diff(node: exp.Expr) -> exp.Expr:
    """Trino counts the units that have passed as a whole, DuckDB's function of that name the borders between."""
    return _call("date_sub", _text(node.text("unit").lower()), node.args["expression"], node.this)


def _substring(node: exp.Expr) -> exp.Expr:
    """At 0, and before the first character, Trino finds nothing."""
    start, length = node.args.get("start"), node.args.get("length")
    if not isinstance(start, exp.Expr) or (isinstance(start, exp.Literal) and start.name != "0"):
        return node
    if length is None:
        return _call("trino_substr", node.this, start)
    return _call("trino_substr_of", node.this, start, length)


def _split(node: exp.Expr) -> exp.Expr:
    limit = node.args.get("limit")
    return node if limit is None else _call("trino_split", node.this, node.expression, limit)


def _extract(node: exp.Expr) -> exp.Expr:
    """The week of ISO 8601 starts with Monday, which is 1."""
    part = _PARTS.get(node.name.upper())
    if part:
        node.set("this", exp.var(part))
    return node


_PARTS = {"DOW": "isodow", "DAY_OF_WEEK": "isodow", "YOW": "isoyear", "YEAR_OF_WEEK": "isoyear"}


def _format_datetime(node: exp.Expr) -> exp.Expr:
    moment, pattern = node.expressions
    return _call("strftime", moment, _text(_from_joda(pattern)))


def _parse_datetime(node: exp.Expr) -> exp.Expr:
    parsed = _call("strptime", node.this, _text(_from_joda(node.args.get("format"))))
    return exp.cast(parsed, exp.DataType.Type.TIMESTAMPTZ)


def _from_joda(pattern: exp.Expr | None) -> str:
    """A pattern of Joda-Time's as one for strftime; QueryError where it has letters without a counterpart."""
    if not isinstance(pattern, exp.Literal):
        raise QueryError("NOT_SUPPORTED", "the embedded Athena needs a date's pattern as a literal")
    text = ""
    for quote, letters, other in _JODA.findall(pattern.name):
        if letters and letters not in _STRFTIME:
            raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not have the date pattern '{letters}'")
        text += _STRFTIME[letters] if letters else (quote[1:-1] or "'" if quote else other).replace("%", "%%")
    return text


_JODA = re.compile("('[^']*')|(" + "|".join(f"{letter}+" for letter in string.ascii_letters) + ")|([^A-Za-z'])")
_STRFTIME = {
    "yyyy": "%Y",
    "YYYY": "%Y",
    "yy": "%y",
    "MM": "%m",
    "M": "%-m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "EEE": "%a",
    "E": "%a",
    "EEEE": "%A",
    "a": "%p",
    "DDD": "%j",
}


def _at_timezone(node: exp.Expr) -> exp.Expr:
    """A moment in another zone. Its fields are those of the zone's clock."""
    if isinstance(node, exp.AtTimeZone):
        moment, zone = node.this, node.args["zone"]
    else:
        moment, zone = node.expressions
    if isinstance(node.parent, _OF_CLOCK) and node.parent.this is node:
        return exp.AtTimeZone(this=moment, zone=zone)
    return _call("trino_at_timezone", moment, zone)


_OF_CLOCK = (
    *(exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.DayOfWeekIso, exp.DayOfYear, exp.Hour, exp.Minute),
    *(exp.Second, exp.TimeToStr, exp.Date),
)


def _text(text: str) -> exp.Expr:
    return exp.Literal.string(text)


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
    exp.DateDiff: _date_diff,
    exp.Substring: _substring,
    exp.Split: _split,
    exp.Extract: _extract,
    exp.ParseDatetime: _parse_datetime,
    exp.AtTimeZone: _at_timezone,
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
    "map_entries": _named("trino_entries"),
    "arrays_overlap": _named("trino_arrays_overlap"),
    "to_base": _named("trino_to_base"),
    "to_milliseconds": _named("trino_to_milliseconds"),
    "url_encode": _named("trino_url_encode"),
    "url_decode": _named("trino_url_decode"),
    "format_datetime": _format_datetime,
    "at_timezone": _at_timezone,
    "cardinality": lambda node: node,
}
