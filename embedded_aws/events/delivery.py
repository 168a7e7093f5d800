"""How one event reaches one target of a rule: shaped by the target's input, retried, and at last put in its DLQ."""

import dataclasses
import functools
import heapq
import itertools
import json
import re
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import ServiceException
from moto.events.exceptions import ValidationException
from moto.events.models import events_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from embedded_aws import clients, clock
from embedded_aws.context import Context
from embedded_aws.durable import deliveries, units
from embedded_aws.events import target_permissions
from embedded_aws.functions import service as functions
from embedded_aws.glue import service as glue
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.logs.streams import LogStream

_THREADS = 4
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 60.0
# EventBridge's own defaults: 24 hours, 185 attempts.
_DEFAULT_AGE_SECONDS = 86_400
_DEFAULT_ATTEMPTS = 185
_PATH_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"|<(?P<name>[A-Za-z0-9_.-]+)>')
_NAME = re.compile(r"<([A-Za-z0-9_.-]+)>")


class TargetError(RuntimeError):
    """A delivery failed. `code` as EventBridge names it in the dead letter; a lasting one is not tried again."""

    def __init__(self, code: str, message: str, *, lasting: bool) -> None:
        super().__init__(message)
        self.code = code
        self.lasting = lasting


@dataclass(frozen=True)
class Origin:
    """The rule or the schedule that sends an event to a target."""

    name: str
    arn: str


@dataclass
class Parcel:
    """One event on its way to one target. It says all that is needed to deliver it; `created` by the clock.

    `kept` is what it goes by on disk, until it has arrived.
    """

    origin: Origin
    target: Mapping[str, Any]
    event: Mapping[str, Any]
    created: float
    failures: int = 0
    kept: str = ""

    @property
    def lane(self) -> str:
        """Parcels of a lane are delivered one after another."""
        return str(self.target["Arn"])


_Entry = tuple[float, int, Parcel]


def undisturbed(parcel: Parcel) -> Sequence[float]:
    """Seconds after which each copy of a parcel is delivered: one copy, at once."""
    return (0.0,)


