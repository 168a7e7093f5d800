"""The Glue catalog as a query sees it: read through the API, as the caller."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.types import Type, from_hive

CATALOG = "awsdatacatalog"
_VIEW_TEXT = re.compile(r"/\* Presto View: ([A-Za-z0-9+/=]+) \*/")


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    type: Type
    hive: str
    comment: str = ""


@dataclass(frozen=True)
class Table:
    """A table or view. `query` is a view's text, with names from `query_database`; `document` what Glue says of it."""

    database: str
    name: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    location: str
    query: str | None
    query_database: str
    document: Mapping[str, Any]

    @property
    def id(self) -> tuple[str, str]:
        """Database and name."""
        return self.database, self.name

    @property
    def serde(self) -> str:
        """The class that reads its files."""
        descriptor = self.document.get("StorageDescriptor") or {}
        return (descriptor.get("SerdeInfo") or {}).get("SerializationLibrary") or ""

    @property
    def is_view(self) -> bool:
        """A view has no files of its own."""
        return self.query is not None


@dataclass(frozen=True)
class Partition:
    """A partition: its values, in the order of the keys, and where its files lie."""

    values: tuple[str, ...]
    location: str


class Catalog:
    """The catalog through one caller's client."""

    def __init__(self, glue: Any) -> None:
        self._glue = glue

    def table(self, database: str, name: str, position: tuple[int, int] | None = None) -> Table:
        """The table; QueryError TABLE_NOT_FOUND or SCHEMA_NOT_FOUND at `position`."""
        try:
            document = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise refused(error) from error
            if not self.has_database(database):
                raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", position) from error
            message = f"Table '{CATALOG}.{database}.{name}' does not exist"
            raise QueryError("TABLE_NOT_FOUND", message, position) from error
        return _table(document)

    def tables(self, database: str) -> list[Table]:
        """All tables and views of a database, by name."""
        documents = self._listed("get_tables", "TableList", DatabaseName=database)
        return sorted((_table(document) for document in documents), key=lambda table: table.name)

    def partitions(self, table: Table) -> list[Partition]:
        """All partitions of a table."""
        names = {"DatabaseName": table.database, "TableName": table.name}
        documents = self._listed("get_partitions", "Partitions", **names, ExcludeColumnSchema=True)
        return [Partition(tuple(d["Values"]), _location(d.get("StorageDescriptor"))) for d in documents]

    def databases(self) -> list[str]:
        """Names of all databases."""
        return sorted(document["Name"] for document in self._listed("get_databases", "DatabaseList"))

    def has_database(self, name: str) -> bool:
        """Whether the database exists."""
        try:
            self._glue.get_database(Name=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return False
            raise refused(error) from error
        return True

    def call(self, operation: str, **parameters: Any) -> Any:
        """A Glue operation that changes the catalog. QueryError with Glue's reason when it refuses."""
        try:
            return getattr(self._glue, operation)(**parameters)
        except ClientError as error:
            raise refused(error) from error

    def _listed(self, operation: str, member: str, **parameters: Any) -> list[dict[str, Any]]:
        try:
            pages = self._glue.get_paginator(operation).paginate(**parameters)
            return [document for page in pages for document in page[member]]
        except ClientError as error:
            raise refused(error) from error


def view_text(query: str, database: str, columns: Sequence[Column]) -> str:
    """ViewOriginalText of a view as Athena stores it: base64 of JSON within a comment."""
    document = {
        "originalSql": query,
        "catalog": CATALOG,
        "schema": database,
        "columns": [{"name": column.name, "type": str(column.type)} for column in columns],
    }
    return f"/* Presto View: {base64.b64encode(json.dumps(document).encode()).decode()} */"


def _table(document: Mapping[str, Any]) -> Table:
    match = _VIEW_TEXT.search(document.get("ViewOriginalText") or "")
    view = json.loads(base64.b64decode(match[1])) if match else {}
    descriptor = document.get("StorageDescriptor") or {}
    return Table(
        database=document["DatabaseName"],
        name=document["Name"],
        columns=_columns(descriptor.get("Columns") or ()),
        partition_keys=_columns(document.get("PartitionKeys") or ()),
        location=_location(descriptor),
        query=view.get("originalSql"),
        query_database=view.get("schema") or document["DatabaseName"],
        document=document,
    )


def _columns(documents: Iterable[Mapping[str, Any]]) -> tuple[Column, ...]:
    return tuple(
        Column(
            d["Name"].lower(), from_hive(d.get("Type") or "string"), d.get("Type") or "string", d.get("Comment") or ""
        )
        for d in documents
    )


def _location(descriptor: Mapping[str, Any] | None) -> str:
    return (descriptor or {}).get("Location") or ""


def refused(error: ClientError, service: str = "AWSGlue") -> QueryError:
    """How a query ends when the service refuses what it needs."""
    reason = error.response["Error"]
    code, message = reason.get("Code", ""), reason.get("Message", "")
    if "AccessDenied" in code:
        return QueryError("PERMISSION_DENIED", f"{message} (Service: {service}; Error Code: {code})")
    return QueryError("", f"{message} (Service: {service}; Error Code: {code})")
