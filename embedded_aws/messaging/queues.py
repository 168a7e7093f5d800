"""SQS: queues that threads can share, by the instance's clock, and dead letters that can be moved back.

moto loses a message that is sent while another is deleted, hands one message to two receivers that ask at the same
time, and lacks StartMessageMoveTask.
"""

import contextvars
import copy
import functools
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import sqs_backends
from moto.sqs.responses import SQSResponse

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.durable import units
from embedded_aws.guard import Patch

_MILLISECONDS = Patch("moto.sqs.models:unix_time_millis", "7a37e1337d02962e")
_SECONDS = Patch("moto.sqs.models:unix_time", "f0576ec9e5f586e5")
_RECEIVE = Patch("moto.sqs.models:SQSBackend.receive_message", "065f3e5e7d214408")
_ADD = Patch("moto.sqs.models:Queue.add_message", "f27c9231c1f20433")
_DELETE = Patch("moto.sqs.models:Queue.delete_message", "fa6fd5b9bd2cafb4")
_VISIBILITY = Patch("moto.sqs.models:SQSBackend.change_message_visibility", "f0e9df5f66627114")
PATCHES = (_MILLISECONDS, _SECONDS, _RECEIVE, _ADD, _DELETE, _VISIBILITY)

_RUNNING, _COMPLETED, _CANCELLING, _CANCELLED = "RUNNING", "COMPLETED", "CANCELLING", "CANCELLED"
_FAILED = "FAILED"
# ListMessageMoveTasks: "the most recent message movement tasks (up to 10)".
_TASKS_TOLD = 10
_RATE_LIMIT = 500
# The message system attribute that says which queue a dead letter comes from.
_ORIGIN = "DeadLetterQueueSourceArn"


@dataclass
class MoveTask:
    """One StartMessageMoveTask."""

    source: Any
    destination: Any | None
    rate: int | None
    to_move: int
    handle: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: int = field(default_factory=lambda: int(clock.now() * 1000))
    moved: int = 0
    status: str = _RUNNING
    failure: str | None = None

    def describe(self) -> dict[str, Any]:
        """A member of ListMessageMoveTasks' results."""
        told = {
            "TaskHandle": self.handle if self.status == _RUNNING else None,
            "Status": self.status,
            "SourceArn": self.source.queue_arn,
            "DestinationArn": self.destination.queue_arn if self.destination else None,
            "MaxNumberOfMessagesPerSecond": self.rate,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "FailureReason": self.failure,
            "StartedTimestamp": self.started,
        }
        return {name: value for name, value in told.items() if value is not None}


_tasks: list[MoveTask] = []
# The queue that a call of ReceiveMessage looks at: what it finds too often goes to the dead letters.
_receiving: contextvars.ContextVar[Any] = contextvars.ContextVar("receiving", default=None)


def install(context: Context) -> None:
    """Make moto's queues safe to share and add the message move tasks."""
    _MILLISECONDS.apply(lambda: clock.now() * 1000)
    _SECONDS.apply(clock.now)
    receive: Any = _RECEIVE.apply(lambda *arguments, **named: _receive(receive, *arguments, **named))
    add: Any = _ADD.apply(lambda queue, message: _locked(queue, _add, add, queue, message))
    delete: Any = _DELETE.apply(lambda queue, handle: _locked(queue, delete, queue, handle))
    change: Any = _VISIBILITY.apply(
        lambda backend, queue_name, **named: _locked(
            backend.get_queue(queue_name), functools.partial(change, backend, queue_name, **named)
        )
    )
    clock.on_advance(lambda: _wake(context))
    for operation in (start_message_move_task, cancel_message_move_task, list_message_move_tasks):
        setattr(SQSResponse, operation.__name__, operation)


def _locked(queue: Any, function: Any, *arguments: Any) -> Any:
    with queue._messages_lock:
        try:
            return function(*arguments)
        finally:
            queue._messages_lock.notify_all()


def _add(original: Any, queue: Any, message: Any) -> None:
    source = _receiving.get()
    if source is not None and source.dead_letter_queue is queue:
        message.system_attributes[_ORIGIN] = {"DataType": "String", "StringValue": source.queue_arn}
    original(queue, message)


