"""What Step Functions tells CloudWatch of executions.

Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch": ExecutionsStarted is 1 when
an execution starts and 0 when it closes. That the other counts are 0 when an execution closes otherwise is an
assumption of ours; the guide does not say so.
"""

from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus

from embedded_aws.context import Context
from embedded_aws.monitoring.metrics import Value, put

NAMESPACE = "AWS/States"
_CLOSED = {
    "ExecutionsSucceeded": ExecutionStatus.SUCCEEDED,
    "ExecutionsFailed": ExecutionStatus.FAILED,
    "ExecutionsTimedOut": ExecutionStatus.TIMED_OUT,
    "ExecutionsAborted": ExecutionStatus.ABORTED,
}


def started(context: Context, execution: Any) -> None:
    """Count an execution that starts."""
    put(context, _count("ExecutionsStarted", 1, execution))


def closed(context: Context, execution: Any) -> None:
    """Count an execution that has closed, and report how long it took."""
    counts = [_count(name, int(execution.exec_status == status), execution) for name, status in _CLOSED.items()]
    milliseconds = (execution.stop_date - execution.start_date).total_seconds() * 1000
    time = Value(NAMESPACE, "ExecutionTime", milliseconds, "Milliseconds", _dimensions(execution))
    put(context, _count("ExecutionsStarted", 0, execution), *counts, time)


def _count(name: str, value: int, execution: Any) -> Value:
    return Value(NAMESPACE, name, value, "Count", _dimensions(execution))


def _dimensions(execution: Any) -> dict[str, str]:
    return {"StateMachineArn": execution.state_machine_arn}
