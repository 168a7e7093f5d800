"""Distributed Maps: each item is a child execution with a history of its own, and a Map Run holds them together.

Step Functions Developer Guide, "Using Map state in Distributed mode" and "Redriving Map Runs". Children are not on the
list of their machine's executions, raise no events and are forgotten with their parent.
"""

import copy
import json
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType, MapRunStatus
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.iam import authorization, identity
from embedded_aws.requests import Access
from embedded_aws.step_functions import restarts
from embedded_aws.step_functions.ended_executions import History
from embedded_aws.step_functions.tasks import AbandonedTaskError

_ITERATION = "moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration"
_BODY = Patch(
    f"{_ITERATION}.distributed_iteration_component:DistributedIterationComponent._eval_body", "5f5e01607eb064fb"
)
PATCHES = (_BODY,)

# Step Functions Developer Guide, "Service quotas": parallel child executions of a Map Run.
_CONCURRENT_CHILDREN = 10_000
# Guide, "Service quotas": the output of a state, without a ResultWriter.
_OUTPUT_BYTES = 256 * 1024
_LOOK_SECONDS = 0.2

_runs: dict[str, "MapRun"] = {}
_children: dict[str, "ChildExecution"] = {}


class ChildExecution(Execution):
    """The execution of one item; `ended` is set at its end, whatever it is."""

    def __init__(self, run: "MapRun", **execution: Any) -> None:
        super().__init__(**execution)
        self.map_run = run
        self.ended = threading.Event()

    def _get_start_execution_worker_comm(self) -> Any:
        return _Ending(self)


class _Ending(BaseExecutionWorkerCommunication):
    """Tells whoever waits for a child that it has ended, and keeps its history small from then on."""

    def terminated(self) -> None:
        super().terminated()
        if not restarts.is_of_an_earlier_drive(self):
            child: Any = self.execution
            child.exec_worker = History(child.exec_worker.env.event_manager.get_event_history())
            child.ended.set()


@dataclass
class MapRun:
    """The children of one distributed Map, by the place of their item; those that succeeded are not repeated."""

    arn: str
    parent: Any
    state: str
    label: str
    definition: str
    inputs: list[Any]
    max_concurrency: int
    tolerated_count: int
    tolerated_percentage: float
    children: dict[int, ChildExecution] = field(default_factory=dict)
    status: MapRunStatus = MapRunStatus.RUNNING
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopped: datetime | None = None
    redrives: int = 0
    has_items: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def failed(self) -> int:
        """How many items have failed so far."""
        bad = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT)
        return sum(child.exec_status in bad for child in list(self.children.values()))

    @property
    def is_beyond_tolerance(self) -> bool:
        """More items have failed than may; a threshold of 0 counts only where the other one is 0, too."""
        count, percentage, failed = self.tolerated_count, self.tolerated_percentage, self.failed
        if not count and not percentage:
            return failed > 0
        return bool((count and failed > count) or (percentage and failed * 100 > percentage * len(self.inputs)))

    def end(self, status: MapRunStatus) -> None:
        """It has ended so."""
        self.status, self.stopped = status, datetime.now(UTC)

    def abort(self, drive: int) -> None:
        """Stop every child that runs, unless the run has been redriven since it was redriven `drive` times."""
        with self.lock:
            if self.redrives != drive:
                return
            for child in self.children.values():
                if child.exec_status == ExecutionStatus.RUNNING:
                    restarts.abort(child, None, None)
                    child.ended.set()
            if self.status == MapRunStatus.RUNNING:
                self.end(MapRunStatus.ABORTED)

    def counts(self) -> dict[str, int]:
        """Items, and so executions, by their status."""
        statuses = [child.exec_status for child in list(self.children.values())]
        names = {
            "succeeded": ExecutionStatus.SUCCEEDED,
            "failed": ExecutionStatus.FAILED,
            "timedOut": ExecutionStatus.TIMED_OUT,
            "aborted": ExecutionStatus.ABORTED,
            "running": ExecutionStatus.RUNNING,
        }
        counted = {name: statuses.count(status) for name, status in names.items()}
        pending = len(self.inputs) - len(statuses)
        return {**counted, "pending": pending, "total": len(self.inputs), "resultsWritten": 0}


