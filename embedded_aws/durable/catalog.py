"""The Glue catalog on disk: databases, tables with their versions, partitions, each a document."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.glue.models import FakeDatabase, FakePartition, FakeTable, glue_backends

from embedded_aws.context import Context
from embedded_aws.durable import units
from embedded_aws.durable.database import Database
from embedded_aws.guard import Patch

_BACKEND = "moto.glue.models:GlueBackend"
_DATABASE_CALLS = (
    Patch(f"{_BACKEND}.create_database", "657c53d297dc976d"),
    Patch(f"{_BACKEND}.update_database", "cd56fdb6e112a01d"),
    Patch(f"{_BACKEND}.delete_database", "5b2ef13d7ccfc623"),
)
_TABLE_CALLS = (
    Patch(f"{_BACKEND}.create_table", "1352fdecbc0bdbdf"),
    Patch(f"{_BACKEND}.update_table", "82ee30cbabfab48c"),
    Patch(f"{_BACKEND}.delete_table", "708d866baa0651a4"),
    Patch(f"{_BACKEND}.delete_table_version", "961433ca1534d9e8"),
)
_CREATE_PARTITION = Patch("moto.glue.models:FakeTable.create_partition", "87dd9d631d4688f5")
_UPDATE_PARTITION = Patch("moto.glue.models:FakeTable.update_partition", "36aff104ca8f583e")
_DELETE_PARTITION = Patch("moto.glue.models:FakeTable.delete_partition", "1405a1b7cc001ad1")
PATCHES = (
    *_DATABASE_CALLS,
    *_TABLE_CALLS,
    _CREATE_PARTITION,
    _UPDATE_PARTITION,
    _DELETE_PARTITION,
    # Not replaced, but what is restored must be as if it had been made by them.
    Patch("moto.glue.models:FakeDatabase.__init__", "4bc6f4672ce2e99f"),
    Patch("moto.glue.models:FakeTable.__init__", "6a12c6bbdb640527"),
    Patch("moto.glue.models:FakePartition.__init__", "89fc9b4c297da67a"),
)
_DATABASES, _TABLES, _PARTITIONS = "database", "table", "partition"
_backend: list[Any] = []


def install(context: Context) -> None:
    """Note what is changed in the catalog."""
    _backend[:] = [glue_backends[context.account][context.region]]
    for patch in _DATABASE_CALLS:
        _after(patch, lambda backend, name, *_: _database_changed(name))
    for patch in _TABLE_CALLS:
        _after(patch, lambda backend, database, name, *_: _table_changed(database, name))
    _after(_CREATE_PARTITION, lambda table, document: _partition_changed(table, document["Values"]))
    _after(_DELETE_PARTITION, _partition_changed)

    def updated(table: Any, before: Any, document: Any) -> None:
        _partition_changed(table, before)
        _partition_changed(table, document["Values"])

    _after(_UPDATE_PARTITION, updated)


def _after(patch: Patch, told: Callable[..., None]) -> None:
    def call(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        told(*arguments, *named.values())
        return result

    original: Any = patch.apply(call)


def restore(kept_in: Database) -> None:
    """Bring the catalog to where it was."""
    databases = _backend[0].databases
    for _, name, document in kept_in.documents(_DATABASES):
        databases[name] = FakeDatabase(name, document["input"], catalog_id=_backend[0].account_id)
        databases[name].created_time = datetime.fromisoformat(document["created"])
    for database, name, document in kept_in.documents(_TABLES):
        databases[database].tables[name] = _table(database, name, document)
    for owner, _, document in kept_in.documents(_PARTITIONS):
        database, _, name = owner.partition("/")
        partition = FakePartition(database, name, document["input"])
        partition.creation_time = datetime.fromisoformat(document["created"])
        databases[database].tables[name].partitions[str(partition.values)] = partition


def _table(database: str, name: str, document: dict[str, Any]) -> Any:
    table: Any = FakeTable(database, name, {}, catalog_id=_backend[0].account_id)
    table.versions = dict(document["versions"])
    table._current_version = document["current"]
    table.created_time = datetime.fromisoformat(document["created"])
    table.updated_time = document["updated"] and datetime.fromisoformat(document["updated"])
    return table


def _database_changed(name: str) -> None:
    units.document_changed(_DATABASES, "", name, lambda: _described_database(name))
    if name not in _backend[0].databases:
        for kind in (_TABLES, _PARTITIONS):
            units.changed((kind, name), lambda kept_in: _forget_database(kept_in, name))


def _forget_database(kept_in: Database, name: str) -> None:
    if name not in _backend[0].databases:
        kept_in.remove(_TABLES, name)
        for owner in {owner for owner, _, _ in kept_in.documents(_PARTITIONS) if owner.startswith(f"{name}/")}:
            kept_in.remove(_PARTITIONS, owner)


def _described_database(name: str) -> dict[str, Any] | None:
    database = _backend[0].databases.get(name)
    if database is None:
        return None
    return {"input": database.input, "created": database.created_time.isoformat()}


def _table_changed(database: str, name: str) -> None:
    units.document_changed(_TABLES, database, name, lambda: _described_table(database, name))
    if _found(database, name) is None:
        units.changed((_PARTITIONS, database, name), lambda kept_in: _forget_partitions(kept_in, database, name))


def _forget_partitions(kept_in: Database, database: str, name: str) -> None:
    if _found(database, name) is None:
        kept_in.remove(_PARTITIONS, f"{database}/{name}")


def _described_table(database: str, name: str) -> dict[str, Any] | None:
    table = _found(database, name)
    if table is None:
        return None
    return {
        "versions": list(table.versions.items()),
        "current": table._current_version,
        "created": table.created_time.isoformat(),
        "updated": table.updated_time and table.updated_time.isoformat(),
    }


def _partition_changed(table: Any, values: Any) -> None:
    database, name, key = table.database_name, table.name, str(values)

    def described() -> dict[str, Any] | None:
        table = _found(database, name)
        partition = table and table.partitions.get(key)
        if not partition:
            return None
        return {"input": partition.partition_input, "created": partition.creation_time.isoformat()}

    units.document_changed(_PARTITIONS, f"{database}/{name}", key, described)


def _found(database: str, name: str) -> Any:
    known = _backend[0].databases
    return known[database].tables.get(name) if database in known else None
