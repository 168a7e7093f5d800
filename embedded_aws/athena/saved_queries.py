"""Named queries and prepared statements, which belong to a workgroup."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.athena.models import athena_backends
from moto.core.exceptions import JsonRESTError

from embedded_aws.athena import statements
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.paging import page
from embedded_aws.context import Context

Parameters = Mapping[str, Any]


@dataclass
class PreparedStatement:
    """A statement with question marks."""

    name: str
    work_group: str
    query: str
    description: str
    modified: float

    def describe(self) -> dict[str, Any]:
        """PreparedStatement, as GetPreparedStatement answers."""
        return {
            "StatementName": self.name,
            "WorkGroupName": self.work_group,
            "QueryStatement": self.query,
            "Description": self.description,
            "LastModifiedTime": self.modified,
        }


class SavedQueries:
    """Those of all workgroups. Named queries are moto's; prepared statements are not told apart by workgroup there."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._prepared: dict[tuple[str, str], PreparedStatement] = {}

    def named(self, parameters: Parameters) -> dict[str, Any]:
        """GetNamedQuery."""
        return {"NamedQuery": self._named(parameters["NamedQueryId"])}

    def batch_named(self, parameters: Parameters) -> dict[str, Any]:
        """BatchGetNamedQuery."""
        known = self._backend().named_queries
        identifiers = parameters["NamedQueryIds"]
        return {
            "NamedQueries": [self._named(name) for name in identifiers if name in known],
            "UnprocessedNamedQueryIds": [
                {"NamedQueryId": name, "ErrorCode": "INVALID_INPUT", "ErrorMessage": f"NamedQuery {name} was not found"}
                for name in identifiers
                if name not in known
            ],
        }

    def update_named(self, parameters: Parameters) -> dict[str, Any]:
        """UpdateNamedQuery."""
        self._named(parameters["NamedQueryId"])
        query = self._backend().named_queries[parameters["NamedQueryId"]]
        query.name, query.query_string = parameters["Name"], parameters["QueryString"]
        query.description = parameters.get("Description") or query.description
        return {}

    def delete_named(self, parameters: Parameters) -> dict[str, Any]:
        """DeleteNamedQuery."""
        self._named(parameters["NamedQueryId"])
        del self._backend().named_queries[parameters["NamedQueryId"]]
        return {}

    def prepare(self, parameters: Parameters) -> dict[str, Any]:
        """CreatePreparedStatement: "StatementName ... is case-sensitive"; a taken name is refused."""
        group, name = self._group(parameters), parameters["StatementName"]
        if (group, name) in self._prepared:
            raise _invalid(f"PreparedStatement {name} already exists in workGroup {group}")
        self._put(group, name, parameters)
        return {}

    def update_prepared(self, parameters: Parameters) -> dict[str, Any]:
        """UpdatePreparedStatement."""
        self.find(self._group(parameters), parameters["StatementName"])
        self._put(self._group(parameters), parameters["StatementName"], parameters)
        return {}

    def prepared(self, parameters: Parameters) -> dict[str, Any]:
        """GetPreparedStatement."""
        return {"PreparedStatement": self.find(self._group(parameters), parameters["StatementName"]).describe()}

    def batch_prepared(self, parameters: Parameters) -> dict[str, Any]:
        """BatchGetPreparedStatement."""
        group = self._group(parameters)
        names = parameters["PreparedStatementNames"]
        return {
            "PreparedStatements": [self._prepared[group, n].describe() for n in names if (group, n) in self._prepared],
            "UnprocessedPreparedStatementNames": [
                {"StatementName": n, "ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": _not_found(group, n)}
                for n in names
                if (group, n) not in self._prepared
            ],
        }

    def list_prepared(self, parameters: Parameters) -> dict[str, Any]:
        """ListPreparedStatements of a workgroup."""
        group = self._group(parameters)
        found = [
            {"StatementName": one.name, "LastModifiedTime": one.modified}
            for one in self._prepared.values()
            if one.work_group == group
        ]
        return page(found, parameters, "PreparedStatements", 50)

    def delete_prepared(self, parameters: Parameters) -> dict[str, Any]:
        """DeletePreparedStatement."""
        group, name = self._group(parameters), parameters["StatementName"]
        self.find(group, name)
        del self._prepared[group, name]
        return {}

    def find(self, group: str, name: str) -> PreparedStatement:
        """A prepared statement; ResourceNotFoundException if there is none."""
        if (group, name) not in self._prepared:
            raise JsonRESTError("ResourceNotFoundException", _not_found(group, name))
        return self._prepared[group, name]

    def _put(self, group: str, name: str, parameters: Parameters) -> None:
        query, description = parameters["QueryStatement"], parameters.get("Description") or ""
        try:
            statements.parse(query)
        except QueryError as error:
            raise _invalid(str(error)) from error
        self._prepared[group, name] = PreparedStatement(name, group, query, description, time.time())

    def _named(self, identifier: str) -> dict[str, Any]:
        query = self._backend().named_queries.get(identifier)
        if query is None:
            raise _invalid(f"NamedQuery {identifier} was not found")
        return {
            "NamedQueryId": query.id,
            "Name": query.name,
            "Description": query.description or "",
            "Database": query.database,
            "QueryString": query.query_string,
            "WorkGroup": query.workgroup.name,
        }

    def _group(self, parameters: Parameters) -> str:
        name: str = parameters.get("WorkGroup") or "primary"
        if name not in self._backend().work_groups:
            raise _invalid(f"WorkGroup {name} is not found.")
        return name

    def _backend(self) -> Any:
        return athena_backends[self._context.account][self._context.region]


def _not_found(group: str, name: str) -> str:
    return f"PreparedStatement {name} was not found in workGroup {group}"


def _invalid(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)