class Delivery:
    """Delivers what is due with a few threads. What goes to one target goes in order, and holds up no other target.

    A parcel that fails is due again later; those behind it do not wait. Tests put another function in the place of
    `disturbance` to have events arrive twice, late, or in another order, all of which EventBridge may do.
    """

    def __init__(self, context: Context) -> None:
        self.disturbance: Callable[[Parcel], Sequence[float]] = undisturbed
        self._context = context
        self._due: list[_Entry] = []
        self._busy: dict[str, list[_Entry]] = {}
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def start(self) -> None:
        """Begin to deliver."""
        clock.on_advance(self._look)
        for number in range(_THREADS):
            threading.Thread(target=self._run, name=f"event-delivery-{number}", daemon=True).start()

    def put(self, origin: Origin, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Have `event` delivered to `target`, soon."""
        parcel = Parcel(origin, target, event, created=clock.now())
        for delay in self.disturbance(parcel):
            copy = dataclasses.replace(parcel)
            copy.kept = deliveries.accept(deliveries.EVENT, dataclasses.asdict(parcel))
            # Not before what the event tells of is kept too.
            units.afterwards(functools.partial(self._schedule, copy, delay))

    def resume(self, pending: Iterable[deliveries.Pending]) -> None:
        """Deliver what an earlier life of the instance had accepted and not delivered."""
        for kept, document in pending:
            origin = Origin(**document["origin"])
            self._schedule(Parcel(**{**document, "origin": origin, "kept": kept}), delay=0)

    def _schedule(self, parcel: Parcel, delay: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (clock.now() + delay, next(self._numbers), parcel))
            self._changed.notify()

    def _look(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            parcel = self._next()
            try:
                self._attempt(parcel)
            except Exception:  # neither arrived nor noted as failed, for which the thread that all share must not end
                traceback.print_exc()
                self._schedule(parcel, _LONGEST_DELAY_SECONDS)
            finally:
                self._done(parcel)

    def _next(self) -> Parcel:
        """The parcel that is due first and whose lane is free; the lane then is taken."""
        with self._changed:
            while True:
                if not self._due:
                    self._changed.wait()
                elif (left := self._due[0][0] - clock.now()) > 0:
                    self._changed.wait(left)
                else:
                    entry = heapq.heappop(self._due)
                    parcel = entry[2]
                    if parcel.lane not in self._busy:
                        self._busy[parcel.lane] = []
                        return parcel
                    self._busy[parcel.lane].append(entry)

    def _done(self, parcel: Parcel) -> None:
        with self._changed:
            for entry in self._busy.pop(parcel.lane):
                heapq.heappush(self._due, entry)
            self._changed.notify_all()

    def _attempt(self, parcel: Parcel) -> None:
        try:
            # What arrives at a queue is kept there and no longer here, both at once.
            with units.unit():
                deliver(self._context, parcel.origin, parcel.target, parcel.event)
                deliveries.done(deliveries.EVENT, parcel.kept)
        except TargetError as error:
            self._failed(parcel, error)
        except Exception as error:  # a delivery must never end the thread that all share
            self._failed(parcel, TargetError("INTERNAL_ERROR", str(error), lasting=False))

    def _failed(self, parcel: Parcel, error: TargetError) -> None:
        policy = parcel.target.get("RetryPolicy") or {}
        attempts = int(policy.get("MaximumRetryAttempts", _DEFAULT_ATTEMPTS))
        age = float(policy.get("MaximumEventAgeInSeconds", _DEFAULT_AGE_SECONDS))
        exhausted = None
        if parcel.failures >= attempts:
            exhausted = "MaximumRetryAttempts"
        elif clock.now() - parcel.created >= age:
            exhausted = "MaximumEventAgeInSeconds"
        if error.lasting or exhausted:
            with units.unit():
                self._give_up(parcel, error, None if error.lasting else exhausted)
        else:
            delay = min(_FIRST_DELAY_SECONDS * 2**parcel.failures, _LONGEST_DELAY_SECONDS)
            parcel.failures += 1
            self._schedule(parcel, delay)

    def _give_up(self, parcel: Parcel, error: TargetError, exhausted: str | None) -> None:
        """EventBridge User Guide, "Using dead-letter queues": the event, with attributes that say what went wrong."""
        deliveries.done(deliveries.EVENT, parcel.kept)
        queue = (parcel.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        attributes = {
            "RULE_ARN": parcel.origin.arn,
            "TARGET_ARN": parcel.target["Arn"],
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error),
            "RETRY_ATTEMPTS": str(parcel.failures),
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
        }
        try:
            target_permissions.require(parcel.origin.arn, {"Arn": queue})
            _send(self._context, queue, json.dumps(parcel.event), attributes=attributes)
        except ServiceException:
            # A dead-letter queue that is not there, or whose policy does not let EventBridge in: the event is lost.
            return


def require_supported(targets: Sequence[Mapping[str, Any]]) -> None:
    """Refuse targets that nothing here would reach."""
    if unsupported := [target["Arn"] for target in targets if not _is_supported(target)]:
        raise ValidationException(f"The embedded EventBridge does not deliver to {', '.join(unsupported)}")


def deliver(context: Context, origin: Origin, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """One attempt. Raises TargetError."""
    try:
        target_permissions.require(origin.arn, target)
        _DELIVERIES[_service(target)](context, target, shaped(origin, target, event))
    except AccessDeniedError as error:
        raise TargetError("NO_PERMISSIONS", str(error), lasting=True) from error
    except ServiceException as error:
        code = str(getattr(error, "code", "") or getattr(error, "error_type", "") or type(error).__name__)
        raise TargetError(code, str(error), lasting=True) from error
    except ClientError as error:
        refused = error.response["Error"]
        raise TargetError(
            refused["Code"], refused["Message"], lasting=refused["Code"] != "ThrottlingException"
        ) from error


def shaped(origin: Origin, target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """What the target is sent: its constant Input, a part of the event, its template filled in, or the event."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if path := target.get("InputPath"):
        return json.dumps(part(event, path))
    if transformer := target.get("InputTransformer"):
        return _fill(transformer, origin, event)
    return json.dumps(event)


def part(event: Any, path: str) -> Any:
    """What a JSON path such as `$.detail.object.key` or `$.resources[0]` leads to; None when there is nothing."""
    found = event
    for step in _PATH_STEP.finditer(path.removeprefix("$")):
        name = step[1] or step[3]
        try:
            found = found[name] if name is not None else found[int(step[2])]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _fill(transformer: Mapping[str, Any], origin: Origin, event: Mapping[str, Any]) -> str:
    """EventBridge User Guide, "Input transformation": values go in as JSON, and inside quotes without quotes."""
    values = {
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.rule-name": origin.name,
        "aws.events.rule-arn": origin.arn,
        **{name: part(event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()},
    }

    def fill(found: re.Match[str]) -> str:
        if (text := found["text"]) is not None:
            return '"' + _NAME.sub(lambda name: _inside_quotes(values.get(name[1], name[0])), text) + '"'
        return json.dumps(values[found["name"]]) if found["name"] in values else found[0]

    return _PLACEHOLDER.sub(fill, transformer["InputTemplate"])


def _inside_quotes(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(json.dumps(value))[1:-1]


def _service(target: Mapping[str, Any]) -> str:
    return str(target["Arn"]).split(":")[2]


def _is_supported(target: Mapping[str, Any]) -> bool:
    service = _service(target)
    kind = _PART_OF_ARN.get(service, "")
    return service in _DELIVERIES and kind in target["Arn"]


def _to_queue(context: Context, target: Mapping[str, Any], body: str) -> None:
    _send(context, target["Arn"], body, group=(target.get("SqsParameters") or {}).get("MessageGroupId"))


def _send(
    context: Context,
    queue_arn: str,
    body: str,
    *,
    group: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Put a message into a queue as EventBridge, for a target or for what did not reach one."""
    told = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
    sqs_backends[context.account][context.region].send_message(
        queue_name=queue_arn.rsplit(":", maxsplit=1)[-1], message_body=body, message_attributes=told, group_id=group
    )


def _to_function(context: Context, target: Mapping[str, Any], body: str) -> None:
    functions.invoke_later(context, target["Arn"], body)


def _to_state_machine(context: Context, target: Mapping[str, Any], body: str) -> None:
    client = clients.client("stepfunctions", role_arn=target.get("RoleArn"), session="events")
    client.start_execution(stateMachineArn=target["Arn"], input=body)


def _to_topic(context: Context, target: Mapping[str, Any], body: str) -> None:
    sns_backends[context.account][context.region].publish(arn=target["Arn"], message=body)


def _to_log_group(context: Context, target: Mapping[str, Any], body: str) -> None:
    group = target["Arn"].split(":log-group:")[1].removesuffix(":*")
    LogStream(context, group, "events").write([body])


def _to_workflow(context: Context, target: Mapping[str, Any], body: str) -> None:
    # The target's role has been checked for glue:notifyEvent, which no client can call.
    glue.notify_workflow(target["Arn"].partition(":workflow/")[2], json.loads(body)["id"])


def _to_bus(context: Context, target: Mapping[str, Any], body: str) -> None:
    name = target["Arn"].partition(":event-bus/")[2]
    event = json.loads(body)
    for rule in list(events_backends[context.account][context.region].describe_event_bus(name).rules.values()):
        rule.send_to_targets(event)


# Of services of which only one kind of thing takes events.
_PART_OF_ARN = {"events": ":event-bus/", "glue": ":workflow/"}
_DELIVERIES: Mapping[str, Callable[[Context, Mapping[str, Any], str], None]] = {
    "sqs": _to_queue,
    "lambda": _to_function,
    "states": _to_state_machine,
    "sns": _to_topic,
    "logs": _to_log_group,
    "events": _to_bus,
    "glue": _to_workflow,
}
