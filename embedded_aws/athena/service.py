"""Athena's API over query executions that really run."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from moto.athena.models import WorkGroup, athena_backends
from moto.core.exceptions import JsonRESTError

from embedded_aws.athena import statements
from embedded_aws.athena.caller import Caller
from embedded_aws.athena.catalog import Catalog, Table
from embedded_aws.athena.errors import QueryError
from embedded_aws.athena.paging import page
from embedded_aws.athena.queries import ENDED, ENGINE_VERSION, Execution, Runner, State
from embedded_aws.athena.saved_queries import SavedQueries
from embedded_aws.athena.statements import Statement
from embedded_aws.athena.types import split
from embedded_aws.context import Context
from embedded_aws.iam import identity

_LONGEST_QUERY = 262144
_EXECUTIONS_KEPT = 10_000
_CATALOG = "AwsDataCatalog"
Parameters = Mapping[str, Any]


class Athena:
    """All query executions of the instance."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._runner = Runner(context)
        self._executions: dict[str, Execution] = {}
        self._tokens: dict[str, str] = {}
        self.saved = SavedQueries(context)

    def caller(self, headers: Mapping[str, Any]) -> Caller:
        """Who signed a request."""
        key = identity.access_key(headers.get("Authorization") or "")
        return Caller(key, headers.get("X-Amz-Security-Token"))

    def start(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """StartQueryExecution. A text that is no statement is refused here."""
        text = parameters.get("QueryString") or ""
        if len(text) > _LONGEST_QUERY:
            raise _invalid(f"Query string exceeds the maximum length of {_LONGEST_QUERY}")
        token = parameters.get("ClientRequestToken")
        if token in self._tokens:
            return self._again(self._tokens[token], text)
        group = self._group(parameters.get("WorkGroup") or "primary")
        if group.state != "ENABLED":
            raise _invalid(f"WorkGroup {group.name} is disabled.")
        try:
            statement = statements.parse(text)
        except QueryError as error:
            raise JsonRESTError("InvalidRequestException", str(error)) from error
        given = tuple(parameters.get("ExecutionParameters") or ())
        prepared = None
        if statement.kind == "EXECUTE":
            prepared, given = self._prepared(statement, group.name, given)
            statement = statements.parse(prepared)
        self._change_prepared(statement, group.name)
        context = parameters.get("QueryExecutionContext") or {}
        asked = parameters.get("ResultConfiguration") or {}
        execution = Execution(
            text=text,
            statement=statement,
            database=(context.get("Database") or "default").lower(),
            catalog=(context.get("Catalog") or _CATALOG).lower(),
            work_group=group.name,
            base_location=_output_location(group, asked),
            encryption=_result_setting(group, asked, "EncryptionConfiguration"),
            caller=caller,
            parameters=given,
            prepared=prepared,
            scan_limit=group.configuration.get("BytesScannedCutoffPerQuery"),
        )
        if _enforced(group) and statement.kind == "CREATE_TABLE_AS_SELECT" and "external_location" in statement.options:
            raise _invalid(
                "The Create Table As Select query failed because it was submitted with an 'external_location' property "
                "to an Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
                "'external_location' property and resubmit the query."
            )
        self._add(execution, token)
        self._runner.submit(execution)
        return {"QueryExecutionId": execution.id}

    def _prepared(self, statement: Statement, group: str, given: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """What EXECUTE runs: the prepared text, and the values of its question marks."""
        assert statement.name is not None  # noqa: S101  (the statement's pattern has one)
        using = statement.options.get("using")
        values = tuple(value.strip() for value in split(using)) if using else given
        return self.saved.find(group, statement.name[1]).query, values

    def _change_prepared(self, statement: Statement, group: str) -> None:
        """PREPARE and DEALLOCATE PREPARE."""
        if statement.name is None or statement.kind not in ("PREPARE", "DEALLOCATE_PREPARE"):
            return
        told = {"WorkGroup": group, "StatementName": statement.name[1]}
        if statement.kind == "PREPARE":
            self.saved.prepare({**told, "QueryStatement": statement.options["query"]})
        else:
            self.saved.delete_prepared(told)

    def get(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """GetQueryExecution."""
        return {"QueryExecution": self._execution(parameters["QueryExecutionId"]).describe()}

    def batch_get(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """BatchGetQueryExecution."""
        identifiers = parameters["QueryExecutionIds"]
        unknown = [name for name in identifiers if name not in self._executions]
        return {
            "QueryExecutions": [self._executions[name].describe() for name in identifiers if name in self._executions],
            "UnprocessedQueryExecutionIds": [
                {
                    "QueryExecutionId": name,
                    "ErrorCode": "INVALID_QUERY_EXECUTION_ID",
                    "ErrorMessage": f"QueryExecution {name} was not found",
                }
                for name in unknown
            ],
        }

    def list(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """ListQueryExecutions of a workgroup, the latest first."""
        group = parameters.get("WorkGroup") or "primary"
        found = [name for name, one in reversed(self._executions.items()) if one.work_group == group]
        return page(found, parameters, "QueryExecutionIds", 50)

    def stop(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """StopQueryExecution; one that has ended stays as it is."""
        execution = self._execution(parameters["QueryExecutionId"])
        if execution.state not in ENDED:
            execution.cancel()
        return {}

    def results(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """GetQueryResults, 1000 rows a page at most."""
        execution = self._execution(parameters["QueryExecutionId"])
        if execution.state in (State.QUEUED, State.RUNNING):
            raise _invalid(f"Query has not yet finished. Current state: {execution.status}")
        if execution.state is not State.SUCCEEDED:
            raise _invalid(f"Query did not finish successfully. Final query state: {execution.status}")
        size = int(parameters.get("MaxResults") or 1000)
        if not 1 <= size <= 1000:
            raise _invalid("MaxResults is more than maximum allowed length 1000")
        try:
            found = self._runner.results(execution, caller)
        except ClientError as error:
            raise _invalid(f"Could not find results: {error.response['Error'].get('Message')}") from error
        rows, following = found.page(int(parameters.get("NextToken") or 0), size)
        answer: dict[str, Any] = {
            "UpdateCount": execution.updated,
            "ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": found.metadata()}},
        }
        return {**answer, "NextToken": str(following)} if following is not None else answer

    def statistics(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """GetQueryRuntimeStatistics."""
        execution = self._execution(parameters["QueryExecutionId"])
        timeline = execution.describe()["Statistics"]
        names = [name for name in timeline if name.endswith("InMillis")]
        rows = {"InputBytes": execution.scanned, "OutputRows": execution.updated}
        return {"QueryRuntimeStatistics": {"Timeline": {name: timeline[name] for name in names}, "Rows": rows}}

    def work_group(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """GetWorkGroup."""
        group = self._group(parameters["WorkGroup"])
        configuration = {**group.configuration, "EngineVersion": ENGINE_VERSION}
        return {
            "WorkGroup": {
                "Name": group.name,
                "State": group.state,
                "Configuration": configuration,
                "Description": group.description or "",
            }
        }

    def update_work_group(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """UpdateWorkGroup."""
        group = self._group(parameters["WorkGroup"])
        updates = dict(parameters.get("ConfigurationUpdates") or {})
        result = dict(updates.pop("ResultConfigurationUpdates", None) or {})
        if updates.pop("RemoveBytesScannedCutoffPerQuery", False):
            group.configuration.pop("BytesScannedCutoffPerQuery", None)
        if result.pop("RemoveOutputLocation", False):
            group.configuration.get("ResultConfiguration", {}).pop("OutputLocation", None)
        group.configuration.setdefault("ResultConfiguration", {}).update(result)
        group.configuration.update(updates)
        group.description = parameters.get("Description") or group.description
        group.state = parameters.get("State") or group.state
        return {}

    def database(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """GetDatabase: the catalog is Glue's."""
        _require_glue(parameters)
        name = parameters["DatabaseName"].lower()
        if not self._catalog(caller).has_database(name):
            raise JsonRESTError("MetadataException", f"Database {name} not found")
        return {"Database": {"Name": name}}

    def databases(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """ListDatabases."""
        _require_glue(parameters)
        return page([{"Name": name} for name in self._catalog(caller).databases()], parameters, "DatabaseList", 50)

    def table(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """GetTableMetadata."""
        _require_glue(parameters)
        try:
            found = self._catalog(caller).table(parameters["DatabaseName"].lower(), parameters["TableName"].lower())
        except QueryError as error:
            raise JsonRESTError("MetadataException", error.message) from error
        return {"TableMetadata": _metadata(found)}

    def tables(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """ListTableMetadata."""
        _require_glue(parameters)
        try:
            found = self._catalog(caller).tables(parameters["DatabaseName"].lower())
        except QueryError as error:
            raise JsonRESTError("MetadataException", error.message) from error
        listed = [_metadata(table) for table in found if _matches(table.name, parameters.get("Expression"))]
        return page(listed, parameters, "TableMetadataList", 50)

    def work_group_of(self, identifier: str) -> str | None:
        """The workgroup of a query execution, for those who check its caller's permissions; None for an unknown one."""
        execution = self._executions.get(identifier)
        return execution.work_group if execution else None

    def data_catalogs(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """ListDataCatalogs: Glue's, and those that were made."""
        made = athena_backends[self._context.account][self._context.region].list_data_catalogs()
        own = {"CatalogName": _CATALOG, "Type": "GLUE", "Status": "CREATE_COMPLETE"}
        return page([own, *made], parameters, "DataCatalogsSummary", 50)

    def data_catalog(self, parameters: Parameters, caller: Caller) -> dict[str, Any]:
        """GetDataCatalog."""
        name = parameters["Name"]
        if name.lower() == _CATALOG.lower():
            found: Any = {"Name": _CATALOG, "Type": "GLUE", "Parameters": {"catalog-id": self._context.account}}
        else:
            found = athena_backends[self._context.account][self._context.region].get_data_catalog(name)
        if found is None:
            raise _invalid(f"Data catalog {name} was not found")
        return {"DataCatalog": found}

    def forget_results(self) -> None:
        """Keep no results at hand: they are read from their objects again."""
        self._runner.forget_results()

    def _catalog(self, caller: Caller) -> Catalog:
        return Catalog(caller.client("glue"))

    def _group(self, name: str) -> WorkGroup:
        group = athena_backends[self._context.account][self._context.region].work_groups.get(name)
        if group is None:
            raise _invalid(f"WorkGroup {name} is not found.")
        return group

    def _execution(self, identifier: str) -> Execution:
        if identifier not in self._executions:
            raise _invalid(f"QueryExecution {identifier} was not found")
        return self._executions[identifier]

    def _again(self, identifier: str, text: str) -> dict[str, Any]:
        if self._executions[identifier].text != text:
            raise _invalid("Idempotent parameters do not match")
        return {"QueryExecutionId": identifier}

    def _add(self, execution: Execution, token: str | None) -> None:
        self._executions[execution.id] = execution
        if token:
            self._tokens[token] = execution.id
        if len(self._executions) > _EXECUTIONS_KEPT:
            oldest = next(iter(self._executions))
            del self._executions[oldest]
            self._tokens = {known: name for known, name in self._tokens.items() if name != oldest}


def _require_glue(parameters: Parameters) -> None:
    name = parameters.get("CatalogName") or _CATALOG
    if name.lower() != _CATALOG.lower():
        raise JsonRESTError("MetadataException", f"the embedded Athena reads {_CATALOG} only, not {name}")


def _matches(name: str, expression: str | None) -> bool:
    """ListTableMetadata's Expression: "A regex filter that pattern-matches table names"."""
    if not expression:
        return True
    try:
        return re.fullmatch(expression.replace("*", ".*").replace("..*", ".*"), name) is not None
    except re.error as error:
        raise _invalid(f"Expression {expression} is not a regular expression: {error}") from error


def _enforced(group: WorkGroup) -> bool:
    return bool(group.configuration.get("EnforceWorkGroupConfiguration"))


def _result_setting(group: WorkGroup, asked: Mapping[str, Any], name: str) -> Any:
    """The workgroup's setting where it enforces its own, else the request's, else the workgroup's.

    https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
    """
    own = (group.configuration.get("ResultConfiguration") or {}).get(name)
    return own if _enforced(group) and own else asked.get(name) or own


def _output_location(group: WorkGroup, asked: Mapping[str, Any]) -> str:
    location = _result_setting(group, asked, "OutputLocation")
    if not location:
        raise _invalid(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    return str(location)


def _metadata(table: Table) -> dict[str, Any]:
    def columns(found: Any) -> list[dict[str, str]]:
        return [
            {"Name": column.name, "Type": column.hive, **({"Comment": column.comment} if column.comment else {})}
            for column in found
        ]

    return {
        "Name": table.name,
        "TableType": table.document.get("TableType") or "EXTERNAL_TABLE",
        "Columns": columns(table.columns),
        "PartitionKeys": columns(table.partition_keys),
        "Parameters": {**(table.document.get("Parameters") or {}), "location": table.location},
    }


def _invalid(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)
