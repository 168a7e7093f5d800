"""DynamoDB on disk: each item is a document under its table and its key."""

from collections import defaultdict
from decimal import Decimal
from functools import partial
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from embedded_aws.context import Context
from embedded_aws.durable import database, units
from embedded_aws.durable.database import Database
from embedded_aws.guard import Patch

_TABLE = "moto.dynamodb.models.table:Table"
_BACKEND = "moto.dynamodb.models:DynamoDBBackend"
_PUT = Patch(f"{_TABLE}.put_item", "de23933013ef8426")
_DELETE = Patch(f"{_TABLE}.delete_item", "1594f7b07616c8cb")
_UPDATE = Patch(f"{_BACKEND}.update_item", "218984588dd689a5")
_DELETE_TABLE = Patch(f"{_BACKEND}.delete_table", "bab269fa8eff1819")
PATCHES = (
    _PUT,
    _DELETE,
    _UPDATE,
    _DELETE_TABLE,
    # Not replaced, but what is restored must be as if it had been made by them.
    Patch(f"{_TABLE}.__init__", "a56181a75aa27005"),
    Patch("moto.dynamodb.models.dynamo_type:Item.__init__", "d9c12b62cb921831"),
)
_KIND = "item"
_ITEMS = "_durable_items"

_backend: list[Any] = []


def install(context: Context) -> None:
    """Have every table find again what it held."""
    _backend[:] = [dynamodb_backends[context.account][context.region]]
    table: Any = Table
    table.items = property(_items, _set_items)

    def put_item(table: Any, item_attrs: dict[str, Any], *rest: Any, **named: Any) -> Any:
        # A transaction that is cancelled puts the items back that it had changed: what stands at the end is written.
        _changed(table, item_attrs)
        return original_put(table, item_attrs, *rest, **named)

    def delete_item(table: Any, hash_key: Any, range_key: Any) -> Any:
        key = {table.hash_key_attr: _plain(hash_key)}
        if range_key:
            key[table.range_key_attr] = _plain(range_key)
        _changed(table, key)
        return original_delete(table, hash_key, range_key)

    def update_item(backend: Any, table_name: str, key: dict[str, Any], *rest: Any, **named: Any) -> Any:
        item = original_update(backend, table_name, key, *rest, **named)
        _changed(backend.get_table(table_name), key)
        return item

    def delete_table(backend: Any, name: str) -> Any:
        deleted = original_delete_table(backend, name)
        units.changed((_KIND, name), partial(_save_table, name))
        return deleted

    original_put: Any = _PUT.apply(put_item)
    original_delete: Any = _DELETE.apply(delete_item)
    original_update: Any = _UPDATE.apply(update_item)
    original_delete_table: Any = _DELETE_TABLE.apply(delete_table)


def _items(table: Any) -> Any:
    found = table.__dict__.get(_ITEMS)
    if found is None:
        with database.opened().alone:
            found = table.__dict__.get(_ITEMS)
            if found is None:
                found = table.__dict__[_ITEMS] = _restored(table)
    return found


def _set_items(table: Any, items: Any) -> None:
    # What moto sets when it makes a table is empty; a table that is restored from a backup has items from the start.
    if items:
        table.__dict__[_ITEMS] = items
        for item in table.all_items():
            _changed(table, item.to_json()["Attributes"])


def _changed(table: Any, attributes: dict[str, Any]) -> None:
    names = [table.hash_key_attr, *([table.range_key_attr] if table.range_key_attr else [])]
    # What lacks its key is refused.
    if all(name in attributes for name in names):
        key = {name: _plain(attributes[name]) for name in names}
        text = database.written({name: _canonical(value) for name, value in key.items()})
        units.changed((_KIND, table.name, text), partial(_save_item, table.name, text, key))


def _save_item(table_name: str, text: str, key: dict[str, Any], kept_in: Database) -> None:
    table: Any = _backend[0].tables.get(table_name)
    item = table and table.get_item(*(DynamoType(value) for value in key.values()))
    if item is None:
        kept_in.remove(_KIND, table_name, text)
    else:
        kept_in.put(_KIND, table_name, text, item.to_json()["Attributes"])


def _save_table(name: str, kept_in: Database) -> None:
    if name not in _backend[0].tables:
        kept_in.remove(_KIND, name)


def _restored(table: Any) -> Any:
    items: Any = defaultdict(dict)
    for _, _, attributes in database.opened().documents(_KIND, table.name):
        hash_key = DynamoType(attributes[table.hash_key_attr])
        if table.range_key_attr:
            range_key = DynamoType(attributes[table.range_key_attr])
            items[hash_key][range_key] = Item(hash_key, range_key, attributes)
        else:
            items[hash_key] = Item(hash_key, None, attributes)
    return items


def _canonical(value: dict[str, Any]) -> dict[str, Any]:
    """Numbers that are equal are one key, however they are written."""
    return {"N": format(Decimal(value["N"]).normalize(), "f")} if "N" in value else value


def _plain(value: Any) -> Any:
    """A value as DynamoDB spells it: type to value."""
    return {value.type: value.value} if isinstance(value, DynamoType) else value
