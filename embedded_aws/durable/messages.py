"""SQS on disk: messages from when they are sent until they are deleted.

How often a message was received and until when it is invisible is not kept: after a restart all are visible, as if
every consumer had given up.
"""

from typing import Any

from moto.sqs.models import Message, sqs_backends

from embedded_aws.context import Context
from embedded_aws.durable import database, units
from embedded_aws.durable.database import Database
from embedded_aws.guard import Patch

_ADD = Patch("moto.sqs.models:Queue.add_message", "f27c9231c1f20433")
_DELETE = Patch("moto.sqs.models:Queue.delete_message", "fa6fd5b9bd2cafb4")
_RECEIVE = Patch("moto.sqs.models:SQSBackend.receive_message", "065f3e5e7d214408")
_PURGE = Patch("moto.sqs.models:SQSBackend.purge_queue", "443ea1ae7b15230c")
_DELETE_QUEUE = Patch("moto.sqs.models:SQSBackend.delete_queue", "4c96ec6f14247abb")
PATCHES = (
    _ADD,
    _DELETE,
    _RECEIVE,
    _PURGE,
    _DELETE_QUEUE,
    # Not replaced, but what is restored must be as if it had been made by it.
    Patch("moto.sqs.models:Message.__init__", "4ab16d5eb16ec41c"),
)
_KIND = "message"
_FIELDS = (
    "body",
    "message_attributes",
    "system_attributes",
    "sender_id",
    "sent_timestamp",
    "deduplication_id",
    "group_id",
    "sequence_number",
    "delayed_until",
)
_backend: list[Any] = []


def install(context: Context) -> None:
    """Note which messages come and go."""
    _backend[:] = [sqs_backends[context.account][context.region]]

    def add_message(queue: Any, message: Any) -> None:
        original_add(queue, message)
        _changed(queue, message)

    def delete_message(queue: Any, receipt_handle: str) -> None:
        going = [message for message in queue._messages if message.had_receipt_handle(receipt_handle)]
        original_delete(queue, receipt_handle)
        for message in going:
            _changed(queue, message)

    def receive_message(backend: Any, queue_name: str, *rest: Any, **named: Any) -> Any:
        queue = backend.get_queue(queue_name)
        dead_letters, before = queue.dead_letter_queue, list(queue._messages)
        # What becomes a dead letter leaves the one queue and is in the other, both at once.
        with units.unit():
            received = original_receive(backend, queue_name, *rest, **named)
            if dead_letters is not None:
                there = set(map(id, queue._messages))
                for message in before:
                    if id(message) not in there:
                        _changed(queue, message)
        return received

    def purge_queue(backend: Any, queue_name: str) -> None:
        original_purge(backend, queue_name)
        _emptied(queue_name)

    def delete_queue(backend: Any, queue_name: str) -> None:
        original_delete_queue(backend, queue_name)
        _emptied(queue_name)

    original_add: Any = _ADD.apply(add_message)
    original_delete: Any = _DELETE.apply(delete_message)
    original_receive: Any = _RECEIVE.apply(receive_message)
    original_purge: Any = _PURGE.apply(purge_queue)
    original_delete_queue: Any = _DELETE_QUEUE.apply(delete_queue)


def restore(kept_in: Database) -> None:
    """Put back what was sent and not deleted, into the queues that are there."""
    for queue_name, message_id, document in kept_in.documents(_KIND):
        queue = _backend[0].queues.get(queue_name)
        if queue is not None and all(message.id != message_id for message in queue._messages):
            message = Message(message_id, document["body"])
            message.__dict__.update(document)
            with queue._messages_lock:
                queue._messages.append(message)
                queue._messages_lock.notify_all()


def _changed(queue: Any, message: Any) -> None:
    units.document_changed(_KIND, queue.name, message.id, lambda: _described(queue, message))


def _described(queue: Any, message: Any) -> dict[str, Any] | None:
    # By identity: a message that was moved to a dead-letter queue keeps its id.
    if _backend[0].queues.get(queue.name) is not queue or not any(message is kept for kept in queue._messages):
        return None
    return {name: getattr(message, name) for name in _FIELDS}


def _emptied(queue_name: str) -> None:
    def save(kept_in: Database) -> None:
        queue = _backend[0].queues.get(queue_name)
        there = {message.id for message in queue._messages} if queue else set()
        for _, message_id, _ in kept_in.documents(_KIND, queue_name):
            if message_id not in there:
                kept_in.remove(_KIND, queue_name, message_id)

    if database.current():
        units.changed((_KIND, queue_name), save)
