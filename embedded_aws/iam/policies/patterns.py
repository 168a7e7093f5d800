"""The wildcards and variables of policy documents.

IAM User Guide, "IAM JSON policy elements: Resource" and "IAM policy elements: Variables and tags".
"""

import functools
import re
from collections.abc import Callable, Sequence

# The values of a condition key, by its name in lower case; None where the request does not have the key.
Keys = Callable[[str], Sequence[str] | None]

_TOKEN = re.compile(r"\$\{(?P<literal>[*?$])\}|\$\{(?P<key>[^},]+)(?:,\s*'(?P<default>[^']*)')?\}|(?P<wildcard>[*?])")
_WILDCARDS = {"*": ".*", "?": "."}


def no_keys(name: str) -> None:
    """The condition keys of a request that has none."""
    return


def is_match(pattern: str, text: str, keys: Keys = no_keys, *, has_variables: bool = False) -> bool:
    """Whether `*` (any characters) and `?` (any one) make `pattern` the whole of `text`. Letters' case matters.

    With `has_variables`, `${key}` stands for the key's value; a pattern whose variable has none matches nothing.
    """
    if has_variables and "${" in pattern:
        expression = _with_values(pattern, keys)
        return expression is not None and re.fullmatch(expression, text, re.DOTALL) is not None
    return _plain(pattern)(text)


def substituted(pattern: str, keys: Keys) -> str | None:
    """`pattern` with the values of its variables, for operators that know no wildcards; None where one has none."""
    missing = False

    def value(token: re.Match[str]) -> str:
        nonlocal missing
        if token["wildcard"]:
            return token["wildcard"]
        found = _value(token, keys)
        missing = missing or found is None
        return found or ""

    text = _TOKEN.sub(value, pattern)
    return None if missing else text


@functools.lru_cache(maxsize=8192)
def _plain(pattern: str) -> Callable[[str], bool]:
    if "*" not in pattern and "?" not in pattern:
        return pattern.__eq__
    if pattern == "*":
        return lambda text: True
    if pattern.endswith("*") and "*" not in pattern[:-1] and "?" not in pattern:
        start = pattern[:-1]
        return lambda text: text.startswith(start)
    compiled = re.compile("".join(_WILDCARDS.get(c) or re.escape(c) for c in pattern), re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def _with_values(pattern: str, keys: Keys) -> str | None:
    expression, end = "", 0
    for token in _TOKEN.finditer(pattern):
        expression += re.escape(pattern[end : token.start()])
        end = token.end()
        if token["wildcard"]:
            expression += _WILDCARDS[token["wildcard"]]
        elif (value := _value(token, keys)) is None:
            return None
        else:
            expression += re.escape(value)
    return expression + re.escape(pattern[end:])


def _value(token: re.Match[str], keys: Keys) -> str | None:
    if token["literal"]:
        return token["literal"]
    values = keys(token["key"].strip().lower())
    # A key of several values cannot stand for one.
    return values[0] if values is not None and len(values) == 1 else token["default"]
