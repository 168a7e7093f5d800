"""Activities: tasks that wait for a worker, which asks for them with GetActivityTask and answers with SendTask*.

Step Functions API Reference, "GetActivityTask": each task is given to one worker only, the one that was offered first;
a worker waits up to 60 seconds for one, and then gets a null token. "SendTaskSuccess": a token whose task has been
closed, or timed out, is answered TaskTimedOut. moto has neither, and loses the cause of SendTaskFailure.

Developer Guide, "Troubleshooting activities": a state's time limit counts from ActivityStarted, so a task that nobody
takes never times out but with its execution. moto counts from the state's beginning.
"""

import json
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import ActivityDoesNotExist
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError, TimeoutSeconds
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerTimeout,
    CallbackOutcomeFailure,
    CallbackOutcomeFailureError,
    HeartbeatTimeoutError,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from embedded_aws.guard import Patch

_STATE = "moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy:StateTaskActivity"
_EVALUATE = Patch(f"{_STATE}._eval_execution", "19e00cc3f7573042")
_NOTIFY = Patch("moto.stepfunctions.parser.asl.eval.callback.callback:CallbackPoolManager.notify", "244536ab931eb3b8")
_FAILURE = Patch("moto.stepfunctions.responses:StepFunctionResponse.send_task_failure", "f0fed5e805768377")
_PROPERTIES = Patch(f"{_STATE}.from_state_props", "f9be9b1ec5ff04bb")
PATCHES = (_EVALUATE, _NOTIFY, _FAILURE, _PROPERTIES)

_LONGEST_POLL_SECONDS = 60.0
_LOOK_SECONDS = 0.2


@dataclass(eq=False)
class _Offer:
    """A task that waits for a worker: `environment` runs as long as its state does."""

    token: str
    given: str
    environment: Any
    worker: str | None = None
    taken: threading.Event = field(default_factory=threading.Event)


