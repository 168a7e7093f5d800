"""CREATE EXTERNAL TABLE, and what ALTER TABLE changes of a table as a whole.

https://docs.aws.amazon.com/athena/latest/ug/create-table.html
"""

import re
from collections.abc import Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from embedded_aws.athena import text_files
from embedded_aws.athena.catalog import Table
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.execution import Engine
from embedded_aws.athena.results import Results, lines
from embedded_aws.athena.statements import DIALECT, Statement
from embedded_aws.glue.hive_formats import HIVE_JSON, LAZY_SIMPLE, PARQUET, PARQUET_FILES, TEXT_FILES

NOTHING = Results((), (), titled=False)
_DELIMITED = {
    "field.delim": r"FIELDS\s+TERMINATED\s+BY\s*'([^']*)'",
    "escape.delim": r"ESCAPED\s+BY\s*'([^']*)'",
    "collection.delim": r"COLLECTION\s+ITEMS\s+TERMINATED\s+BY\s*'([^']*)'",
    "mapkey.delim": r"MAP\s+KEYS\s+TERMINATED\s+BY\s*'([^']*)'",
    "serialization.null.format": r"NULL\s+DEFINED\s+AS\s*'([^']*)'",
}
# What is read of a table by the catalog's description alone.
_KEPT = (
    *("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters"),
    *("ViewOriginalText", "ViewExpandedText"),
)


def failed(reason: str) -> QueryError:
    """A refusal of Hive's, which runs Athena's DDL."""
    return QueryError("FAILED", f"Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {reason}")


def create(engine: Engine, statement: Statement) -> Results:
    """CREATE EXTERNAL TABLE."""
    database, name = statement.name if statement.name else (None, "")
    database = database or engine.database
    if any(table.name == name for table in engine.catalog.tables(database)):
        if statement.lenient:
            return NOTHING
        raise failed(f"AlreadyExistsException(message:Table {name} already exists.)")
    tree = _parsed(statement.text)
    properties = tree.args.get("properties") or exp.Properties(expressions=[])
    by = next((list(p.this.expressions) for p in properties.find_all(exp.PartitionedByProperty)), [])
    location = next((p.this.name for p in properties.find_all(exp.LocationProperty)), "")
    if not location:
        raise failed("MetaException(message:LOCATION is required for an external table)")
    described = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **_clause(statement.text, "TBLPROPERTIES")},
        "PartitionKeys": [_column_input(column) for column in by],
        "StorageDescriptor": {
            "Columns": [_column_input(column) for column in tree.this.expressions],
            "Location": location,
            **_format(statement.text),
        },
    }
    engine.catalog.call("create_table", DatabaseName=database, TableInput=described)
    return NOTHING


def add_columns(engine: Engine, statement: Statement) -> Results:
    """ALTER TABLE ADD COLUMNS: after those that are there."""
    table = _table(engine, statement)
    given = _columns(statement)
    taken = {column.name for column in (*table.columns, *table.partition_keys)}
    if again := [column["Name"] for column in given if column["Name"] in taken]:
        raise failed(f"Duplicate column name: {again[0]}")
    return _change(engine, table, {"Columns": [*table.document["StorageDescriptor"]["Columns"], *given]})


def replace_columns(engine: Engine, statement: Statement) -> Results:
    """ALTER TABLE REPLACE COLUMNS: these in the place of all that are no partition keys."""
    return _change(engine, _table(engine, statement), {"Columns": _columns(statement)})


def set_location(engine: Engine, statement: Statement) -> Results:
    """ALTER TABLE SET LOCATION."""
    return _change(engine, _table(engine, statement), {"Location": statement.options["to"]})


def set_properties(engine: Engine, statement: Statement) -> Results:
    """ALTER TABLE SET TBLPROPERTIES: these beside the others."""
    table = _table(engine, statement)
    return _change(
        engine, table, {}, {**(table.document.get("Parameters") or {}), **_properties(statement.options["rest"])}
    )


def show_properties(engine: Engine, statement: Statement) -> Results:
    """SHOW TBLPROPERTIES, of all or of the named one."""
    properties = _table(engine, statement).document.get("Parameters") or {}
    if wanted := statement.options.get("key"):
        missing = f"Table {statement.name[1] if statement.name else ''} does not have property: {wanted}"
        return lines("prpt_name", [properties.get(wanted, missing)])
    return lines("prpt_name", [f"{name}\t{value}" for name, value in sorted(properties.items())])


