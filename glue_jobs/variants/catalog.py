"""The Glue catalog's partitions: pointing them at a load is what makes its rows visible."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import boto3

from genomics.contracts.tables import Table

_T = TypeVar("_T")

# Limits of the batch calls.
_CREATE, _UPDATE, _DELETE = 100, 100, 25


class CatalogError(RuntimeError):
    """The catalog refused a partition; the message says which and why."""


class Catalog:
    """The tables of one database."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._glue: Any = boto3.client("glue")

    def point(self, table: Table, scope: Mapping[str, str], locations: Mapping[tuple[str, ...], str]) -> None:
        """Make `locations` (s3:// URIs by the partition's values) the scope's partitions, all and only those.

        The scope is the partitions that have these values in these columns, such as those of one dataset. Doing it
        again changes nothing. Each partition changes at once, all of them do not.
        """
        known = self.locations(table, scope)
        stale = [values for values in known if values not in locations]
        moved = [values for values, uri in locations.items() if values in known and known[values] != uri]
        absent = [values for values in locations if values not in known]
        description = self._storage(table) if moved or absent else {}

        def partition(values: tuple[str, ...]) -> dict[str, Any]:
            return {"Values": list(values), "StorageDescriptor": {**description, "Location": locations[values]}}

        for some in _chunks(absent, _CREATE):
            self._call("batch_create_partition", table, PartitionInputList=[partition(values) for values in some])
        for some in _chunks(moved, _UPDATE):
            entries = [{"PartitionValueList": list(values), "PartitionInput": partition(values)} for values in some]
            self._call("batch_update_partition", table, Entries=entries)
        for some in _chunks(stale, _DELETE):
            self._call("batch_delete_partition", table, PartitionsToDelete=[{"Values": list(v)} for v in some])

    def locations(self, table: Table, scope: Mapping[str, str]) -> dict[tuple[str, ...], str]:
        """Where the scope's partitions lie, by their values."""
        quoted = {column: value.replace("'", "''") for column, value in scope.items()}
        pages = self._glue.get_paginator("get_partitions").paginate(
            DatabaseName=self._database,
            TableName=table.name,
            Expression=" and ".join(f"{column} = '{value}'" for column, value in quoted.items()),
            ExcludeColumnSchema=True,
        )
        try:
            found_partitions = [found for page in pages for found in page["Partitions"]]
        except self._glue.exceptions.EntityNotFoundException as error:
            raise CatalogError(f"{self._database} has no table {table.name}; deploy the lake first") from error
        return {tuple(found["Values"]): found["StorageDescriptor"].get("Location", "") for found in found_partitions}

    def _storage(self, table: Table) -> dict[str, Any]:
        found = self._glue.get_table(DatabaseName=self._database, Name=table.name)
        return dict(found["Table"]["StorageDescriptor"])

    def _call(self, operation: str, table: Table, **arguments: Any) -> None:
        reply = getattr(self._glue, operation)(DatabaseName=self._database, TableName=table.name, **arguments)
        for error in reply.get("Errors", ()):
            detail = error["ErrorDetail"]
            # A doubled run was quicker: it has made, or removed, the same partition.
            if detail["ErrorCode"] not in ("AlreadyExistsException", "EntityNotFoundException"):
                values = error.get("PartitionValues") or error.get("PartitionValueList")
                raise CatalogError(f"partition {values} of {table.name}: {detail['ErrorMessage']}")


def _chunks(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
