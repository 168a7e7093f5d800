"""Which statement a text is, and what it speaks of."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from embedded_aws.athena.errors import QueryError, SyntaxRefusedError
from embedded_aws.athena.types import split

DIALECT = "athena"
# A statement that sqlglot does not know is refused: there is nothing to warn of.
logging.getLogger("sqlglot").setLevel(logging.ERROR)
Name = tuple[str | None, str]
_IDENTIFIER = r"(?:`[^`]+`|\"[^\"]+\"|[\w$]+)"
_NAME = rf"({_IDENTIFIER}(?:\s*\.\s*{_IDENTIFIER}){{0,2}})"
# What Trino does not know though its kin do.
_FOREIGN_TOKENS = {TokenType.DCOLON, TokenType.ILIKE, TokenType.QUALIFY, TokenType.RLIKE, TokenType.GLOB}


@dataclass(frozen=True)
class Statement:
    """A statement. `kind` is Athena's SubstatementType, `type` its StatementType: DDL, DML or UTILITY.

    `text` is that of its query, if it has one, at the place where it stands.
    """

    kind: str
    type: str
    text: str
    query: exp.Query | None = None
    name: Name | None = None
    options: dict[str, str] = field(default_factory=dict)
    partitions: tuple[tuple[dict[str, str], str | None], ...] = ()
    columns: tuple[str, ...] = ()
    lenient: bool = False  # IF EXISTS, IF NOT EXISTS, OR REPLACE


def parse(text: str) -> Statement:
    """Read one statement. SyntaxRefusedError when it is none that Athena takes."""
    text = _alone(text)
    for pattern, kind, category in _DEFINITIONS:
        if match := pattern.fullmatch(text):
            return _definition(text, kind, category, match)
    if match := _UNLOAD.fullmatch(text):
        body, query = _query(match["query"], text[: match.start("query")])
        return Statement("UNLOAD", "DML", body, query, options={**options(match["options"]), "to": match["to"]})
    if match := _VIEW.fullmatch(text):
        body, query = _query(match["query"], text[: match.start("query")])
        lenient = bool(match["replace"])
        return Statement("CREATE_VIEW", "DDL", body, query, name(match["name"]), lenient=lenient)
    if match := _TABLE_AS.fullmatch(text):
        body, query = _query(match["query"], text[: match.start("query")])
        chosen = options(match["options"])
        if match["empty"]:
            chosen["empty"] = "true"
        lenient = bool(match["exists"])
        return Statement("CREATE_TABLE_AS_SELECT", "DDL", body, query, name(match["name"]), chosen, lenient=lenient)
    if match := _INSERT.fullmatch(text):
        body, query = _query(match["query"], text[: match.start("query")])
        columns = tuple(unquoted(column) for column in split(match["columns"])) if match["columns"] else ()
        return Statement("INSERT", "DML", body, query, name(match["name"]), columns=columns)
    if match := _EXPLAIN.fullmatch(text):
        chosen = {"analyze": "true"} if match["analyze"] else {}
        return Statement("EXPLAIN", "UTILITY", *_query(match["query"], text[: match.start("query")]), options=chosen)
    return Statement("SELECT", "DML", *_query(text, ""))


def tokens(text: str) -> list[Token]:
    """The text's tokens. SyntaxRefusedError where it has none."""
    try:
        return list(sqlglot.tokenize(text, read=DIALECT))
    except TokenError as error:
        raise SyntaxRefusedError(str(error).splitlines()[0], (1, 1)) from error


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def with_parameters(text: str, parameters: Sequence[str]) -> str:
    """Put the execution's parameters in the place of the question marks."""
    marks = [token for token in tokens(text) if token.token_type == TokenType.PLACEHOLDER and token.text == "?"]
    if len(marks) != len(parameters):
        message = f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}"
        raise QueryError("INVALID_PARAMETER_USAGE", message, (1, 1))
    for mark, value in reversed(list(zip(marks, parameters, strict=True))):
        text = text[: mark.start] + value + text[mark.end + 1 :]
    return text


