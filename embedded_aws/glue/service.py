"""AWS Glue jobs: StartJobRun makes the job's script really run, under local Spark and its own role.

Each run is a process group of its own. The catalog is moto's. What differs from AWS: workers are this machine's cores,
`--additional-python-modules` must be installed already, and a run that asks for bookmarks is refused.
"""

import json
import shutil
import threading
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.glue.exceptions import (
    ConcurrentRunsExceededException,
    InvalidInputException,
    JobNotFoundException,
    JobRunNotFoundException,
)
from moto.glue.models import glue_backends
from moto.glue.responses import GlueResponse

from embedded_aws.context import Context
from embedded_aws.events import service as events
from embedded_aws.glue import crawlers as glue_crawlers
from embedded_aws.glue import workflows as glue_workflows
from embedded_aws.glue.origins import Origin
from embedded_aws.glue.runs import ACTIVE, Run, State, carry_out, new_id
from embedded_aws.glue.workflows import Workflows
from embedded_aws.guard import Patch

_CREATE = Patch("moto.glue.responses:GlueResponse.create_job", "49d334d9dad0f231")
_START = Patch("moto.glue.responses:GlueResponse.start_job_run", "7a0145281c4df814")
_GET = Patch("moto.glue.responses:GlueResponse.get_job_run", "07ca65472bb194bc")
_LIST = Patch("moto.glue.responses:GlueResponse.get_job_runs", "5ec72bc07f993253")
_PARTITIONS = Patch("moto.glue.responses:GlueResponse.get_partitions", "a9b517ae68771479")
PATCHES = (_PARTITIONS, _CREATE, _START, _GET, _LIST, *glue_crawlers.PATCHES, *glue_workflows.PATCHES)

# Minutes; https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html
_DEFAULT_TIMEOUT = 2880
_DEFAULT_TIMEOUT_GLUE_5 = 480
_MAPPINGS = ("ExecutionProperty", "DefaultArguments")
_UPDATED = {
    "Description": "description",
    "LogUri": "log_uri",
    "Role": "role",
    "ExecutionProperty": "execution_property",
    "Command": "command",
    "DefaultArguments": "default_arguments",
    "Connections": "connections",
    "NonOverridableArguments": "non_overridable_arguments",
    "MaxRetries": "max_retries",
    "Timeout": "timeout",
    "AllocatedCapacity": "allocated_capacity",
    "MaxCapacity": "max_capacity",
    "GlueVersion": "glue_version",
    "WorkerType": "worker_type",
    "NumberOfWorkers": "number_of_workers",
    "ExecutionClass": "execution_class",
    "SecurityConfiguration": "security_configuration",
    "NotificationProperty": "notification_property",
}
_COMMANDS = ("glueetl", "pythonshell")
_RUNS_KEPT = 1000
_PARTITIONS_A_PAGE = 1000
_INSTALLED: "list[Glue]" = []


def install(context: Context) -> None:
    """Put this service in the place of moto's job runs."""
    # What an instance that was killed has left.
    shutil.rmtree(context.directory("glue"), ignore_errors=True)
    glue = Glue(context)
    _INSTALLED[:] = [glue]
    _PARTITIONS.apply(lambda response: ActionResult(_partitions(response.glue_backend, _parameters(response))))
    create: Any = _CREATE.apply(lambda response: _created(response, create, glue))
    _START.apply(lambda response: ActionResult(glue.start(_parameters(response))))
    _GET.apply(lambda response: ActionResult(glue.get(_parameters(response))))
    _LIST.apply(lambda response: ActionResult(glue.list(_parameters(response))))
    operations: Any = GlueResponse  # moto has neither operation yet
    operations.update_job = lambda response: ActionResult(glue.update(_parameters(response)))
    operations.batch_stop_job_run = lambda response: ActionResult(glue.batch_stop(_parameters(response)))
    operations.delete_connection = lambda response: ActionResult(_forget_connection(response))
    operations.search_tables = lambda response: ActionResult(_search(response.glue_backend, _parameters(response)))
    glue_workflows.install(glue.workflows, context)
    glue_crawlers.install(context, glue.workflows.crawl_ended, glue.workflows.look)


def fire_trigger(name: str) -> None:
    """Carry out a trigger's actions, as if its time had come."""
    _INSTALLED[0].workflows.fire_trigger(name)


def notify_workflow(name: str, event_id: str) -> None:
    """Tell a workflow of an event that a rule of EventBridge has for it."""
    _INSTALLED[0].workflows.notify(name, event_id)


def wait(run_id: str, seconds: float) -> bool:
    """Wait until a run has ended, for `seconds` at most; whether it has. An unknown run counts as ended."""
    run = _INSTALLED[0].find(run_id)
    return run is None or run.ended.wait(seconds)


