"""What is asked of executions by name: how they stand, what happened, to stop, to be redriven."""

import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionNotRedrivable, ExecutionStatus
from moto.stepfunctions.responses import StepFunctionResponse

from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.step_functions import map_runs, restarts
from embedded_aws.step_functions.ended_executions import EndedExecutions
from embedded_aws.step_functions.map_runs import ChildExecution

_BACKEND = "moto.stepfunctions.parser.models:StepFunctionsParserBackend"
_RESPONSE = "moto.stepfunctions.responses:StepFunctionResponse"
_STOP = Patch(f"{_RESPONSE}.stop_execution", "633c8a544aacfd14")
_DESCRIBE = Patch(f"{_RESPONSE}.describe_execution", "c3953bdc9ce21fda")
_FIND = Patch("moto.stepfunctions.models:StepFunctionBackend.describe_execution", "74309ac20095b102")
_RUNNING = Patch(f"{_BACKEND}._get_executions", "99c66bbf9dd987f2")
_HISTORY = Patch(f"{_RESPONSE}.get_execution_history", "3889cc6224ac2f76")
PATCHES = (_STOP, _DESCRIBE, _FIND, _RUNNING, _HISTORY)

FINAL = (ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED)


def install(context: Context, ended: EndedExecutions, announce: Callable[[Context, Any], None]) -> None:
    """Answer so; `announce` tells of an execution whose status has changed."""

    def stop_execution(response: Any) -> ActionResult:
        execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
        if execution.exec_status == ExecutionStatus.RUNNING:
            restarts.abort(execution, response._get_param("error"), response._get_param("cause"))
            for run in map_runs.runs_of(execution):
                run.abort(run.redrives)
            if isinstance(execution, ChildExecution):
                execution.ended.set()
            else:
                announce(context, execution)
                ended.add(execution)
        return ActionResult({"stopDate": execution.stop_date})

    def redrive_execution(response: Any) -> ActionResult:
        execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
        if isinstance(execution, ChildExecution):
            raise ExecutionNotRedrivable(
                "Execution is not redrivable: redrive the execution that has started its Map Run"
            )

        def begin() -> None:
            ended.remove(execution)
            announce(context, execution)

        restarts.redrive(execution, begin)
        return ActionResult({"redriveDate": execution.redriven})

    def describe_execution(backend: Any, execution_arn: str) -> Any:
        return map_runs.find_child(execution_arn) or original_find(backend, execution_arn)

    def running(backend: Any, execution_status: Any = None) -> list[Any]:
        """Those that may wait for an answer: what has ended has nothing that could be asked for it."""
        machines = (execution for machine in backend.state_machines for execution in machine.executions)
        return [*(e for e in machines if e.exec_status == ExecutionStatus.RUNNING), *map_runs.running_children()]

    _STOP.apply(stop_execution)
    setattr(StepFunctionResponse, "redrive_execution", redrive_execution)  # noqa: B010  (moto has none)
    original_find = _FIND.apply(describe_execution)
    _RUNNING.apply(running)
    _DESCRIBE.apply(_describe_execution)
    _HISTORY.apply(_get_execution_history)


def compact(value: Any) -> str:
    """JSON as Step Functions writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _describe_execution(response: Any) -> ActionResult:
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
    status = execution.exec_status
    answer = {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": status.value,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        **redrive_facts(execution),
    }
    if isinstance(execution, ChildExecution):
        answer["mapRunArn"] = execution.map_run.arn
    if status in FINAL:
        answer["stopDate"] = execution.stop_date
    if status == ExecutionStatus.SUCCEEDED:
        answer |= {"output": compact(execution.output), "outputDetails": {"included": True}}
    answer |= {name: getattr(execution, name) for name in ("error", "cause") if getattr(execution, name) is not None}
    return ActionResult(answer)


def redrive_facts(execution: Any) -> dict[str, Any]:
    """How often and when it was redriven, and whether it can be."""
    count = restarts.redrives(execution)
    return {
        "redriveCount": count,
        **_redrive_status(execution),
        **({"redriveDate": execution.redriven} if count else {}),
    }


def _redrive_status(execution: Any) -> dict[str, str]:
    reason = restarts.why_not(execution)
    if reason is None and isinstance(execution, ChildExecution):
        return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    if reason is None:
        return {"redriveStatus": "REDRIVABLE"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _get_execution_history(response: Any) -> ActionResult:
    history = response.stepfunction_backend.get_execution_history(response._get_param("executionArn"))["events"]
    if response._get_param("reverseOrder"):
        history = history[::-1]
    start = int(response._get_param("nextToken") or 0)
    end = start + int(response._get_param("maxResults") or 1000)
    answer: dict[str, Any] = {"events": history[start:end]}
    if end < len(history):
        answer["nextToken"] = str(end)
    return ActionResult(answer)
