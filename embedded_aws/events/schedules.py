"""Schedules: EventBridge's scheduled rules and EventBridge Scheduler, by the instance's clock.

Whatever was due between two looks at the clock is delivered once for each time, in the order of the times. What differs
from AWS: a flexible time window is none, and Scheduler's universal targets (any API call) are refused.
"""

import heapq
import json
import threading
import traceback
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.events.exceptions import ValidationException as RuleValidationException
from moto.events.models import events_backends
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import scheduler_backends

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.events import delivery as event_delivery
from embedded_aws.events.cron import Expression, ExpressionError, Once, Rate, due_times, parse
from embedded_aws.guard import Patch

_SCHEDULER = "moto.scheduler.models:EventBridgeSchedulerBackend"
_PUT_RULE = Patch("moto.events.models:EventsBackend.put_rule", "28bf0ac76b1b1a3e")
_ENABLE_RULE = Patch("moto.events.models:Rule.enable", "7dffd073901ee6f9")
_CREATE = Patch(f"{_SCHEDULER}.create_schedule", "513099380dbd4563")
_UPDATE = Patch(f"{_SCHEDULER}.update_schedule", "15f9bd86f2396a39")
PATCHES: tuple[Patch, ...] = (_PUT_RULE, _ENABLE_RULE, _CREATE, _UPDATE)

# After a fault of its own the thread looks again.
_FAULT_SECONDS = 1.0
_TEMPLATED_TARGETS = ("sqs", "lambda", "states", "sns", "events")


@dataclass
class _Timetable:
    """When something scheduled is due. `key` changes with whatever makes it another one."""

    key: tuple[Any, ...]
    origin: event_delivery.Origin
    expression: Expression
    began: float
    until: float
    source: Any
    seen: float = field(default_factory=clock.now)


class Schedules:
    """Everything scheduled in the instance, and the thread that waits for it."""

    def __init__(self, context: Context, delivery: event_delivery.Delivery) -> None:
        self._context = context
        self._delivery = delivery
        self._known: dict[str, _Timetable] = {}
        self._changed = threading.Condition(threading.RLock())

    def start(self) -> None:
        """Begin to watch the clock."""
        clock.on_advance(self.look)
        threading.Thread(target=self._run, name="schedules", daemon=True).start()

    def look(self) -> None:
        """Deliver what has become due, and take note of what has been scheduled, changed or removed."""
        with self._changed:
            self._refresh()
            self._fire(clock.now())
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                times = [due for table in list(self._known.values()) if (due := _next_due(table)) is not None]
                self._changed.wait(max(0.0, min(times) - clock.now()) if times else None)
                try:
                    self.look()
                except Exception:  # one schedule that is wrong must not end the thread that all share
                    traceback.print_exc()
                    self._changed.wait(_FAULT_SECONDS)

    def _refresh(self) -> None:
        found = {table.origin.arn: table for table in [*self._rules(), *self._schedules()]}
        same = {arn: table for arn, table in self._known.items() if arn in found and found[arn].key == table.key}
        self._known = {**found, **same}

    def _fire(self, moment: float) -> None:
        tables = list(self._known.values())
        for due, _, table in heapq.merge(*(_due(number, table, moment) for number, table in enumerate(tables))):
            for target, event in self._calls(table, due):
                self._delivery.put(table.origin, target, event)
        for table in tables:
            table.seen = max(table.seen, moment)
            self._complete(table, moment)

    def _calls(self, table: _Timetable, due: float) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        if table.origin.arn.split(":")[2] == "events":
            current = events_backends[self._context.account][self._context.region].event_buses["default"]
            rule = current.rules.get(table.origin.name)
            for target in list(rule.targets) if rule else ():
                yield target, self._event("aws.events", table.origin.arn, due, {})
        else:
            # Without an Input, Scheduler sends a notification of its own, whose detail is a text.
            target, event = _target(table, due), self._event("aws.scheduler", table.origin.arn, due, "{}")
            if told := target.pop("EventBridgeParameters", None):
                detail = json.loads(target.pop("Input", None) or "{}")
                event |= {"source": told["Source"], "detail-type": told["DetailType"], "detail": detail}
            yield target, event

    def _event(self, source: str, arn: str, due: float, detail: Any) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": source,
            "account": self._context.account,
            "time": _iso(due),
            "region": self._context.region,
            "resources": [arn],
            "detail": detail,
        }

    def _complete(self, table: _Timetable, moment: float) -> None:
        is_over = moment >= table.until or (isinstance(table.expression, Once) and moment >= table.expression.at)
        if is_over and getattr(table.source, "action_after_completion", None) == "DELETE":
            groups = scheduler_backends[self._context.account][self._context.region].schedule_groups
            groups[table.source.group_name].schedules.pop(table.source.name, None)

    def _rules(self) -> Iterable[_Timetable]:
        bus = events_backends[self._context.account][self._context.region].event_buses["default"]
        for rule in list(bus.rules.values()):
            if rule.scheduled_expression and rule.state != "DISABLED":
                yield _Timetable(
                    key=(id(rule), rule.scheduled_expression),
                    origin=event_delivery.Origin(rule.name, rule.arn),
                    expression=parse(rule.scheduled_expression),
                    began=clock.now(),
                    until=float("inf"),
                    source=rule,
                )

    def _schedules(self) -> Iterable[_Timetable]:
        backend = scheduler_backends[self._context.account][self._context.region]
        for schedule in [
            item for group in list(backend.schedule_groups.values()) for item in list(group.schedules.values())
        ]:
            if schedule.state == "DISABLED":
                continue
            table = _Timetable(
                key=(id(schedule), schedule.last_modified_date),
                origin=event_delivery.Origin(schedule.name, schedule.arn),
                expression=parse(schedule.schedule_expression, _zone(schedule.schedule_expression_timezone)),
                began=float(schedule.start_date or clock.now()),
                until=float(schedule.end_date or "inf"),
                source=schedule,
            )
            if isinstance(table.expression, Rate) and not schedule.start_date:
                # "If you don't provide a StartDate, ... starts invoking the target immediately."
                table.seen = table.began - 0.001
            yield table


