"""What is answered about Map Runs and their child executions."""

from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ResourceNotFound

from embedded_aws.guard import Patch
from embedded_aws.step_functions import map_runs
from embedded_aws.step_functions.map_runs import MapRun

_RESPONSE = "moto.stepfunctions.responses:StepFunctionResponse"
_LIST = Patch(f"{_RESPONSE}.list_map_runs", "ce190792f66529a4")
_DESCRIBE = Patch(f"{_RESPONSE}.describe_map_run", "7f9bda65cebc4410")
_EXECUTIONS = Patch(f"{_RESPONSE}.list_executions", "6fec14cfc5afd6b8")
PATCHES = (_LIST, _DESCRIBE, _EXECUTIONS)

_PAGE = 1000


def install() -> None:
    """Answer with what map_runs knows."""

    def list_executions(response: Any) -> ActionResult:
        if not (arn := response._get_param("mapRunArn")):
            answer: ActionResult = original_list(response)
            return answer
        run, status = _found(arn), response._get_param("statusFilter")
        children = [child for child in run.children.values() if status in (None, child.status)]
        start = int(response._get_param("nextToken") or 0)
        end = start + int(response._get_param("maxResults") or _PAGE)
        listed: dict[str, Any] = {"executions": [_child(child) for child in children[start:end]]}
        if end < len(children):
            listed["nextToken"] = str(end)
        return ActionResult(listed)

    _LIST.apply(_list_map_runs)
    _DESCRIBE.apply(_describe_map_run)
    original_list = _EXECUTIONS.apply(list_executions)


def _list_map_runs(response: Any) -> ActionResult:
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
    return ActionResult({"mapRuns": [_summary(run) for run in map_runs.runs_of(execution)]})


def _describe_map_run(response: Any) -> ActionResult:
    run = _found(response._get_param("mapRunArn"))
    counts = run.counts()
    answer = {
        **_summary(run),
        "status": run.status.value,
        "maxConcurrency": run.max_concurrency,
        "toleratedFailurePercentage": run.tolerated_percentage,
        "toleratedFailureCount": run.tolerated_count,
        "itemCounts": counts,
        "executionCounts": counts,
        "redriveCount": run.redrives,
    }
    del answer["stateMachineArn"]
    return ActionResult(answer)


def _found(arn: str) -> MapRun:
    if (run := map_runs.find_run(arn)) is None:
        raise ResourceNotFound(f"Resource not found: '{arn}'")
    return run


def _summary(run: MapRun) -> dict[str, Any]:
    return {
        "executionArn": run.parent.exec_arn,
        "mapRunArn": run.arn,
        "stateMachineArn": f"{run.parent.state_machine_arn}/{run.label}",
        "startDate": run.started,
        **({"stopDate": run.stopped} if run.stopped else {}),
    }


def _child(execution: Any) -> dict[str, Any]:
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "mapRunArn": execution.map_run.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "redriveCount": getattr(execution, "redrives", 0),
        **({"stopDate": execution.stop_date} if execution.stop_date else {}),
    }
