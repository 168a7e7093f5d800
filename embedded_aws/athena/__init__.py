"""Athena that answers: Trino's SQL, through DuckDB, over the Glue catalog and the objects in S3.

A query is bound over empty tables of the catalog's schema first. Its plan says which partitions, columns and row
groups it needs; only those objects are fetched, as the caller, and only their bytes count as scanned.

What differs from AWS: tables are of Parquet or text; regular expressions are RE2's; federated catalogs, Iceberg and
partition projection are absent, and refused by name.
"""

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.athena.responses import AthenaResponse

from embedded_aws.context import Context
from embedded_aws.guard import Patch

if TYPE_CHECKING:
    from embedded_aws.athena.service import Athena

# The API's operations and the method of Athena that each is; `_ADDED` are those that moto does not have.
_REPLACED = {
    "start_query_execution": ("start", "8d3324e2ed7747fe"),
    "get_query_execution": ("get", "18aaaa0f76fb9861"),
    "get_query_results": ("results", "3d9348b2e67c0ddc"),
    "list_query_executions": ("list", "308b5b02d69ab402"),
    "stop_query_execution": ("stop", "6da48595c70dca2c"),
    "get_query_runtime_statistics": ("statistics", "67abd015de8be888"),
    "get_work_group": ("work_group", "87b0d39d7410a4ca"),
    "get_data_catalog": ("data_catalog", "ea2d31df5f5da748"),
    "list_data_catalogs": ("data_catalogs", "678b7fcd88fea106"),
    "get_database": ("database", "15d2023ce3c3261f"),
    "list_databases": ("databases", "704b5fa64a4defc9"),
}
# Of `saved`, the workgroups' queries.
_SAVED_REPLACED = {
    "get_named_query": ("named", "ce958a8344875936"),
    "create_prepared_statement": ("prepare", "25ae193928b49737"),
    "get_prepared_statement": ("prepared", "b266b98b2b18c093"),
}
_SAVED_ADDED = {
    "batch_get_named_query": "batch_named",
    "update_named_query": "update_named",
    "delete_named_query": "delete_named",
    "update_prepared_statement": "update_prepared",
    "batch_get_prepared_statement": "batch_prepared",
    "list_prepared_statements": "list_prepared",
    "delete_prepared_statement": "delete_prepared",
}
_ADDED = {
    "batch_get_query_execution": "batch_get",
    "get_table_metadata": "table",
    "list_table_metadata": "tables",
    "update_work_group": "update_work_group",
}
PATCHES = tuple(
    Patch(f"moto.athena.responses:AthenaResponse.{name}", sha256)
    for name, (_, sha256) in (*_REPLACED.items(), *_SAVED_REPLACED.items())
)
_WARM_UP_SECONDS = 5.0
_lock = threading.Lock()
_installed: "dict[Context, Athena | None]" = {}


def install(context: Context) -> None:
    """Put this service in the place of moto's query executions."""
    _installed.clear()
    _installed[context] = None
    handlers = [_handler(method) for method, _ in _REPLACED.values()]
    handlers += [_saved_handler(method) for method, _ in _SAVED_REPLACED.values()]
    for patch, handler in zip(PATCHES, handlers, strict=True):
        patch.apply(handler)
    responses: Any = AthenaResponse
    for name, method in _ADDED.items():
        setattr(responses, name, _handler(method))
    for name, method in _SAVED_ADDED.items():
        setattr(responses, name, _saved_handler(method))


def start(context: Context) -> None:
    """Load the engine once there is time for it, before somebody asks."""
    timer = threading.Timer(_WARM_UP_SECONDS, installed)
    timer.daemon = True
    timer.start()


def installed() -> "Athena":
    """The installed service, made when it is first needed: its engine takes half a second to load."""
    from embedded_aws.athena.service import Athena  # noqa: PLC0415

    with _lock:
        [(context, made)] = _installed.items()
        if made is None:
            made = _installed[context] = Athena(context)
        return made


def _handler(method: str) -> Callable[[Any], str]:
    def handle(response: Any) -> str:
        athena = installed()
        return json.dumps(getattr(athena, method)(json.loads(response.body or "{}"), athena.caller(response.headers)))

    return handle


def _saved_handler(method: str) -> Callable[[Any], str]:
    return lambda response: json.dumps(getattr(installed().saved, method)(json.loads(response.body or "{}")))