def install(context: Context) -> None:
    """Have each item of a distributed Map executed by itself."""

    def eval_body(component: Any, env: Any) -> None:
        given = env.stack.pop()
        parent = _execution(context, env.states.context_object.context_object_data["Execution"]["Id"])
        run = _unfinished(parent, given.state_name)
        if run is None:
            run = _begun(context, env, given, parent)
        else:
            run.redrives += 1
            run.status, run.stopped = MapRunStatus.RUNNING, None
            _tell(env, HistoryEventType.MapRunRedriven, mapRunArn=run.arn, redriveCount=run.redrives)
        _carry_out(context, env, run)

    _BODY.apply(eval_body)


def find_child(arn: str) -> "ChildExecution | None":
    """The child execution of that ARN."""
    return _children.get(arn)


def find_run(arn: str) -> MapRun | None:
    """The Map Run of that ARN."""
    return _runs.get(arn)


def runs_of(execution: Any) -> list[MapRun]:
    """The Map Runs that an execution has begun, the first one first."""
    found: list[MapRun] = getattr(execution, "map_runs", [])
    return found


def running_children() -> Iterator[Any]:
    """All child executions that run."""
    return (child for child in list(_children.values()) if child.exec_status == ExecutionStatus.RUNNING)


def forget(execution: Any) -> None:
    """Let go of an execution's Map Runs, with all below them."""
    for run in runs_of(execution):
        _runs.pop(run.arn, None)
        for child in run.children.values():
            _children.pop(child.exec_arn, None)
            forget(child)


def _execution(context: Context, arn: str) -> Any:
    return stepfunctions_parser_backends[context.account][context.region].describe_execution(arn)


def _unfinished(parent: Any, state: str) -> MapRun | None:
    """The Map Run that a redriven execution goes on with; one whose items could not be read is begun anew."""
    latest = next((run for run in reversed(runs_of(parent)) if run.state == state), None)
    if latest is None or not latest.has_items or latest.redrives == restarts.redrives(parent):
        return None
    return latest if latest.status != MapRunStatus.SUCCEEDED else None


def _begun(context: Context, env: Any, given: Any, parent: Any) -> MapRun:
    """A new Map Run; FailureEventException if its items cannot be read."""
    label = given.label or str(uuid.uuid4())
    run = MapRun(
        arn=context.arn("states", f"mapRun:{parent.state_machine.name}/{label}:{uuid.uuid4()}"),
        parent=parent,
        state=given.state_name,
        label=label,
        definition=_processor(json.loads(parent.state_machine.definition), given.state_name),
        inputs=[],
        max_concurrency=given.max_concurrency or _CONCURRENT_CHILDREN,
        tolerated_count=given.tolerated_failure_count,
        tolerated_percentage=given.tolerated_failure_percentage,
        redrives=restarts.redrives(parent),
    )
    _runs[run.arn] = run
    parent.map_runs = [*runs_of(parent), run]
    _tell(env, HistoryEventType.MapRunStarted, mapRunArn=run.arn)
    state_input = env.stack[-1] if env.stack else env.states.get_input()
    if given.item_reader:
        try:
            given.item_reader.eval(env=env)
        except Exception as error:
            run.end(MapRunStatus.FAILED)
            raise _failure(env, StatesErrorNameType.StatesItemReaderFailed, str(error)) from error
        items = env.stack.pop()
    else:
        items = given.input_items
    run.inputs = [_item_input(env, given, state_input, index, item) for index, item in enumerate(items)]
    run.has_items = True
    return run


