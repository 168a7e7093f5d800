"""What a crawler makes of a file: its classification and its columns, as Glue's built-in classifiers find them.

https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.glue.hive_formats import LAZY_SIMPLE, OPENX_JSON, PARQUET, PARQUET_FILES, TEXT_FILES

_GZIP = b"\x1f\x8b"
_DELIMITERS = (",", "|", "\t", ";", "\x01")
_SAMPLED_ROWS = 1000
_LONGEST_HEADER = 150
_COLUMN_NAME = re.compile(r"[A-Za-z_][\w .\-/]*")
# From the narrowest to the widest; what fits no other is a string.
_WIDENING = ("tinyint", "smallint", "int", "bigint", "float", "double")
_INT_MAX = 1 << 31


class UnclassifiedError(Exception):
    """No classifier knows the file."""


@dataclass(frozen=True)
class Schema:
    """A file's, or a table's. `columns` are names and Hive types, `settings` what its classification adds."""

    classification: str
    columns: Mapping[str, str]
    records: int
    compression: str = "none"
    settings: Mapping[str, str] = field(default_factory=dict)

    def resembles(self, other: "Schema") -> bool:
        """Whether both can be of one table: the same format, and seven of ten columns of the narrower one in both."""
        if (self.classification, self.settings.get("delimiter")) != (
            other.classification,
            other.settings.get("delimiter"),
        ):
            return False
        names, others = set(self.columns), set(other.columns)
        return len(names & others) >= 0.7 * min(len(names), len(others))

    def merged(self, other: "Schema") -> "Schema":
        """A schema that holds the rows of both."""
        columns = dict(self.columns)
        for name, kind in other.columns.items():
            columns[name] = wider(columns[name], kind) if name in columns else kind
        records = self.records + other.records
        return Schema(self.classification, columns, records, self.compression, self.settings)

    def descriptor(self) -> dict[str, Any]:
        """The storage descriptor's format: input, output and serializer."""
        if self.classification == "parquet":
            library, told = PARQUET, {"serialization.format": "1"}
        elif self.classification == "json":
            library, told = OPENX_JSON, {"paths": ",".join(sorted(self.columns))}
        else:
            library, told = LAZY_SIMPLE, {"field.delim": self.settings["delimiter"]}
        files = PARQUET_FILES if self.classification == "parquet" else TEXT_FILES
        return {**files, "SerdeInfo": {"SerializationLibrary": library, "Parameters": told}}


def classify(content: bytes) -> Schema:
    """The schema of a file's content. UnclassifiedError when it is neither Parquet nor JSON nor CSV."""
    if content[:4] == b"PAR1" and content[-4:] == b"PAR1":
        return _parquet(content)
    compression = "none"
    if content[:2] == _GZIP:
        try:
            content, compression = gzip.decompress(content), "gzip"
        except (OSError, EOFError, zlib.error) as error:
            raise UnclassifiedError(f"not a whole gzip file: {error}") from error
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UnclassifiedError("neither Parquet nor text") from error
    if text.lstrip()[:1] == "{":
        return _json(text, compression)
    return _csv(text, compression)


def wider(one: str, other: str) -> str:
    """The type that holds the values of both."""
    if one == other:
        return one
    if one in _WIDENING and other in _WIDENING:
        return max(one, other, key=_WIDENING.index)
    return "string"


def _parquet(content: bytes) -> Schema:
    # Takes longer to load than the service itself, which starts with every instance.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        footer = pq.ParquetFile(io.BytesIO(content))
    except pa.ArrowInvalid as error:
        raise UnclassifiedError(f"not a Parquet file: {error}") from error
    columns = {one.name.lower(): _of_arrow(one.type) for one in footer.schema_arrow}
    return Schema("parquet", columns, footer.metadata.num_rows)