def name(text: str) -> Name:
    """Database, if given, and name of a table, in lower case; the catalog's own name is left out."""
    parts = [unquoted(part).lower() for part in re.findall(_IDENTIFIER, text)]
    return (parts[-2] if len(parts) > 1 else None), parts[-1]


def unquoted(text: str) -> str:
    """An identifier without its quotes."""
    text = text.strip()
    return text[1:-1] if text[:1] in ('"', "`", "'") else text


def options(text: str | None) -> dict[str, str]:
    """Properties of a WITH clause: `format = 'PARQUET', partitioned_by = ARRAY['chrom']`, arrays by commas."""
    found = {}
    for part in split(text or ""):
        key, _, value = part.partition("=")
        value = value.strip()
        if array := re.fullmatch(r"ARRAY\s*\[(.*)\]", value, re.IGNORECASE | re.DOTALL):
            value = ",".join(unquoted(item) for item in split(array[1]) if item.strip())
        if key.strip():
            found[key.strip().lower()] = unquoted(value)
    return found


def _alone(text: str) -> str:
    """The only statement in the text, without comments before it or a semicolon after it."""
    found = tokens(text)
    while found and found[-1].token_type == TokenType.SEMICOLON:
        found.pop()
    if not found:
        raise SyntaxRefusedError("mismatched input '<EOF>'. Expecting: <query>", (1, 1))
    if any(token.token_type == TokenType.SEMICOLON for token in found):
        raise SyntaxRefusedError(f"Only one sql statement is allowed. Got: {text}")
    # What stood before keeps its place as blanks, so that positions stay true.
    start = found[0].start
    return re.sub(r"[^\n]", " ", text[:start]) + text[start : found[-1].end + 1]


def _query(text: str, before: str) -> tuple[str, exp.Query]:
    """Parse a query that stands after `before` in its statement; also its text, with blanks for what is before."""
    text = re.sub(r"[^\n]", " ", before) + text
    _check_tokens(text)
    try:
        tree = sqlglot.parse_one(text, read=DIALECT)
    except ParseError as error:
        raise _mismatched(text, error) from error
    except SqlglotError as error:
        raise SyntaxRefusedError(str(error).splitlines()[0], (1, 1)) from error
    if isinstance(tree, exp.Paren | exp.Subquery):
        tree = tree.unnest()
    if isinstance(tree, exp.Values):
        tree = exp.select("*").from_(tree)
    if not isinstance(tree, exp.Query):
        first = tokens(text)[0]
        if isinstance(tree, exp.Command | exp.Create | exp.Alter | exp.Drop | exp.Delete | exp.Update | exp.Merge):
            raise SyntaxRefusedError("Queries of this type are not supported")
        message = f"mismatched input '{first.text}'. Expecting: {_STATEMENTS}"
        raise SyntaxRefusedError(message, position(text, first.start))
    for select in tree.find_all(exp.Select):
        if not select.expressions:
            message = "mismatched input. Expecting: '*', 'ALL', 'DISTINCT', <expression>"
            raise SyntaxRefusedError(message, (1, 1))
    return text, tree


_STATEMENTS = (
    "'ALTER', 'ANALYZE', 'CALL', 'COMMENT', 'COMMIT', 'CREATE', 'DEALLOCATE', 'DELETE', 'DENY', 'DESC', 'DESCRIBE', "
    "'DROP', 'EXECUTE', 'EXPLAIN', 'GRANT', 'INSERT', 'MERGE', 'PREPARE', 'REFRESH', 'RESET', 'REVOKE', 'ROLLBACK', "
    "'SET', 'SHOW', 'START', 'TRUNCATE', 'UNLOAD', 'UPDATE', 'USE', <query>"
)