def _receive(
    original: Any, backend: Any, queue_name: str, count: int, wait_seconds: int, *rest: Any, **named: Any
) -> Any:
    """Long polling: look, and while there is nothing wait for a message to come or to become visible again."""
    queue = backend.get_queue(queue_name)
    deadline = time.monotonic() + wait_seconds
    with queue._messages_lock:
        while True:
            token = _receiving.set(queue)
            try:
                found = original(backend, queue_name, count, 0, *rest, **named)
            finally:
                _receiving.reset(token)
            left = deadline - time.monotonic()
            if found or left <= 0:
                return found
            queue._messages_lock.wait(min([left, *_until_visible(queue)]))
            queue = backend.get_queue(queue_name)  # or it has been deleted


def _until_visible(queue: Any) -> Iterable[float]:
    moment = clock.now()
    for message in queue._messages:
        # What is visible and yet is not received, such as one of a group that another is working on, does not count.
        if (left := max(message.visible_at, message.delayed_until) / 1000 - moment) >= 0:
            yield left + 0.001


def _wake(context: Context) -> None:
    for queue in list(sqs_backends[context.account][context.region].queues.values()):
        with queue._messages_lock:
            queue._messages_lock.notify_all()


def start_message_move_task(response: SQSResponse) -> ActionResult:
    """StartMessageMoveTask: only from a dead-letter queue, one task at a time for each."""
    backend = response.sqs_backend
    source = _queue(backend, response._get_param("SourceArn"))
    if not [queue for queue in backend.queues.values() if queue.dead_letter_queue is source]:
        raise _invalid("Source queue must be configured as a Dead Letter Queue.")
    destination = response._get_param("DestinationArn")
    rate = response._get_param("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= int(rate) <= _RATE_LIMIT:
        raise _invalid(
            f"Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and {_RATE_LIMIT}."
        )
    if [task for task in _tasks if task.source is source and task.status == _RUNNING]:
        raise _invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    task = MoveTask(source, _queue(backend, destination) if destination else None, rate, len(source.messages))
    _tasks.append(task)
    threading.Thread(target=_move, args=[backend, task], name="message-move-task", daemon=True).start()
    return ActionResult({"TaskHandle": task.handle})


def cancel_message_move_task(response: SQSResponse) -> ActionResult:
    """CancelMessageMoveTask: what has been moved stays moved."""
    handle = response._get_param("TaskHandle")
    running = [task for task in _tasks if task.handle == handle and task.status == _RUNNING]
    if not running:
        raise SQSException(
            "ResourceNotFoundException", "The resource that you specified for the TaskHandle does not exist."
        )
    running[0].status = _CANCELLING
    return ActionResult({"ApproximateNumberOfMessagesMoved": running[0].moved})


def list_message_move_tasks(response: SQSResponse) -> ActionResult:
    """ListMessageMoveTasks: the latest first."""
    source = _queue(response.sqs_backend, response._get_param("SourceArn"))
    number = min(int(response._get_param("MaxResults") or 1), _TASKS_TOLD)
    found = [task.describe() for task in reversed(_tasks) if task.source is source]
    return ActionResult({"Results": found[:number]})


def _move(backend: Any, task: MoveTask) -> None:
    for message in list(task.source.messages):
        if task.status == _CANCELLING:
            task.status = _CANCELLED
            return
        destination = task.destination or _origin(backend, message)
        if destination is None:
            task.status, task.failure = _FAILED, "CouldNotDetermineMessageSource"
            return
        # It leaves the one queue and is in the other, both at once, on disk too.
        with units.unit(), task.source._messages_lock:
            if message not in task.source._messages:
                continue
            destination.add_message(_as_new(message))
            message.receipt_handle = (
                task.handle + message.id
            )  # as if received, so that it can be deleted like any other
            task.source.delete_message(message.receipt_handle)
        task.moved += 1
        if task.rate:
            time.sleep(1 / task.rate)
    task.status = _COMPLETED


def _origin(backend: Any, message: Any) -> Any | None:
    """The queue that a dead letter came from; one that something else than a queue put there has none."""
    arn = message.system_attributes.get(_ORIGIN, {}).get("StringValue", "")
    return backend.queues.get(arn.rpartition(":")[2])


def _as_new(message: Any) -> Any:
    """SQS Developer Guide, "Configuring a dead-letter queue redrive": a redriven message is a new one."""
    moved = copy.copy(message)
    moved.approximate_receive_count, moved.approximate_first_receive_timestamp = 0, None
    moved.visible_at = moved.delayed_until = 0.0
    moved.mark_sent()
    return moved


def _queue(backend: Any, arn: str) -> Any:
    for queue in backend.queues.values():
        if queue.queue_arn == arn:
            return queue
    raise SQSException(
        "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."
    )


def _invalid(message: str) -> SQSException:
    return SQSException("InvalidParameterValue", message)
