"""Alarms on one metric and a threshold: looked at once a minute, and whenever the clock is advanced.

CloudWatch User Guide, "Alarm evaluation": of the last periods, counted back from now, as many must break the threshold
as the alarm asks for. Alarms on expressions, so those on anomaly bands, and composite alarms stay as they are.
"""

import json
import operator
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import Alarm, Statistics, cloudwatch_backends
from moto.sns.models import sns_backends

from embedded_aws import clock
from embedded_aws.context import Context
from embedded_aws.durable import units
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.monitoring import queue_depths
from embedded_aws.requests import Access

_OK, _ALARM, _INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
_LOOK_SECONDS = 60.0
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_looking = threading.Lock()


def install(context: Context) -> None:
    """Have alarms looked at when the clock is advanced."""
    clock.on_advance(lambda: evaluate(context))


def start(context: Context) -> None:
    """Begin to look once a minute."""

    def run() -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            try:
                evaluate(context)
            except Exception:  # one alarm's fault must not end all alarms
                traceback.print_exc()

    threading.Thread(target=run, name="alarms", daemon=True).start()


def evaluate(context: Context) -> None:
    """Look at every alarm once; whoever is to be told of a change of its state is told."""
    backend = cloudwatch_backends[context.account][context.region]
    wanted = [alarm for alarm in list(backend.alarms.values()) if _is_simple(alarm)]
    if not wanted:
        return
    with _looking:
        values = [*backend.metric_data, *queue_depths.now(context)]
        for alarm in wanted:
            statistics = _statistics(alarm, [value for value in values if _is_of(alarm, value)])
            state, reason = _state(alarm, statistics)
            if state != alarm.state_value:
                _change(context, alarm, state, reason)


def _is_simple(alarm: Alarm) -> bool:
    return bool(alarm.metric_name and alarm.comparison_operator in _OPERATORS) and not alarm.metric_data_queries


def _is_of(alarm: Alarm, value: Any) -> bool:
    return (
        value.name == alarm.metric_name
        and value.namespace == alarm.namespace
        and {(d.name, d.value) for d in value.dimensions} == {(d.name, d.value) for d in alarm.dimensions}
    )


def _statistics(alarm: Alarm, values: Sequence[Any]) -> list[float | None]:
    """The alarm's statistic of its last periods, the latest first; None of a period without values."""
    now = datetime.fromtimestamp(clock.now(), UTC).replace(tzinfo=None)
    period = timedelta(seconds=int(alarm.period))
    name = alarm.extended_statistic or alarm.statistic
    found: list[float | None] = []
    for number in range(int(alarm.evaluation_periods)):
        end = now - number * period
        statistics = Statistics([name], end)
        statistics.metric_data = [value for value in values if end - period < value.timestamp <= end]
        result = statistics.get_statistics_for_type(name) if statistics.metric_data else None
        found.append(None if result is None else float(result))
    return found


def _state(alarm: Alarm, statistics: Sequence[float | None]) -> tuple[str, str]:
    """The state, and why: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data"."""
    breaks = _OPERATORS[alarm.comparison_operator]
    needed = int(alarm.datapoints_to_alarm or alarm.evaluation_periods)
    known = [value for value in statistics if value is not None]
    breaking = [value for value in known if breaks(value, float(alarm.threshold))]
    missing = len(statistics) - len(known)
    treated = alarm.treat_missing_data or "missing"
    if not known and treated == "ignore":
        return alarm.state_value, alarm.state_reason
    if not known and treated == "missing":
        return _INSUFFICIENT, f"Insufficient Data: {missing} datapoints were unknown."
    count = len(breaking) + (missing if treated == "breaching" else 0)
    told = ", ".join(f"{value:g}" for value in known) or "none"
    reason = f"Threshold Crossed: {count} of the last {len(statistics)} datapoints [{told}] broke {alarm.threshold:g}."
    return (_ALARM, reason) if count >= needed else (_OK, reason)


def _change(context: Context, alarm: Alarm, state: str, reason: str) -> None:
    before = alarm.state_value
    alarm.update_state(reason, "{}", state)
    actions = {_OK: alarm.ok_actions, _ALARM: alarm.alarm_actions, _INSUFFICIENT: alarm.insufficient_data_actions}
    if not alarm.actions_enabled:
        return
    for arn in actions[state] or ():
        if arn.split(":")[2] != "sns":
            continue
        with suppress(AccessDeniedError), units.unit():  # the message is lost; the request log says why
            access = Access("sns:Publish", arn)
            authorization.require(identity.service("cloudwatch"), [access], by="cloudwatch", source_arn=alarm.alarm_arn)
            sns_backends[context.account][context.region].publish(
                arn=arn,
                message=json.dumps(_notice(context, alarm, before)),
                subject=f'{state}: "{alarm.name}" in {context.region}'[:100],
            )


def _notice(context: Context, alarm: Alarm, before: str) -> dict[str, Any]:
    """What the topic is told, as far as it is told here: the fields that CloudWatch's own notice has."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": context.account,
        "AlarmArn": alarm.alarm_arn,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds"),
        "Region": context.region,
        "OldStateValue": before,
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "Statistic": (alarm.statistic or alarm.extended_statistic or "").upper(),
            "Dimensions": [{"name": d.name, "value": d.value} for d in alarm.dimensions],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data,
        },
    }
