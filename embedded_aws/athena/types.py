"""Types as Hive writes them in the catalog, as Trino names them, and as DuckDB has them."""

import re
from dataclasses import dataclass
from typing import Any

from embedded_aws.athena.errors import QueryError


@dataclass(frozen=True)
class Type:
    """A type by Trino's name. `arguments` are an array's element, a map's key and value, or a row's `fields`' types."""

    name: str
    arguments: tuple["Type", ...] = ()
    fields: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        """As Trino's messages write it."""
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.name == "row":
            inner = ", ".join(f"{name} {kind}" for name, kind in zip(self.fields, self.arguments, strict=True))
            return f"row({inner})"
        if self.arguments:
            return f"{self.name}({', '.join(map(str, self.arguments))})"
        if self.name == "varchar" and self.precision:
            return f"varchar({self.precision})"
        return "timestamp(3)" if self.name == "timestamp" else self.name

    def hive(self) -> str:
        """As the catalog writes it. QueryError for a type that no table can have."""
        if self.name == "decimal":
            return str(self)
        if self.name == "row":
            inner = ",".join(f"{name}:{kind.hive()}" for name, kind in zip(self.fields, self.arguments, strict=True))
            return f"struct<{inner}>"
        if self.arguments:
            return f"{self.name}<{','.join(kind.hive() for kind in self.arguments)}>"
        name = _TO_HIVE.get(self.name, self.name)
        if name not in _HIVE_SCALARS:
            raise QueryError("NOT_SUPPORTED", f"Unsupported Hive type: {self}")
        return name

    def duckdb(self) -> str:
        """As a DuckDB statement writes it."""
        if self.name == "decimal":
            return f"DECIMAL({self.precision},{self.scale})"
        if self.name == "row":
            pairs = zip(self.fields, self.arguments, strict=True)
            return f"STRUCT({', '.join(f'{quoted(name)} {kind.duckdb()}' for name, kind in pairs)})"
        if self.name == "array":
            return self.arguments[0].duckdb() + "[]"
        if self.name == "map":
            return f"MAP({self.arguments[0].duckdb()}, {self.arguments[1].duckdb()})"
        return _TO_DUCKDB.get(self.name, self.name.upper())

    @property
    def reported(self) -> str:
        """As the result set's metadata names it."""
        return "float" if self.name == "real" else self.name


# Fields of the rows that stand for moments on a zone's clock.
ZONED = ("$at", "$zone")
_FROM_HIVE = {"string": "varchar", "char": "varchar", "int": "integer", "binary": "varbinary", "float": "real"}
_TO_HIVE = {"varchar": "string", "integer": "int", "varbinary": "binary", "real": "float"}
_HIVE_SCALARS = {
    *("tinyint", "smallint", "int", "bigint", "boolean", "float", "double", "string", "binary", "date", "timestamp")
}
_TO_DUCKDB = {"varbinary": "BLOB", "real": "FLOAT", "unknown": "INTEGER", "timestamp with time zone": "TIMESTAMPTZ"}
_FROM_DUCKDB = {
    "hugeint": "bigint",
    "uhugeint": "bigint",
    "ubigint": "bigint",
    "uinteger": "bigint",
    "usmallint": "integer",
    "utinyint": "smallint",
    "float": "real",
    "blob": "varbinary",
    "null": "unknown",
    "sqlnull": "unknown",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
    "interval": "interval day to second",
    "bit": "varchar",
    "enum": "varchar",
}


def from_hive(text: str) -> Type:
    """Read a column's type, such as `map<string,array<int>>`."""
    text = text.strip()
    lower = text.lower()
    if match := re.fullmatch(r"(array|map|struct)\s*<(.*)>", text, re.IGNORECASE | re.DOTALL):
        kind, parts = match[1].lower(), split(match[2])
        if kind == "struct":
            pairs = [part.split(":", 1) for part in parts]
            return Type("row", tuple(from_hive(pair[1]) for pair in pairs), tuple(pair[0].strip() for pair in pairs))
        return Type(kind, tuple(from_hive(part) for part in parts))
    if match := re.fullmatch(r"decimal(?:\s*\((\d+)\s*(?:,\s*(\d+))?\s*\))?", lower):
        return Type("decimal", precision=int(match[1] or 10), scale=int(match[2] or 0))
    name = re.sub(r"\s*\(.*\)", "", lower)
    return Type(_FROM_HIVE.get(name, name))


def from_duckdb(kind: Any) -> Type:
    """Read a DuckDBPyType."""
    name = kind.id
    if name in ("list", "array"):
        return Type("array", (from_duckdb(kind.children[0][1]),))
    if name == "map":
        return Type("map", tuple(from_duckdb(child) for _, child in kind.children))
    if name == "struct":
        if tuple(n for n, _ in kind.children) == ZONED:
            return Type("timestamp with time zone", fields=ZONED)
        return Type("row", tuple(from_duckdb(child) for _, child in kind.children), tuple(n for n, _ in kind.children))
    if name == "decimal":
        sizes = dict(kind.children)
        return Type("decimal", precision=sizes["precision"], scale=sizes["scale"])
    if str(kind) == "JSON":
        return Type("json")
    return Type(_FROM_DUCKDB.get(name, name))


def split(text: str) -> list[str]:
    """Split at the commas that stand in no brackets and no quotes."""
    parts, depth, quoting = [""], 0, False
    for character in text:
        quoting ^= character == "'"
        depth += 0 if quoting else (character in "<([") - (character in ">)]")
        if character == "," and not depth and not quoting:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
