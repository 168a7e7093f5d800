"""Query executions: their states, and the thread that takes each through them."""

import shutil
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from embedded_aws.athena import definitions, results, statements, writing
from embedded_aws.athena.caller import Caller
from embedded_aws.athena.catalog import Catalog
from embedded_aws.athena.errors import CancelledError, QueryError
from embedded_aws.athena.execution import Engine
from embedded_aws.athena.lake_access import LakeReader
from embedded_aws.athena.objects import Cache, Workspace
from embedded_aws.athena.results import Results
from embedded_aws.athena.statements import Statement
from embedded_aws.context import Context

_AT_ONCE = 4
_RESULTS_KEPT = 16
_INTERRUPT_SECONDS = 0.05
_WRITING = ("CREATE_TABLE_AS_SELECT", "INSERT", "UNLOAD")


class State(StrEnum):
    """Of a query execution."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


@dataclass
class Execution:
    """A query execution. Times are seconds since the epoch."""

    text: str
    statement: Statement
    database: str
    catalog: str
    work_group: str
    base_location: str
    caller: Caller
    parameters: tuple[str, ...] = ()
    prepared: str | None = None  # the text of the prepared statement that is executed
    scan_limit: int | None = None
    encryption: Mapping[str, str] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: State = State.QUEUED
    submitted: float = field(default_factory=time.time)
    started: float | None = None
    completed: float | None = None
    planning_seconds: float = 0.0
    scanned: int = 0
    updated: int = 0
    manifest: str | None = None
    error: QueryError | None = None
    columns: tuple[tuple[str, Any], ...] = ()
    titled: bool = True
    cancelled: threading.Event = field(default_factory=threading.Event)
    engine: Engine | None = None

    @property
    def status(self) -> str:
        """The state's name."""
        return self.state.value

    @property
    def location(self) -> str:
        """Where the results are put."""
        base = self.base_location.rstrip("/") + "/"
        if self.statement.kind == "CREATE_TABLE_AS_SELECT":
            return f"{base}tables/{self.id}"
        if self.statement.kind in ("INSERT", "UNLOAD"):
            return f"{base}{self.id}"
        return f"{base}{self.id}.{'csv' if self.statement.kind == 'SELECT' else 'txt'}"

    def cancel(self) -> None:
        """Ask the query to end."""
        self.cancelled.set()
        threading.Thread(target=self._interrupt, daemon=True).start()

    def _interrupt(self) -> None:
        """Only what runs can be interrupted, and it may not do so yet."""
        while self.state not in ENDED:
            if (engine := self.engine) is not None:
                engine.interrupt()
            time.sleep(_INTERRUPT_SECONDS)

    def describe(self) -> dict[str, Any]:
        """QueryExecution, as GetQueryExecution answers."""
        status: dict[str, Any] = {"State": self.status, "SubmissionDateTime": self.submitted}
        if self.completed is not None:
            status["CompletionDateTime"] = self.completed
        if self.error is not None:
            status["StateChangeReason"] = str(self.error)
            if self.state is State.FAILED:
                status["AthenaError"] = {
                    "ErrorCategory": self.error.category,
                    "ErrorType": 1006 if self.error.category == 2 else 0,
                    "Retryable": False,
                    "ErrorMessage": str(self.error),
                }
        document = {
            "QueryExecutionId": self.id,
            "Query": self.text,
            "StatementType": self.statement.type,
            "SubstatementType": self.statement.kind,
            "ResultConfiguration": {
                "OutputLocation": self.location,
                **({"EncryptionConfiguration": dict(self.encryption)} if self.encryption else {}),
            },
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": {"Database": self.database, "Catalog": self.catalog},
            "Status": status,
            "Statistics": self._statistics(),
            "WorkGroup": self.work_group,
            "EngineVersion": ENGINE_VERSION,
        }
        shown = self.parameters if self.prepared is None else ()
        return {**document, "ExecutionParameters": list(shown)} if shown else document

    def _statistics(self) -> dict[str, Any]:
        now = self.completed or time.time()
        started = self.started or now
        statistics: dict[str, Any] = {
            "EngineExecutionTimeInMillis": _milliseconds(now - started),
            "DataScannedInBytes": self.scanned,
            "TotalExecutionTimeInMillis": _milliseconds(now - self.submitted),
            "QueryQueueTimeInMillis": _milliseconds(started - self.submitted),
            "QueryPlanningTimeInMillis": _milliseconds(self.planning_seconds),
            "ServicePreProcessingTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        }
        return {**statistics, "DataManifestLocation": self.manifest} if self.manifest else statistics


ENGINE_VERSION = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


class Runner:
    """Runs query executions, a few at once, and keeps the latest results at hand."""

    def __init__(self, context: Context) -> None:
        self._context = context
        directory = context.directory("athena-cache")
        self._cache = Cache(_made(directory / "objects"))
        # What an instance that was killed has left.
        shutil.rmtree(directory / "queries", ignore_errors=True)
        self._workspaces = _made(directory / "queries")
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._recent: OrderedDict[str, Results] = OrderedDict()
        self._lock = threading.Lock()

    def submit(self, execution: Execution) -> None:
        """Queue it."""
        threading.Thread(target=self._wait_and_run, args=(execution,), daemon=True, name="athena").start()

    def results(self, execution: Execution, caller: Caller) -> Results:
        """A succeeded query's results; read again, as who asks for them, from the results object."""
        with self._lock:
            recent = self._recent.get(execution.id)
        if recent is not None:
            return recent
        bucket, _, key = execution.location.removeprefix("s3://").partition("/")
        text = caller.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        rows: list[list[str | None]] = (
            results.parse_csv(text)[1:] if execution.titled else [[line] for line in text.splitlines()]
        )
        found = Results(execution.columns, rows, execution.titled)
        self._keep(execution, found)
        return found

    def forget_results(self) -> None:
        """Keep no results at hand."""
        with self._lock:
            self._recent.clear()

    def _wait_and_run(self, execution: Execution) -> None:
        with self._places:
            self._run(execution)

    def _run(self, execution: Execution) -> None:
        workspace = None
        execution.started = time.time()
        try:
            if execution.cancelled.is_set():
                raise CancelledError("Query cancelled by user")
            execution.state = State.RUNNING
            s3 = execution.caller.client("s3")
            workspace = Workspace(s3, self._cache, self._workspaces / execution.id, execution.encryption)
            catalog = Catalog(execution.caller.client("glue"))
            reader = LakeReader(self._context, execution.caller).client
            execution.engine = Engine(catalog, workspace, execution.database, execution.scan_limit, reader)
            self._finish(execution, self._carry_out(execution, execution.engine), workspace)
            execution.completed, execution.state = time.time(), State.SUCCEEDED
        except CancelledError as error:
            self._fail(execution, State.CANCELLED, error)
        except QueryError as error:
            self._fail(execution, State.CANCELLED if execution.cancelled.is_set() else State.FAILED, error)
        except Exception as error:
            message = f"the embedded Athena failed: {type(error).__name__}: {error}"
            # What is interrupted while it opens or closes fails in ways of its own.
            state = State.CANCELLED if execution.cancelled.is_set() else State.FAILED
            self._fail(execution, state, QueryError("GENERIC_INTERNAL_ERROR", message))
        finally:
            if execution.engine is not None:
                execution.scanned = execution.engine.scanned
                execution.engine.close()
                execution.engine = None
            if workspace is not None:
                workspace.clean()

    def _carry_out(self, execution: Execution, engine: Engine) -> Results:
        statement = execution.statement
        try:
            if execution.parameters or execution.prepared:
                text = execution.prepared or execution.text
                statement = statements.parse(statements.with_parameters(text, execution.parameters))
            if statement.kind in _WRITING:
                return self._write(execution, statement, engine)
            if statement.kind != "SELECT":
                return definitions.carry_out(engine, statement)
            assert statement.query is not None  # noqa: S101  (a query has one)
            return results.of_values(*engine.rows(statement.text, statement.query))
        finally:
            execution.scanned, execution.planning_seconds = engine.scanned, engine.planning_seconds

    def _write(self, execution: Execution, statement: Statement, engine: Engine) -> Results:
        if statement.kind == "INSERT":
            written = writing.insert(engine, statement, execution.id)
        elif statement.kind == "UNLOAD":
            written = writing.unload(engine, statement, execution.id)
        else:
            written = writing.create_table_as(engine, statement, execution.id, execution.location)
        execution.updated = written.rows
        execution.manifest = f"{execution.base_location.rstrip('/')}/{execution.id}-manifest.csv"
        engine.workspace.write(execution.manifest, "".join(f"{uri}\n" for uri in written.objects).encode())
        return Results((), (), titled=False)

    def _finish(self, execution: Execution, found: Results, workspace: Workspace) -> None:
        execution.columns, execution.titled = found.columns, found.titled
        if execution.statement.kind not in _WRITING:
            workspace.write(execution.location, found.csv() if found.titled else found.text())
            workspace.write(f"{execution.location}.metadata", results.metadata_object(found))
        self._keep(execution, found)

    def _fail(self, execution: Execution, state: State, error: QueryError) -> None:
        execution.error, execution.completed, execution.state = error, time.time(), state

    def _keep(self, execution: Execution, found: Results) -> None:
        with self._lock:
            self._recent[execution.id] = found
            while len(self._recent) > _RESULTS_KEPT:
                self._recent.popitem(last=False)


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
