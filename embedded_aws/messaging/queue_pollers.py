"""SQS event source mappings: batches of a queue's messages go to a Lambda function; what it fails comes back."""

import json
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend
from moto.awslambda.utils import get_backend
from moto.events.models import EventPattern
from moto.sqs.exceptions import QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.models import sqs_backends

from embedded_aws.context import Context
from embedded_aws.functions import service as functions
from embedded_aws.guard import Patch
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.requests import Access

_CREATE = Patch("moto.awslambda.models:LambdaBackend.create_event_source_mapping", "19f8125cabf7d67b")
PATCHES = (_CREATE,)

_POLL_SECONDS = 1
_DENIED_SECONDS = 10
# AWS Lambda starts with five concurrent batches of a standard queue.
_CONCURRENT_BATCHES = 5


def install(context: Context) -> None:
    """Poll for every mapping that is made from now on."""

    def create_event_source_mapping(backend: Any, spec: dict[str, Any]) -> Any:
        _require_role(backend, spec)
        mapping = original(backend, spec)
        if ":sqs:" in mapping.event_source_arn:
            queue = sqs_backends[context.account][context.region].get_queue(mapping.event_source_arn.split(":")[-1])
            queue.lambda_event_source_mappings.clear()  # moto would call the function inside SendMessage
            Poller(context, mapping, queue.name).start()
        return mapping

    original = _CREATE.apply(create_event_source_mapping)


def _require_role(backend: LambdaBackend, spec: Mapping[str, Any]) -> None:
    """Lambda Developer Guide, "Using Lambda with Amazon SQS", execution role permissions: asked for at once."""
    queue = str(spec.get("EventSourceArn", ""))
    function: Any = backend.get_function(spec["FunctionName"]) if ":sqs:" in queue else None
    if function is None:
        return
    caller = identity.role(function.role, function.function_name)
    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        try:
            authorization.require(caller, [Access(f"sqs:{action}", queue)], by="lambda", is_logged=False)
        except AccessDeniedError as error:
            message = f"The provided execution role does not have permissions to call {action} on SQS"
            raise InvalidParameterValueException(message) from error