def _check_tokens(text: str) -> None:
    found = tokens(text)
    for number, token in enumerate(found):
        raw = text[token.start : token.end + 1]
        where = position(text, token.start)
        if raw.startswith("`"):
            message = "backquoted identifiers are not supported; use double quotes to quote identifiers"
            raise SyntaxRefusedError(message, where)
        if token.token_type in _FOREIGN_TOKENS or raw == "==":
            raise SyntaxRefusedError(f"mismatched input '{raw}'. Expecting: <expression>", where)
        if token.token_type == TokenType.OFFSET and number > 1 and found[number - 2].token_type == TokenType.LIMIT:
            raise SyntaxRefusedError(f"mismatched input '{raw}'. Expecting: <EOF>", where)


def _mismatched(text: str, error: ParseError) -> SyntaxRefusedError:
    """A parse error in Trino's words. The parser may have noticed late: an unknown first word is the culprit."""
    found = tokens(text)
    first = found[0]
    if first.token_type == TokenType.VAR:
        message = f"mismatched input '{first.text}'. Expecting: {_STATEMENTS}"
        return SyntaxRefusedError(message, position(text, first.start))
    detail = error.errors[0] if error.errors else {}
    word, line, column = detail.get("highlight") or "", detail.get("line") or 1, detail.get("col") or 1
    shown = word if isinstance(word, str) and word else "<EOF>"
    return SyntaxRefusedError(f"mismatched input '{shown}'. Expecting: <expression>", (line, column - len(word) + 1))


def _pattern(text: str) -> re.Pattern[str]:
    """A statement's pattern: blanks stand for any white space, NAME for a table's name."""
    text = text.replace("NAME", _NAME.replace("(", "(?P<name>", 1)).strip()
    return re.compile(r"\s*" + re.sub(r" +", r"\\s+", text) + r"\s*", re.IGNORECASE | re.DOTALL)