class Glue:
    """All job runs of the instance."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._runs: dict[str, Run] = {}
        self._queuing: dict[str, bool] = {}
        self._lock = threading.RLock()
        self.workflows = Workflows(context, self._start_triggered, self._stop_triggered)

    def find(self, run_id: str) -> Run | None:
        """A run by its id."""
        return self._runs.get(run_id)

    def remember(self, parameters: Mapping[str, Any]) -> None:
        """What CreateJob says and moto does not keep: whether runs beyond the limit wait instead of being refused."""
        self._queuing[parameters["Name"]] = bool(parameters.get("JobRunQueuingEnabled"))

    def update(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateJob: "the previous definition is completely overwritten by this information"."""
        job, told = self._job(parameters["JobName"]), parameters["JobUpdate"]
        for name, attribute in _UPDATED.items():
            setattr(job, attribute, told.get(name, {} if name in _MAPPINGS else None))
        job.execution_class = job.execution_class or "STANDARD"
        job.last_modified_on = utcnow()
        self.remember({**told, "Name": job.name})
        return {"JobName": job.name}

    def start(self, parameters: Mapping[str, Any], origin: Origin | None = None) -> dict[str, Any]:
        """StartJobRun. With JobRunId, the arguments of that run are the defaults."""
        job = self._job(parameters["JobName"])
        if parameters.get("AllocatedCapacity") and parameters.get("MaxCapacity"):
            raise InvalidInputException("StartJobRun", "Please set only Allocated Capacity or Max Capacity")
        if (kind := job.command.get("Name")) not in _COMMANDS:
            raise InvalidInputException("StartJobRun", f"Command {kind} is not one of {', '.join(_COMMANDS)}")
        arguments = dict(parameters.get("Arguments") or {})
        _refuse_bookmarks({**job.default_arguments, **arguments})
        previous = parameters.get("JobRunId")
        if previous:
            arguments = {**self._run(job.name, previous).arguments, **arguments}
        run = Run(
            id=new_id(),
            job=job,
            attempt=0,
            arguments=arguments,
            effective={**job.default_arguments, **arguments, **(job.non_overridable_arguments or {})},
            timeout_minutes=parameters.get("Timeout") or job.timeout or _default_timeout(job),
            properties=_properties(job, parameters),
            previous_id=previous,
            origin=origin,
        )
        with self._lock:
            if not self._has_place(job):
                if not parameters.get("JobRunQueuingEnabled", self._queuing.get(job.name)):
                    raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {job.name}")
                run.state = State.WAITING
            self._add(run)
            if run.state is State.STARTING:
                self._launch(run)
        return {"JobRunId": run.id}

    def get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """GetJobRun."""
        return {"JobRun": self._run(parameters["JobName"], parameters["RunId"]).describe()}

    def list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """GetJobRuns, the latest first."""
        job = self._job(parameters["JobName"])
        with self._lock:
            runs = [run for run in reversed(self._runs.values()) if run.job.name == job.name]
        start = int(parameters.get("NextToken") or 0)
        end = start + int(parameters.get("MaxResults") or 200)
        answer: dict[str, Any] = {"JobRuns": [run.describe() for run in runs[start:end]]}
        return {**answer, "NextToken": str(end)} if end < len(runs) else answer

    def batch_stop(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """BatchStopJobRun."""
        name = parameters["JobName"]
        submissions, errors = [], []
        for run_id in parameters["JobRunIds"]:
            run = self._runs.get(run_id)
            if run is None or run.job.name != name:
                errors.append(_refusal(name, run_id, "JobRunNotFoundException", f"Job run {run_id} not found."))
            elif run.state not in (State.WAITING, State.STARTING, State.RUNNING):
                message = f"Job run {run_id} is in state {run.state} and cannot be stopped."
                errors.append(_refusal(name, run_id, "IllegalJobRunStateException", message))
            else:
                run.stop()
                submissions.append({"JobName": name, "JobRunId": run_id})
        return {"SuccessfulSubmissions": submissions, "Errors": errors}

    def _has_place(self, job: Any) -> bool:
        active = [run for run in self._runs.values() if run.job.name == job.name and run.state in ACTIVE]
        return len(active) < int(job.execution_property.get("MaxConcurrentRuns") or 1)

    def _launch(self, run: Run) -> None:
        threading.Thread(target=self._carry_out, args=(run,), daemon=True, name=f"glue-{run.job.name}").start()

    def _carry_out(self, run: Run) -> None:
        state, error = carry_out(self._context, run)
        with self._lock:
            following = self._retry(run) if state is State.FAILED else None
            if following is not None:
                self._add(following)
            run.turn(state, error)
            if following is None and self._has_place(run.job):
                waiting = (one for one in self._runs.values() if one.job.name == run.job.name)
                following = next((one for one in waiting if one.state is State.WAITING), None)
            if following is not None:
                following.turn(State.STARTING)
                self._launch(following)
        self._tell(run)
        if following is None or following.id.partition("_attempt_")[0] != run.id.partition("_attempt_")[0]:
            self.workflows.job_ended(run.origin, run.id, state.value)

    def _tell(self, run: Run) -> None:
        """Of a run that has ended: https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-glue.html."""
        detail = {
            "jobName": run.job.name,
            "severity": "INFO" if run.state is State.SUCCEEDED else "ERROR",
            "state": run.state.value,
            "jobRunId": run.id,
            "message": run.error or f"Job run {run.state.value.lower()}",
        }
        events.emit(
            self._context,
            source="aws.glue",
            detail_type="Glue Job State Change",
            resources=[],
            detail=lambda: detail,
        )

    def _start_triggered(self, parameters: Mapping[str, Any], origin: Origin) -> str:
        run_id: str = self.start(parameters, origin)["JobRunId"]
        return run_id

    def _stop_triggered(self, job: str, run_id: str) -> None:
        self.batch_stop({"JobName": job, "JobRunIds": [run_id]})

    def _retry(self, run: Run) -> Run | None:
        """The next attempt, if there is to be one: a run of its own, named after the first."""
        if run.attempt >= (run.job.max_retries or 0):
            return None
        first = run.id.partition("_attempt_")[0]
        return Run(
            id=f"{first}_attempt_{run.attempt + 1}",
            job=run.job,
            attempt=run.attempt + 1,
            arguments=run.arguments,
            effective=run.effective,
            timeout_minutes=run.timeout_minutes,
            properties=run.properties,
            previous_id=run.id,
            origin=run.origin,
        )

    def _add(self, run: Run) -> None:
        self._runs[run.id] = run
        if len(self._runs) > _RUNS_KEPT:
            oldest = next(known for known in self._runs.values() if known.state not in ACTIVE)
            del self._runs[oldest.id]

    def _job(self, name: str) -> Any:
        job = glue_backends[self._context.account][self._context.region].jobs.get(name)
        if job is None:
            raise JobNotFoundException(name)
        return job

    def _run(self, name: str, run_id: str) -> Run:
        run = self._runs.get(run_id)
        if run is None or run.job.name != self._job(name).name:
            raise JobRunNotFoundException(run_id)
        return run


def _partitions(backend: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """GetPartitions, 1000 a page at most, and without their columns where nobody asks for those."""
    found = backend.get_partitions(
        parameters["DatabaseName"], parameters["TableName"], parameters.get("Expression") or ""
    )
    start = int(parameters.get("NextToken") or 0)
    end = start + int(parameters.get("MaxResults") or _PARTITIONS_A_PAGE)
    documents = [partition.as_dict() for partition in found[start:end]]
    if parameters.get("ExcludeColumnSchema"):
        for document in documents:
            descriptor = document.get("StorageDescriptor") or {}
            document["StorageDescriptor"] = {name: value for name, value in descriptor.items() if name != "Columns"}
    return {"Partitions": documents, **({"NextToken": str(end)} if end < len(found) else {})}


def _forget_connection(response: Any) -> dict[str, Any]:
    response.glue_backend.connections.pop(_parameters(response)["ConnectionName"], None)
    return {}


def _search(backend: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """SearchTables: the text in names and descriptions, filters by the values of properties."""
    text = (parameters.get("SearchText") or "").strip('"').lower()
    found = []
    for table in (table for database in backend.databases.values() for table in database.tables.values()):
        document = table.as_dict()
        columns = (document.get("StorageDescriptor") or {}).get("Columns") or ()
        words = [table.name, document.get("Description") or "", *(column["Name"] for column in columns)]
        if text in " ".join(words).lower() and all(_passes(document, one) for one in parameters.get("Filters") or ()):
            found.append(document)
    start = int(parameters.get("NextToken") or 0)
    end = start + int(parameters.get("MaxResults") or 100)
    return {"TableList": found[start:end], **({"NextToken": str(end)} if end < len(found) else {})}


def _passes(document: Mapping[str, Any], told: Mapping[str, str]) -> bool:
    if (comparator := told.get("Comparator") or "EQUALS") != "EQUALS":
        raise InvalidInputException("SearchTables", f"the embedded Glue does not compare by {comparator}")
    own = {**(document.get("Parameters") or {}), **{k: v for k, v in document.items() if isinstance(v, str)}}
    return str(own.get(told["Key"])) == told.get("Value")


def _created(response: Any, create: Any, glue: Glue) -> Any:
    answer = create(response)
    glue.remember(_parameters(response))
    return answer


def _parameters(response: Any) -> Mapping[str, Any]:
    parameters: Mapping[str, Any] = json.loads(response.body or "{}")
    return parameters


def _refuse_bookmarks(arguments: Mapping[str, str]) -> None:
    if arguments.get("--job-bookmark-option", "job-bookmark-disable") != "job-bookmark-disable":
        raise InvalidInputException("StartJobRun", "the embedded Glue keeps no job bookmarks (--job-bookmark-option)")


def _default_timeout(job: Any) -> int:
    return _DEFAULT_TIMEOUT_GLUE_5 if (job.glue_version or "0").split(".")[0] >= "5" else _DEFAULT_TIMEOUT


def _properties(job: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "WorkerType": job.worker_type,
        "NumberOfWorkers": job.number_of_workers,
        "AllocatedCapacity": job.allocated_capacity,
        "MaxCapacity": job.max_capacity,
        "SecurityConfiguration": job.security_configuration,
        "NotificationProperty": job.notification_property,
    }
    return {name: parameters.get(name) or value for name, value in given.items() if parameters.get(name) or value}


def _refusal(job: str, run_id: str, code: str, message: str) -> dict[str, Any]:
    return {"JobName": job, "JobRunId": run_id, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": message}}