def _table(engine: Engine, statement: Statement) -> Table:
    assert statement.name is not None  # noqa: S101  (the statement's pattern has one)
    database, name = statement.name
    return engine.catalog.table(database or engine.database, name, (1, 1))


def _change(
    engine: Engine, table: Table, descriptor: Mapping[str, Any], parameters: Mapping[str, str] | None = None
) -> Results:
    told = {name: value for name, value in table.document.items() if name in _KEPT}
    told["StorageDescriptor"] = {**told["StorageDescriptor"], **descriptor}
    if parameters is not None:
        told["Parameters"] = dict(parameters)
    engine.catalog.call("update_table", DatabaseName=table.database, TableInput=told)
    return NOTHING


def _columns(statement: Statement) -> list[dict[str, str]]:
    tree = _parsed(f"CREATE EXTERNAL TABLE t ({statement.options['rest']}) LOCATION 's3://b/'")
    return [_column_input(column) for column in tree.this.expressions]


def _parsed(text: str) -> exp.Create:
    # What stands after the columns is read below, as Hive has more of it than the parser.
    readable = re.sub(r"\bROW\s+FORMAT\b.*?(?=\bLOCATION\b|$)", "", text, flags=re.IGNORECASE | re.DOTALL)
    readable = re.sub(r"\bTBLPROPERTIES\s*\(.*", "", readable, flags=re.IGNORECASE | re.DOTALL)
    try:
        tree = sqlglot.parse_one(readable, read=DIALECT)
    except SqlglotError as error:
        raise QueryError("", f"FAILED: ParseException {str(error).splitlines()[0]}") from error
    if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.Schema):
        raise QueryError("", "FAILED: ParseException cannot read the table's columns")
    return tree


def _format(text: str) -> dict[str, Any]:
    """What the catalog says of the files' format. QueryError for one that this Athena does not read."""
    if re.search(r"\bCLUSTERED\s+BY\b", text, re.IGNORECASE):
        raise QueryError("NOT_SUPPORTED", "the embedded Athena does not have CLUSTERED BY")
    stored = re.search(r"\bSTORED\s+AS\s+(\w+)", text, re.IGNORECASE)
    name = stored[1].upper() if stored else "TEXTFILE"
    serde = re.search(r"\bROW\s+FORMAT\s+SERDE\s*'([^']*)'", text, re.IGNORECASE)
    if name == "PARQUET" or (serde is not None and "parquet" in serde[1].lower()):
        return {**PARQUET_FILES, "SerdeInfo": {"SerializationLibrary": PARQUET}}
    if name not in ("TEXTFILE", "INPUTFORMAT", "JSON"):
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not read tables stored as {name}")
    library = serde[1] if serde else HIVE_JSON if name == "JSON" else LAZY_SIMPLE
    if library not in text_files.SERDES:
        raise QueryError("NOT_SUPPORTED", f"the embedded Athena does not read tables of {library}")
    parameters = _clause(text, "SERDEPROPERTIES")
    for key, pattern in _DELIMITED.items():
        if match := re.search(pattern, text, re.IGNORECASE):
            parameters[key] = match[1]
    if library == LAZY_SIMPLE:
        parameters.setdefault("serialization.format", parameters.get("field.delim", "1"))
    return {**TEXT_FILES, "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters}}


def _clause(text: str, word: str) -> dict[str, str]:
    match = re.search(rf"\b{word}\s*\(((?:[^'\"()]|'[^']*'|\"[^\"]*\")*)\)", text, re.IGNORECASE)
    return _properties(match[1]) if match else {}


def _properties(text: str) -> dict[str, str]:
    """`'a' = 'b', "c" = "d"`: names as they are written."""
    return {a or b: c or d for a, b, c, d in _PROPERTY.findall(text)}


_PROPERTY = re.compile(r"""(?:'([^']*)'|"([^"]*)")\s*=\s*(?:'([^']*)'|"([^"]*)")""")


def _column_input(column: exp.Expr) -> dict[str, str]:
    kind = re.sub(r"\s*([<>:,()])\s*", r"\1", column.args["kind"].sql("hive").lower())
    comment = next((c.this.name for c in column.find_all(exp.CommentColumnConstraint)), "")
    return {"Name": column.name.lower(), "Type": kind, **({"Comment": comment} if comment else {})}
