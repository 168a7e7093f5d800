"""What the job itself defines in the catalog: tables of declared schemas, and the views of newest releases."""

import base64
import json
from collections.abc import Iterable
from typing import Any

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import CLINVAR, current_view
from genomics.contracts.tables import Column, Table
from glue_jobs.variants.catalog import Catalog, CatalogError

_TO_TRINO = {"string": "varchar", "int": "integer"}
_OF_TABLE = ("Name", "Description", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")


class AnnotationCatalog(Catalog):
    """The tables of one database; they lie in `bucket`."""

    def __init__(self, database: str, bucket: str) -> None:
        super().__init__(database)
        self._bucket = bucket

    def define(self, table: Table) -> None:
        """Make the table, or add the columns that it has not got; CatalogError if a column is of another type."""
        found = self._find(table.name)
        if found is None:
            # Of the same format as the one that the stack makes.
            storage = {
                **self._required(CLINVAR.name)["StorageDescriptor"],
                "Columns": _described(table.columns),
                "Location": object_keys.uri(self._bucket, object_keys.table(table.name)),
            }
            description = {
                "Name": table.name,
                "Description": table.description,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "parquet"},
                "PartitionKeys": _described(table.partitions),
                "StorageDescriptor": storage,
            }
            self._glue.create_table(DatabaseName=self._database, TableInput=description)
            return
        storage = found["StorageDescriptor"]
        known = {column["Name"]: column["Type"] for column in storage["Columns"]}
        for column in table.columns:
            if known.get(column.name, column.type) != column.type:
                raise CatalogError(
                    f"{table.name}.{column.name} is {known[column.name]} in the catalog, in the schema {column.type};"
                    " give the column, or the schema, another name"
                )
        if added := [column for column in table.columns if column.name not in known]:
            wider = {**storage, "Columns": [*storage["Columns"], *_described(added)]}
            kept = {name: found[name] for name in _OF_TABLE if name in found}
            self._glue.update_table(DatabaseName=self._database, TableInput={**kept, "StorageDescriptor": wider})

    def show_newest(self, table: Table) -> None:
        """Have the table's view show the newest release there is, of each assembly where they are apart.

        The dates stand in the view's text, so that a query reads no other partition.
        """
        newest: dict[tuple[str, ...], tuple[str, ...]] = {}
        for values in self.locations(table, {}):
            newest[values[1:]] = max(values, newest.get(values[1:], values))
        found = self._required(table.name)
        columns = [*found["StorageDescriptor"]["Columns"], *found["PartitionKeys"]]
        names = [column.name for column in table.partitions]
        shown = " OR ".join(
            "(" + " AND ".join(f"\"{name}\" = '{value}'" for name, value in zip(names, values, strict=True)) + ")"
            for values in sorted(newest.values())
        )
        selected = ", ".join(f'"{column["Name"]}"' for column in columns)
        sql = f'SELECT {selected} FROM "{self._database}"."{table.name}" WHERE {shown}'  # noqa: S608  (names are checked)
        self._show(current_view(table.name), sql, columns)

    def _show(self, name: str, sql: str, columns: list[dict[str, str]]) -> None:
        """Make or change a view, in the form in which Athena keeps its own."""
        described = {
            "originalSql": sql,
            "catalog": "awsdatacatalog",
            "schema": self._database,
            "columns": [{"name": column["Name"], "type": trino_type(column["Type"])} for column in columns],
        }
        text = f"/* Presto View: {base64.b64encode(json.dumps(described).encode()).decode()} */"
        found = self._find(name)
        if found and found.get("ViewOriginalText") == text:
            return
        view = {
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "ViewOriginalText": text,
            "ViewExpandedText": "/* Presto View */",
            "StorageDescriptor": {
                "Columns": [{"Name": column["Name"], "Type": column["Type"]} for column in columns],
                "Location": "",
                "SerdeInfo": {},
            },
            "PartitionKeys": [],
        }
        change = self._glue.update_table if found else self._glue.create_table
        change(DatabaseName=self._database, TableInput=view)

    def _find(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._glue.get_table(DatabaseName=self._database, Name=name)["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            return None
        return found

    def _required(self, name: str) -> dict[str, Any]:
        found = self._find(name)
        if found is None:
            raise CatalogError(f"{self._database} has no table {name}; deploy the lake first")
        return found


def trino_type(hive_type: str) -> str:
    """A Hive type as Athena's SQL names it."""
    outer, bracket, inner = hive_type.removesuffix(">").partition("<")
    if not bracket:
        return _TO_TRINO.get(hive_type, hive_type)
    if outer == "array":
        return f"array({trino_type(inner)})"
    key, _, value = inner.partition(",")
    return f"map({trino_type(key)}, {trino_type(value)})"


def _described(columns: Iterable[Column]) -> list[dict[str, str]]:
    return [{"Name": column.name, "Type": column.type, "Comment": column.comment} for column in columns]