class _Offers:
    """What waits, by activity, the first first."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[_Offer]] = defaultdict(deque)
        self._changed = threading.Condition()

    def add(self, activity: str, offer: _Offer) -> None:
        """Offer a task to whoever asks."""
        with self._changed:
            self._waiting[activity].append(offer)
            self._changed.notify_all()

    def withdraw(self, activity: str, offer: _Offer) -> None:
        """Give a task to nobody any more, if it still waits."""
        with self._changed:
            if offer in self._waiting[activity]:
                self._waiting[activity].remove(offer)

    def take(self, activity: str, worker: str | None) -> _Offer | None:
        """The first task that still waits; None where none comes while a worker may be kept waiting."""
        deadline = time.monotonic() + _LONGEST_POLL_SECONDS
        with self._changed:
            while (left := deadline - time.monotonic()) > 0:
                waiting = self._waiting[activity]
                while waiting:
                    offer = waiting.popleft()
                    if offer.environment.is_running():
                        offer.worker = worker
                        offer.taken.set()
                        return offer
                self._changed.wait(left)
        return None


_OFFERS = _Offers()


def install() -> None:
    """Have activities wait for workers, and workers be given their tasks."""

    def read_properties(task: Any, properties: Any) -> None:
        """The interpreter's own limit is of the whole state; the worker's is kept beside it."""
        original_read(task, properties)
        task.worker_timeout = task.timeout
        task.timeout = TimeoutSeconds(TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS, is_default=True)

    original_read = _PROPERTIES.apply(read_properties)
    _EVALUATE.apply(_evaluate)
    _NOTIFY.apply(_notify)
    _FAILURE.apply(_send_task_failure)
    setattr(StepFunctionResponse, "get_activity_task", _get_activity_task)  # noqa: B010  (moto has none)


def _get_activity_task(response: Any) -> ActionResult:
    activity = response.stepfunction_backend.describe_activity(response._get_param("activityArn"))
    offer = _OFFERS.take(activity.arn, response._get_param("workerName"))
    return ActionResult({"taskToken": offer.token, "input": offer.given} if offer else {})


def _send_task_failure(response: Any) -> EmptyResult:
    token, error, cause = (response._get_param(name) for name in ("taskToken", "error", "cause"))
    response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
    return EmptyResult()


def _notify(pool: Any, callback_id: str, outcome: Any) -> bool:
    """Give a task its outcome, once; False where the token is of another execution."""
    endpoint = pool.get(callback_id)
    if endpoint is None:
        return False
    is_closed = endpoint.get_outcome() is not None or endpoint.consumer_error is not None
    state = getattr(endpoint, "environment", None)  # of a task that an activity was given
    if is_closed or (state is not None and not state.is_running()):
        raise api.TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
    endpoint.notify(outcome=outcome)
    return True


def _evaluate(task: Any, env: Any) -> None:
    """A state whose resource is an activity, from its offer to its outcome."""
    given = task._eval_parameters(env=env)
    given = given if isinstance(given, str) else to_json_str(given)
    timeout = None if task.worker_timeout.is_default_value() else _seconds(task.worker_timeout, env)
    heartbeat = _seconds(task.heartbeat, env) if task.heartbeat else None
    activity = task.resource.resource_arn
    if not _exists(env, activity):
        raise ActivityDoesNotExist(activity)
    token = env.states.context_object.update_task_token()
    endpoint = env.callback_pool_manager.add(token)
    endpoint.environment = env
    # Before anybody can have the token, and send a heartbeat with it.
    beats = endpoint.setup_heartbeat_endpoint(heartbeat_seconds=heartbeat) if heartbeat else None
    scheduled = {"resource": activity, "input": given, "inputDetails": {"truncated": False}}
    limits = {"timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}
    _tell(env, "ActivityScheduled", scheduled | {name: limit for name, limit in limits.items() if limit is not None})
    offer = _Offer(token, given, env)
    _OFFERS.add(activity, offer)
    try:
        while not offer.taken.wait(_LOOK_SECONDS):
            _require_running(env)
        _tell(env, "ActivityStarted", {"workerName": offer.worker} if offer.worker else {})
        outcome = _outcome(env, endpoint, beats, timeout)
    finally:
        endpoint.report(CallbackConsumerTimeout())
        _OFFERS.withdraw(activity, offer)
    if isinstance(outcome, CallbackOutcomeFailure):
        raise CallbackOutcomeFailureError(callback_outcome_failure=outcome)
    env.stack.append(json.loads(outcome.output))
    _tell(env, "ActivitySucceeded", {"output": outcome.output, "outputDetails": {"truncated": False}})


def _outcome(env: Any, endpoint: Any, beats: Any | None, timeout: int | None) -> Any:
    """What the worker has answered; a TimeoutError where it takes too long, or is silent for too long."""
    deadline = time.monotonic() + (timeout or float("inf"))
    while endpoint.get_outcome() is None:
        _require_running(env)
        if time.monotonic() > deadline:
            raise EvalTimeoutError
        if beats is None:
            endpoint.wait(timeout=min(_LOOK_SECONDS, max(deadline - time.monotonic(), 0)))
        elif not beats.clear_and_wait() and endpoint.get_outcome() is None:
            raise HeartbeatTimeoutError
    return endpoint.get_outcome()


def _require_running(env: Any) -> None:
    """EvalTimeoutError, of which nobody hears, where the state's execution has ended."""
    if not env.is_running():
        raise EvalTimeoutError


def _seconds(limit: Any, env: Any) -> int:
    limit.eval(env=env)
    seconds: int = env.stack.pop()
    return seconds


def _exists(env: Any, activity: str) -> bool:
    details = env.aws_execution_details
    return activity in stepfunctions_parser_backends[details.account][details.region].activities


def _tell(env: Any, event: str, details: dict[str, Any]) -> None:
    name = event[:1].lower() + event[1:] + "EventDetails"
    env.event_manager.add_event(
        context=env.event_history_context, event_type=HistoryEventType(event), event_details={name: details}
    )
