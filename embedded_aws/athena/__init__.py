"""Athena that answers: Trino's SQL, through DuckDB, over the Glue catalog and the objects in S3.

A query is bound over empty tables of the catalog's schema first. Its plan says which partitions, columns and row
groups it needs; only those objects are fetched, as the caller, and only their bytes count as scanned.

What differs from AWS: tables are of Parquet; regular expressions are RE2's; prepared statements, federated catalogs and
Iceberg are absent.
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
    "get_database": ("database", "15d2023ce3c3261f"),
    "list_databases": ("databases", "704b5fa64a4defc9"),
}
_ADDED = {
    "batch_get_query_execution": "batch_get",
    "get_table_metadata": "table",
    "list_table_metadata": "tables",
    "update_work_group": "update_work_group",
}
PATCHES = tuple(
    Patch(f"moto.athena.responses:AthenaResponse.{name}", sha256) for name, (_, sha256) in _REPLACED.items()
)
_WARM_UP_SECONDS = 5.0
_lock = threading.Lock()
_installed: "dict[Context, Athena | None]" = {}


def install(context: Context) -> None:
    """Put this service in the place of moto's query executions."""
    _installed.clear()
    _installed[context] = None
    for patch, (method, _) in zip(PATCHES, _REPLACED.values(), strict=True):
        patch.apply(_handler(method))
    responses: Any = AthenaResponse
    for name, method in _ADDED.items():
        setattr(responses, name, _handler(method))


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