class Poller:
    """Of one mapping, as long as it and its queue exist."""

    def __init__(self, context: Context, mapping: Any, queue_name: str) -> None:
        self._context = context
        self._mapping = mapping
        self._queue_name = queue_name
        is_ordered = queue_name.endswith(".fifo")
        limit = (mapping.scaling_config or {}).get("MaximumConcurrency") or _CONCURRENT_BATCHES
        self._free = threading.Semaphore(1 if is_ordered else int(limit))

    def start(self) -> None:
        """Begin to poll."""
        threading.Thread(target=self._run, name=f"poller-{self._queue_name}", daemon=True).start()

    def _run(self) -> None:
        """Receive and hand over, until the mapping is gone."""
        mappings = get_backend(self._context.account, self._context.region)._event_source_mappings
        while self._mapping.uuid in mappings:
            if self._mapping.enabled in (False, "false"):
                time.sleep(0.1)
                continue
            self._free.acquire()
            try:
                batch = self._receive()
            except QueueDoesNotExist:
                return
            except AccessDeniedError:  # the request log says of what; permissions may yet be given
                time.sleep(_DENIED_SECONDS)
                batch = []
            except Exception:  # the mapping outlives whatever is wrong with one batch
                traceback.print_exc()
                time.sleep(_POLL_SECONDS)
                batch = []
            if batch:
                threading.Thread(
                    target=self._hand_over, args=[batch], name=f"batch-of-{self._queue_name}", daemon=True
                ).start()
            else:
                self._free.release()

    def _receive(self) -> list[Any]:
        backend = sqs_backends[self._context.account][self._context.region]
        queue: Any = backend.get_queue(self._queue_name)
        timeout = int(queue.visibility_timeout)
        size = int(self._mapping.batch_size)
        self._require("sqs:ReceiveMessage", is_logged=False)
        batch = backend.receive_message(self._queue_name, min(size, 10), _POLL_SECONDS, timeout)
        if batch:
            self._require("sqs:ReceiveMessage")
        deadline = time.monotonic() + float(self._mapping.max_batch_window or 0)
        while batch and len(batch) < size and (left := deadline - time.monotonic()) > 0:
            more = backend.receive_message(self._queue_name, min(size - len(batch), 10), 0, timeout)
            batch += more
            if not more:
                time.sleep(min(left, 0.05))
        return list(batch)

    def _hand_over(self, batch: list[Any]) -> None:
        try:
            wanted = [message for message in batch if self._is_wanted(message)]
            self._delete([message for message in batch if message not in wanted])
            if wanted:
                self._delete(self._invoke(wanted))
        finally:
            self._free.release()

    def _invoke(self, batch: list[Any]) -> list[Any]:
        """The messages that the function has dealt with; the others come back after their visibility timeout."""
        event = json.dumps({"Records": [self._as_record(message) for message in batch]})
        answer = functions.invoke(self._context, self._mapping.function_arn, event)
        if answer.is_error:
            return []
        if "ReportBatchItemFailures" not in (self._mapping.function_response_types or []):
            return batch
        failed = _failed_items(answer.payload, {message.id for message in batch})
        if self._queue_name.endswith(".fifo"):  # of an ordered queue, what follows a failure is not done either
            positions = [position for position, message in enumerate(batch) if message.id in failed]
            return batch[: positions[0]] if positions else batch
        return [message for message in batch if message.id not in failed]

    def _delete(self, messages: list[Any]) -> None:
        backend = sqs_backends[self._context.account][self._context.region]
        if messages:
            self._require("sqs:DeleteMessage")
        for message in messages:
            try:
                backend.delete_message(self._queue_name, message.receipt_handle)
            except (QueueDoesNotExist, ReceiptHandleIsInvalid):
                continue

    def _require(self, action: str, *, is_logged: bool = True) -> None:
        """Lambda polls a queue as the function's own role."""
        function = get_backend(self._context.account, self._context.region).get_function(self._mapping.function_arn)
        access = Access(action, self._mapping.event_source_arn)
        authorization.require(
            identity.role(function.role, function.function_name), [access], by="lambda", is_logged=is_logged
        )

    def _is_wanted(self, message: Any) -> bool:
        filters = (self._mapping.filter_criteria or {}).get("Filters") or []
        if not filters:
            return True
        try:
            body = json.loads(message.body)
        except ValueError:
            body = message.body
        told: Any = {"body": body}
        return any(EventPattern.load(item["Pattern"]).matches_event(told) for item in filters)

    def _as_record(self, message: Any) -> dict[str, Any]:
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        }
        if message.group_id:
            attributes |= {
                "MessageGroupId": message.group_id,
                "MessageDeduplicationId": message.deduplication_id or "",
                "SequenceNumber": message.sequence_number or "",
            }
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self._mapping.event_source_arn,
            "awsRegion": self._context.region,
        }


def _failed_items(payload: bytes, identifiers: set[str]) -> set[str]:
    """Lambda Developer Guide, "Reporting batch item failures": an answer that makes no sense fails the whole batch."""
    answer = json.loads(payload or b"null")
    if answer is None or answer == {}:
        return set()
    if not isinstance(answer, dict):
        return identifiers
    items = answer.get("batchItemFailures")
    if not items:
        return set()
    if not isinstance(items, list):
        return identifiers
    failed = {str(item.get("itemIdentifier")) for item in items if isinstance(item, dict)}
    return failed if len(failed) == len(items) and failed <= identifiers else identifiers


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """A message attribute as Lambda's events spell it: stringValue, dataType."""
    return {name[0].lower() + name[1:]: content for name, content in value.items()} | {
        "stringListValues": [],
        "binaryListValues": [],
    }
