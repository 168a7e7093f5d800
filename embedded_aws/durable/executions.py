"""Step Functions on disk: which executions there were, and how they ended.

What ran when the embedded AWS was stopped or killed cannot go on. It is found again as ABORTED, with a cause that says
so, and its name stays taken, as on AWS.
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from embedded_aws.context import Context
from embedded_aws.durable import units
from embedded_aws.durable.database import Database
from embedded_aws.guard import Patch

# Not replaced, but what is restored must be as if it had been made by it.
PATCHES = (Patch("moto.stepfunctions.parser.backend.execution:Execution.__init__", "072ed5928123f13c"),)
INTERRUPTED = "EmbeddedAws.Stopped"
_CAUSE = "the embedded AWS was stopped while the execution ran"
_KIND = "execution"


def changed(execution: Any) -> None:
    """Note that an execution was started, or has ended."""
    machine = execution.state_machine_arn
    units.document_changed(_KIND, machine, execution.exec_arn, lambda: _described(execution))


def forgotten(execution: Any) -> None:
    """Note that an execution is no longer kept."""
    units.document_changed(_KIND, execution.state_machine_arn, execution.exec_arn, lambda: None)


def restore(context: Context, kept_in: Database) -> tuple[list[Any], list[Any]]:
    """Give each state machine back its executions. All of them, the one that ended first first; what of them ran.

    What ran has now been aborted.
    """
    machines = {machine.arn: machine for machine in _backend(context).state_machines}
    restored, aborted = [], []
    for machine_arn, arn, document in kept_in.documents(_KIND):
        if machine := machines.get(machine_arn):
            execution = _restored(context, machine, arn, document)
            machine.executions.append(execution)
            restored.append(execution)
            if document["status"] == ExecutionStatus.RUNNING:
                aborted.append(execution)
    return sorted(restored, key=lambda execution: execution.stop_date or execution.start_date), aborted


def _backend(context: Context) -> Any:
    return stepfunctions_parser_backends[context.account][context.region]


def _described(execution: Any) -> dict[str, Any]:
    document = {
        "name": execution.name,
        "status": execution.exec_status.value,
        "started": execution.start_date.isoformat(),
        "stopped": execution.stop_date and execution.stop_date.isoformat(),
        "input": execution.execution_input,
        "error": execution.error,
        "cause": execution.cause,
    }
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        document["output"] = json.loads(json.dumps(execution.output, default=str))
    return document


def _restored(context: Context, machine: Any, arn: str, document: dict[str, Any]) -> Any:
    execution: Any = Execution(
        name=document["name"],
        sm_type=machine.sm_type,
        role_arn=machine.roleArn,
        exec_arn=arn,
        account_id=context.account,
        region_name=context.region,
        state_machine=machine,
        start_date=datetime.fromisoformat(document["started"]),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data=document["input"],
    )
    execution.exec_worker = _Ended()
    execution.exec_status = ExecutionStatus(document["status"])
    execution.error, execution.cause, execution.output = document["error"], document["cause"], document.get("output")
    execution.stop_date = document["stopped"] and datetime.fromisoformat(document["stopped"])
    if execution.exec_status == ExecutionStatus.RUNNING:
        execution.exec_status, execution.stop_date = ExecutionStatus.ABORTED, datetime.now(UTC)
        execution.error, execution.cause = INTERRUPTED, _CAUSE
    return execution


class _Ended:
    """The worker of an execution from an earlier life: it has no history any more, and nothing to stop."""

    env = None