_UNLOAD = _pattern(r"UNLOAD\s*\((?P<query>.*)\)\s*TO\s*'(?P<to>[^']+)'\s*(?:WITH\s*\((?P<options>.*)\))?")
_VIEW = _pattern(r"CREATE (?:OR (?P<replace>REPLACE) )?VIEW NAME AS (?P<query>.*)")
_TABLE_AS = _pattern(
    r"CREATE TABLE (?:IF NOT (?P<exists>EXISTS) )?NAME\s*(?:WITH\s*\((?P<options>[^;]*?)\))?\s*AS\s*"
    r"(?P<query>(?:\(|SELECT\b|WITH\b|TABLE\b|VALUES\b).*?)(?P<empty> WITH NO DATA)?"
)
_INSERT = _pattern(r"INSERT INTO NAME\s*(?:\((?P<columns>[^()]*)\))?\s*(?P<query>(?:\(|SELECT\b|WITH\b|VALUES\b).*)")
_EXPLAIN = _pattern(r"EXPLAIN (?P<analyze>ANALYZE )?(?:VERBOSE )?(?:\([^()]*\)\s*)?(?P<query>(?:\(|SELECT\b|WITH\b).*)")
_SPECS = "(?P<partitions>PARTITION.*)"
_DEFINITIONS = tuple(
    (_pattern(pattern), kind, category)
    for pattern, kind, category in (
        (r"SHOW TABLES(?: (?:IN|FROM) NAME)?(?: (?:LIKE )?(?P<like>'[^']*'))?", "SHOW_TABLES", "UTILITY"),
        (r"SHOW VIEWS(?: (?:IN|FROM) NAME)?(?: LIKE (?P<like>'[^']*'))?", "SHOW_VIEWS", "UTILITY"),
        (r"SHOW (?:DATABASES|SCHEMAS)(?: LIKE (?P<like>'[^']*'))?", "SHOW_DATABASES", "UTILITY"),
        (r"SHOW PARTITIONS NAME", "SHOW_PARTITIONS", "UTILITY"),
        (r"SHOW COLUMNS (?:IN|FROM) NAME(?: (?:IN|FROM) (?P<database>\w+))?", "SHOW_COLUMNS", "UTILITY"),
        (r"SHOW TBLPROPERTIES NAME\s*(?:\(\s*(?P<key>'[^']*')\s*\))?", "SHOW_TABLE_PROPERTIES", "UTILITY"),
        (r"SHOW CREATE (?P<what>TABLE|VIEW) NAME", "SHOW_CREATE", "UTILITY"),
        (r"(?:DESCRIBE|DESC)(?: EXTENDED| FORMATTED)? NAME", "DESCRIBE_TABLE", "UTILITY"),
        (rf"ALTER TABLE NAME ADD (?P<exists>IF NOT EXISTS )?{_SPECS}", "ALTER_TABLE_ADD_PARTITION", "DDL"),
        (rf"ALTER TABLE NAME DROP (?P<exists>IF EXISTS )?{_SPECS}", "ALTER_TABLE_DROP_PARTITION", "DDL"),
        (r"ALTER TABLE NAME ADD COLUMNS\s*\((?P<rest>.*)\)", "ALTER_TABLE_ADD_COLUMNS", "DDL"),
        (r"ALTER TABLE NAME REPLACE COLUMNS\s*\((?P<rest>.*)\)", "ALTER_TABLE_REPLACE_COLUMNS", "DDL"),
        (r"ALTER TABLE NAME SET LOCATION\s*(?P<to>'[^']*')", "ALTER_TABLE_SET_LOCATION", "DDL"),
        (r"ALTER TABLE NAME SET TBLPROPERTIES\s*\((?P<rest>.*)\)", "ALTER_TABLE_SET_PROPERTIES", "DDL"),
        (r"MSCK REPAIR TABLE NAME", "MSCK_REPAIR_TABLE", "DDL"),
        (r"CREATE (?:DATABASE|SCHEMA) (?P<exists>IF NOT EXISTS )?NAME(?P<rest>.*)", "CREATE_DATABASE", "DDL"),
        (r"DROP (?:DATABASE|SCHEMA) (?P<exists>IF EXISTS )?NAME(?P<rest>.*)", "DROP_DATABASE", "DDL"),
        (r"DROP TABLE (?P<exists>IF EXISTS )?NAME", "DROP_TABLE", "DDL"),
        (r"DROP VIEW (?P<exists>IF EXISTS )?NAME", "DROP_VIEW", "DDL"),
        (r"PREPARE NAME FROM (?P<query>.*)", "PREPARE", "DDL"),
        (r"EXECUTE NAME(?: USING (?P<using>.*))?", "EXECUTE", "DML"),
        (r"DEALLOCATE PREPARE NAME", "DEALLOCATE_PREPARE", "DDL"),
        (r"CREATE EXTERNAL TABLE (?P<exists>IF NOT EXISTS )?NAME\s*(?P<rest>\(.*)", "CREATE_TABLE", "DDL"),
    )
)  # fmt: skip
_PARTITION = re.compile(
    r"\s*PARTITION\s*\((?P<spec>[^)]*)\)\s*(?:LOCATION\s*'(?P<location>[^']*)')?\s*,?", re.IGNORECASE
)


def _named(groups: Mapping[str, str | None]) -> Name | None:
    given = groups.get("name")
    if not given:
        return None
    database, table = name(given)
    return groups.get("database") or database, table


def _definition(text: str, kind: str, category: str, match: re.Match[str]) -> Statement:
    groups = match.groupdict()
    clauses = _PARTITION.finditer(groups.get("partitions") or "")
    given = {key: unquoted(value) for key in ("like", "what", "key", "to") if (value := groups.get(key))}
    given |= {key: value for key in ("rest", "query", "using") if (value := groups.get(key))}
    return Statement(
        kind,
        category,
        text,
        name=_named(groups),
        options=given,
        partitions=tuple((options(clause["spec"]), clause["location"]) for clause in clauses),
        lenient=bool(groups.get("exists")),
    )