def install(context: Context, delivery: event_delivery.Delivery) -> None:
    """Have schedules kept, and refuse those that could not be."""
    schedules = Schedules(context, delivery)

    def put_rule(backend: Any, name: str, *arguments: Any, **named: Any) -> Any:
        if (text := named.get("scheduled_expression")) and text.startswith(("rate", "cron")):
            _parsed(text, RuleValidationException("Parameter ScheduleExpression is not valid."))
        rule = original_put(backend, name, *arguments, **named)
        schedules.look()
        return rule

    def enable(rule: Any) -> None:
        original_enable(rule)
        schedules.look()

    def change(original: Any, backend: Any, **named: Any) -> Any:
        _require_kept(named)
        schedule = original(backend, **named)
        schedules.look()
        return schedule

    original_put = _PUT_RULE.apply(put_rule)
    original_enable = _ENABLE_RULE.apply(enable)
    create: Any = _CREATE.apply(lambda backend, **named: change(create, backend, **named))
    update: Any = _UPDATE.apply(lambda backend, **named: change(update, backend, **named))
    schedules.start()


def _next_due(table: _Timetable) -> float | None:
    due = table.expression.after(max(table.seen, table.began - 0.001), table.began)
    return None if due is None or due > table.until else due


def _due(number: int, table: _Timetable, moment: float) -> Iterator[tuple[float, int, _Timetable]]:
    after = max(table.seen, table.began - 0.001)
    for due in due_times(table.expression, after, min(moment, table.until), table.began):
        yield due, number, table


def _target(table: _Timetable, due: float) -> dict[str, Any]:
    """The schedule's target, with the context attributes of its input filled in."""
    target = dict(table.source.target)
    if target.get("Input"):
        for name, value in (
            ("schedule-arn", table.origin.arn),
            ("scheduled-time", _iso(due)),
            ("execution-id", str(uuid.uuid4())),
            ("attempt-number", "1"),
        ):
            target["Input"] = target["Input"].replace(f"<aws.scheduler.{name}>", value)
    return target


def _require_kept(named: Mapping[str, Any]) -> None:
    text, zone = named["schedule_expression"], named.get("schedule_expression_timezone")
    _parsed(text, ValidationException(f"Invalid Schedule Expression {text}."), _zone(zone))
    arn = named["target"]["Arn"]
    if arn.split(":")[2] not in _TEMPLATED_TARGETS:
        raise ValidationException(f"The embedded EventBridge Scheduler does not call {arn}")


def _parsed(text: str, refusal: Exception, zone: tzinfo = UTC) -> None:
    try:
        parse(text, zone)
    except ExpressionError as error:
        raise refusal from error


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValidationException(f"Invalid Schedule Expression Timezone: {json.dumps(name)}.") from error


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