def _of_arrow(kind: Any) -> str:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_dictionary(kind):
        return _of_arrow(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array<{_of_arrow(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{_of_arrow(kind.key_type)},{_of_arrow(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{one.name}:{_of_arrow(one.type)}' for one in kind)}>"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return "binary"
    return _ARROW.get(str(kind), "string")


_ARROW = {
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "decimal(20,0)",
    "float": "float",
    "double": "double",
    "bool": "boolean",
    "date32[day]": "date",
}


def _json(text: str, compression: str) -> Schema:
    """JSON lines. Glue takes one document that spans lines as well; here each line is one."""
    columns: dict[str, str] = {}
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines[:_SAMPLED_ROWS]:
        try:
            document = json.loads(line)
        except ValueError as error:
            raise UnclassifiedError("a line is no JSON document") from error
        for name, value in document.items():
            known = columns.get(name.lower())
            kind = _of_json(value)
            if kind is not None:
                columns[name.lower()] = wider(known, kind) if known else kind
            else:
                columns.setdefault(name.lower(), "")
    columns = {name: kind or "string" for name, kind in columns.items()}
    return Schema("json", columns, len(lines), compression)


def _of_json(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int" if -_INT_MAX <= value < _INT_MAX else "bigint"
    if isinstance(value, float):
        return "double"
    if isinstance(value, list):
        kinds = [kind for item in value if (kind := _of_json(item)) is not None]
        return f"array<{_widest(kinds)}>"
    if isinstance(value, dict):
        return "struct<" + ",".join(f"{name}:{_of_json(item) or 'string'}" for name, item in value.items()) + ">"
    return "string"


def _widest(kinds: Sequence[str]) -> str:
    widest = kinds[0] if kinds else "string"
    for kind in kinds[1:]:
        widest = wider(widest, kind)
    return widest


def _csv(text: str, compression: str) -> Schema:
    """CSV: "the table schema must have at least two columns and two rows of data"."""
    delimiter = next((one for one in _DELIMITERS if _divides(text, one)), None)
    if delimiter is None:
        raise UnclassifiedError("no delimiter makes rows of two or more columns")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    has_header = _is_header(rows[0], rows[1:_SAMPLED_ROWS])
    names = [name.strip().lower() for name in rows[0]] if has_header else [f"col{n}" for n in range(len(rows[0]))]
    data = rows[has_header:]
    sampled = data[:_SAMPLED_ROWS]
    columns = {name: _of_texts(row[n] for row in sampled if n < len(row)) for n, name in enumerate(names)}
    settings = {
        "areColumnsQuoted": "true" if '"' in text[:4096] else "false",
        "columnsOrdered": "true",
        "delimiter": delimiter,
        **({"skip.header.line.count": "1"} if has_header else {}),
    }
    return Schema("csv", columns, len(data), compression, settings)


def _divides(text: str, delimiter: str) -> bool:
    sample = list(csv.reader(io.StringIO(text[: 1 << 20], newline=""), delimiter=delimiter))[:100]
    whole = sample[:-1] if len(text) > 1 << 20 else sample
    return len(whole) >= 2 and len(whole[0]) >= 2 and all(len(row) == len(whole[0]) for row in whole)


def _is_header(first: Sequence[str], data: Sequence[Sequence[str]]) -> bool:
    """Whether the columns' names come first: all of them parse as strings, and not all of the data does."""
    if not all(_COLUMN_NAME.fullmatch(text.strip()) and len(text) < _LONGEST_HEADER for text in first):
        return False
    if len({text.strip().lower() for text in first}) < len(first):
        return False
    kinds = (_of_texts(row[n] for row in data if n < len(row)) for n in range(len(first)))
    return all(_of_text(text) == "string" for text in first) and any(kind != "string" for kind in kinds)


def _of_texts(texts: Iterable[str]) -> str:
    kinds = [_of_text(text.strip()) for text in texts if text.strip()]
    return _widest(kinds)


def _of_text(text: str) -> str:
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return "bigint"
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return "double"
    return "boolean" if text.lower() in ("true", "false") else "string"