def _item_input(env: Any, given: Any, state_input: Any, index: int, item: Any) -> Any:
    selector = given.item_selector or given.parameters
    if selector is None:
        return item
    frame = env.open_inner_frame()
    try:
        frame.states.context_object.context_object_data["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        frame.states.reset(input_value=state_input)
        frame.stack.append(state_input)
        selector.eval(frame)
        return copy.deepcopy(frame.stack[-1])
    finally:
        env.delete_frame(frame)


def _carry_out(context: Context, env: Any, run: MapRun) -> None:
    """Start what has not succeeded, as many at once as may be, and wait for all of it."""
    _require(context, run)
    drive = run.redrives
    todo = iter([n for n in range(len(run.inputs)) if not _has_succeeded(run.children.get(n))])

    def work() -> None:
        while (child := _next(context, env, run, todo)) is not None:
            child.ended.wait()

    waiting = sum(not _has_succeeded(run.children.get(n)) for n in range(len(run.inputs)))
    workers = [
        threading.Thread(target=work, name="map-run", daemon=True) for _ in range(min(waiting, run.max_concurrency))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(_LOOK_SECONDS)
            if not env.is_running() or run.is_beyond_tolerance:
                run.abort(drive)
    if not env.is_running():
        run.abort(drive)
        raise AbandonedTaskError(f"{run.arn} was given up")
    if run.is_beyond_tolerance:
        run.end(MapRunStatus.FAILED)
        cause = "The specified tolerated failure threshold was exceeded"
        _tell(
            env,
            HistoryEventType.MapRunFailed,
            error=StatesErrorNameType.StatesExceedToleratedFailureThreshold.to_name(),
            cause=cause,
        )
        raise _failure(env, StatesErrorNameType.StatesExceedToleratedFailureThreshold, cause)
    succeeded = [child for _, child in sorted(run.children.items()) if _has_succeeded(child)]
    outputs = [child.output for child in succeeded]
    if len(json.dumps(outputs, default=str)) > _OUTPUT_BYTES:
        run.end(MapRunStatus.FAILED)
        raise _failure(env, StatesErrorNameType.StatesStatesDataLimitExceeded, "The output of the Map Run is too large")
    run.end(MapRunStatus.SUCCEEDED)
    _tell(env, HistoryEventType.MapRunSucceeded)
    env.stack.append(outputs)


def _next(context: Context, env: Any, run: MapRun, todo: Iterator[int]) -> "ChildExecution | None":
    """Start, or redrive, the next item's execution; None if there is none, or there shall be none any more."""
    with run.lock:
        index = next(todo, None)
        if index is None or not env.is_running() or run.status != MapRunStatus.RUNNING:
            return None
        if (child := run.children.get(index)) is not None:
            child.ended = threading.Event()
            restarts.redrive(child)
            return child
        child = run.children[index] = _child(context, run, run.inputs[index])
        _children[child.exec_arn] = child
        child.start()
        return child


def _child(context: Context, run: MapRun, given: Any) -> ChildExecution:
    machine, name = copy.copy(run.parent.state_machine), str(uuid.uuid4())
    machine.arn, machine.name = f"{machine.arn}/{run.label}", f"{machine.name}/{run.label}"
    machine.definition = run.definition
    return ChildExecution(
        run,
        name=name,
        sm_type=machine.sm_type,
        role_arn=run.parent.role_arn,
        exec_arn=context.arn("states", f"execution:{machine.name}:{name}"),
        account_id=context.account,
        region_name=context.region,
        state_machine=machine,
        start_date=datetime.now(UTC),
        cloud_watch_logging_session=None,
        activity_store=run.parent._activity_store,
        input_data=json.dumps(given),
    )


def _require(context: Context, run: MapRun) -> None:
    """What the guide's "IAM policies for using Distributed Map states" has the machine's role allow."""
    machine = run.parent.state_machine
    whole = context.arn("states", f"execution:{machine.name}:{run.parent.name}")
    asked = [
        Access("states:StartExecution", machine.arn),
        Access("states:DescribeExecution", whole),
        Access("states:StopExecution", whole),
    ]
    if run.redrives:
        again = (child for child in run.children.values() if not _has_succeeded(child))
        asked += [Access("states:RedriveExecution", child.exec_arn) for child in again]
    authorization.require(identity.role(run.parent.role_arn, "states"), asked, by="states")


def _has_succeeded(child: "ChildExecution | None") -> bool:
    return child is not None and child.exec_status == ExecutionStatus.SUCCEEDED


def _processor(definition: Mapping[str, Any], state: str) -> str:
    """The definition that the items of a Map are executed by."""
    found = next(each for name, each in _states(definition) if name == state)
    processor = dict(found.get("ItemProcessor") or found["Iterator"])
    processor.pop("ProcessorConfig", None)
    return json.dumps(processor)


def _states(definition: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for name, state in definition["States"].items():
        yield name, state
        for inner in (state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", ())):
            if inner:
                yield from _states(inner)


def _tell(env: Any, event: HistoryEventType, **details: Any) -> None:
    name = event.value[:1].lower() + event.value[1:] + "EventDetails"
    env.event_manager.add_event(
        context=env.event_history_context, event_type=event, event_details={name: details} if details else None
    )


def _failure(env: Any, error: StatesErrorNameType, cause: str) -> FailureEventException:
    details: Any = {"mapRunFailedEventDetails": {"error": error.to_name(), "cause": cause}}
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=error),
            event_type=HistoryEventType.MapRunFailed,
            event_details=details,
        )
    )
