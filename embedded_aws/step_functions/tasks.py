"""Task states: how parameters and answers are spelled, who calls, and how `.sync` waits."""

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import botocore.session
import moto.stepfunctions.parser.models  # noqa: F401  (and with it every module of the interpreter)
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.response import StreamingBody
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from embedded_aws import clients
from embedded_aws.batch import service as batch
from embedded_aws.context import Context
from embedded_aws.glue import service as glue
from embedded_aws.guard import Patch

_SERVICE = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service"
_CLIENT = Patch("moto.stepfunctions.parser.asl.utils.boto_client:boto_client_for", "1f44dc2ac8aa2179")
_PARAMETERS = Patch(f"{_SERVICE}.state_task_service:StateTaskService._normalise_parameters", "dece59e76fd5e746")
_ANSWER = Patch(f"{_SERVICE}.state_task_service:StateTaskService._normalise_response", "00e0b0a50b1dd4ba")
_ACTION = Patch(f"{_SERVICE}.state_task_service:StateTaskService._get_boto_service_action", "e57277e8efaa66f0")
_INTEGRATION = Patch(
    f"{_SERVICE}.state_task_service_callback:StateTaskServiceCallback._eval_integration_pattern", "3b97ada1d4cb7280"
)
PATCHES = (_CLIENT, _PARAMETERS, _ANSWER, _ACTION, _INTEGRATION)

_CLIENT_SECONDS = 6 * 3600.0
_LOOK_SECONDS = 0.2
_MODELS = threading.Lock()


class AbandonedTaskError(RuntimeError):
    """The execution, or the time of the state, ended before the task did."""


@dataclass(frozen=True)
class Sync:
    """How to wait for what a task has started, whose answer to the start is `started`.

    `wait(started, seconds)` says whether it has ended; `outcome(client, started)` is the task's output, in
    boto3's spelling, with the shape to spell it by, and whether it is a success; `cancel(client, started)` ends it.
    """

    wait: Callable[[Mapping[str, Any], float], bool]
    outcome: Callable[[Any, Mapping[str, Any]], tuple[dict[str, Any], Shape, bool]]
    cancel: Callable[[Any, Mapping[str, Any]], None]


def install(context: Context) -> None:
    """Replace moto's clients, spelling and waiting."""
    original = _CLIENT.apply(_client_for)
    for module in list(sys.modules.values()):
        if getattr(module, "boto_client_for", None) is original:
            module.boto_client_for = _client_for  # type: ignore[attr-defined]
        if module.__name__.startswith("moto.stepfunctions.parser") and hasattr(module, "TMP_THREADS"):
            setattr(module, "TMP_THREADS", _Nowhere())  # noqa: B010  (moto's own module does not declare it)
    _PARAMETERS.apply(_normalise_parameters)
    _ANSWER.apply(_normalise_response)
    _ACTION.apply(_boto_action)

    def integrate(
        task: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        sync = _SYNC.get(task.resource.service_name)
        if task.resource.condition == ResourceCondition.Sync and sync is not None:
            client = _client_for(context.region, task._get_boto_service_name(), state_credentials)
            env.stack.append(_await(task, env, sync, client, env.stack.pop()))
        else:
            original_integrate(
                task,
                env=env,
                resource_runtime_part=resource_runtime_part,
                normalised_parameters=normalised_parameters,
                state_credentials=state_credentials,
            )

    original_integrate = _INTEGRATION.apply(integrate)


def to_request(value: Any, shape: Shape) -> Any:
    """A task's parameter as boto3 wants it: members are named without regard to case, what should be text is JSON."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        named = {members.get(name.lower(), name): content for name, content in value.items()}
        return {
            name: to_request(content, shape.members[name]) if name in shape.members else content
            for name, content in named.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_request(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: to_request(content, shape.value) for name, content in value.items()}
    if isinstance(shape, StringShape) and not isinstance(value, str):
        return to_json_str(value)
    if shape.type_name == "blob" and not isinstance(value, bytes):
        return value.encode() if isinstance(value, str) else to_json_str(value, separators=(",", ":")).encode()
    return value


def to_answer(value: Any, shape: Shape, moment: Callable[[datetime], Any]) -> Any:
    """An answer as Step Functions spells it: member names begin with a capital, times are written by `moment`."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            name[:1].upper() + name[1:]: to_answer(content, shape.members[name], moment)
            if name in shape.members
            else content
            for name, content in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_answer(item, shape.member, moment) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: to_answer(content, shape.value, moment) for name, content in value.items()}
    if isinstance(value, StreamingBody):
        return value.read().decode()
    return moment(value) if isinstance(value, datetime) else value


def epoch_milliseconds(moment: datetime) -> int:
    """How the optimized integrations write times."""
    return int(moment.timestamp() * 1000)


def iso_8601(moment: datetime) -> str:
    """How the AWS SDK integrations write times."""
    return moment.isoformat().replace("+00:00", "Z")


def _await(task: Any, env: Any, sync: Sync, client: Any, started: Mapping[str, Any]) -> Any:
    """The output of what was started; FailureEventException if it failed."""
    while not sync.wait(started, _LOOK_SECONDS):
        if not env.is_running():
            with contextlib.suppress(ClientError):  # as on AWS, a best effort
                sync.cancel(client, started)
            raise AbandonedTaskError(f"{task.resource.resource_arn} was given up")
    found, shape, is_success = sync.outcome(client, started)
    output = to_answer(found, shape, epoch_milliseconds)
    if is_success:
        return output
    name = StatesErrorNameType.StatesTaskFailed
    details: Any = {
        "taskFailedEventDetails": TaskFailedEventDetails(
            resource=task._get_sfn_resource(),
            resourceType=task._get_sfn_resource_type(),
            error=name.to_name(),
            cause=to_json_str(output, separators=(",", ":")),
        )
    }
    raise FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=name),
            event_type=HistoryEventType.TaskFailed,
            event_details=details,
        )
    )


def _batch_outcome(client: Any, started: Mapping[str, Any]) -> tuple[dict[str, Any], Shape, bool]:
    job = client.describe_jobs(jobs=[started["JobId"]])["jobs"][0]
    return job, _operation("batch", "describe_jobs").output_shape.members["jobs"].member, job["status"] == "SUCCEEDED"


def _glue_outcome(client: Any, started: Mapping[str, Any]) -> tuple[dict[str, Any], Shape, bool]:
    run = client.get_job_run(JobName=started["JobName"], RunId=started["JobRunId"])["JobRun"]
    run["JobName"] = started["JobName"]
    is_success = run["JobRunState"] in {"SUCCEEDED", "STOPPED"}
    return run, _operation("glue", "get_job_run").output_shape.members["JobRun"], is_success


_SYNC: Mapping[str, Sync] = {
    "batch": Sync(
        wait=lambda started, seconds: batch.wait(started["JobId"], seconds),
        outcome=_batch_outcome,
        cancel=lambda client, started: client.terminate_job(
            jobId=started["JobId"], reason="The execution that waits for this job has been stopped"
        ),
    ),
    "glue": Sync(
        wait=lambda started, seconds: glue.wait(started["JobRunId"], seconds),
        outcome=_glue_outcome,
        cancel=lambda client, started: client.batch_stop_job_run(
            JobName=started["JobName"], JobRunIds=[started["JobRunId"]]
        ),
    ),
}


def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """A client of the state machine's role, made once in a while."""
    role_arn = state_credentials.role_arn if state_credentials else None
    return _kept_client(service, role_arn, int(time.monotonic() / _CLIENT_SECONDS))


@functools.lru_cache(maxsize=128)
def _kept_client(service: str, role_arn: str | None, period: int) -> Any:
    return clients.client(service, role_arn=role_arn, session="states")


def _boto_action(task: Any, service_action_name: str | None = None) -> str:
    return str(xform_name(service_action_name or task.resource.api_action))


def _normalise_parameters(
    task: Any, parameters: dict[str, Any], boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    operation = _operation(
        task._get_boto_service_name(boto_service_name), task._get_boto_service_action(service_action_name)
    )
    if operation.input_shape is not None:
        spelled = to_request(parameters, operation.input_shape)
        parameters.clear()
        parameters.update(spelled)


def _normalise_response(
    task: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    operation = _operation(
        task._get_boto_service_name(boto_service_name), task._get_boto_service_action(service_action_name)
    )
    if operation.output_shape is not None and isinstance(response, dict):
        moment = iso_8601 if task.resource.service_name == "aws-sdk" else epoch_milliseconds
        spelled = to_answer(response, operation.output_shape, moment)
        response.clear()
        response.update(spelled)


def _operation(service: str, action: str) -> Any:
    with _MODELS:  # a model is read once, not by each of the iterations that start together
        return _read_operation(service, action)


@functools.cache
def _read_operation(service: str, action: str) -> Any:
    model = _read_model(service)
    return model.operation_model({xform_name(name): name for name in model.operation_names}[action])


@functools.cache
def _read_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


class _Nowhere(list[Any]):
    """moto keeps every thread that it ever started, for no use."""

    def append(self, item: Any) -> None:
        return
