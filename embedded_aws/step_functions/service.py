"""Step Functions: moto's interpreter runs the deployed definitions; what it gets wrong or leaves out is repaired here.

Executions call services as their state machine's role. What differs from AWS: no CloudWatch logging of executions, no
X-Ray; JSONata expressions need moto's own engine; `.sync` is there for Batch, Glue and nested executions; what a
redrive repeats (restarts), and what is told of child executions (map_runs).
"""

import functools
import logging
import re
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.stepfunctions.exceptions import InvalidName
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.evaluation_details import ExecutionDetails

from embedded_aws import quick_start
from embedded_aws.context import Context
from embedded_aws.durable import executions
from embedded_aws.durable.database import Database
from embedded_aws.events import service as events
from embedded_aws.guard import Patch
from embedded_aws.step_functions import (
    activities,
    execution_answers,
    execution_metrics,
    managed_rules,
    map_run_answers,
    map_runs,
    restarts,
)
from embedded_aws.step_functions import maps as step_functions_maps
from embedded_aws.step_functions import tasks as step_functions_tasks
from embedded_aws.step_functions.ended_executions import EndedExecutions
from embedded_aws.step_functions.execution_answers import FINAL, compact, redrive_facts
from embedded_aws.step_functions.map_runs import ChildExecution

_BACKEND = "moto.stepfunctions.parser.models:StepFunctionsParserBackend"
_NEW = Patch("moto.stepfunctions.parser.backend.execution:Execution.__init__", "072ed5928123f13c")
_START = Patch(f"{_BACKEND}.start_execution", "0f8d9dd57baf0c28")
_REFLECT = Patch(
    "moto.stepfunctions.parser.backend.execution:BaseExecutionWorkerCommunication._reflect_execution_status",
    "038a396107afe59b",
)
_DETAILS = Patch(
    "moto.stepfunctions.parser.backend.execution:Execution.get_start_execution_details", "d2b1067cddccaeb8"
)
_TIMED_OUT = Patch("moto.stepfunctions.parser.asl.eval.environment:Environment.set_timed_out", "853b04bf9e6a7db4")
_PARSE = Patch("moto.stepfunctions.parser.asl.parse.asl_parser:AmazonStateLanguageParser.parse", "a59a7d18760fb22e")
_VALIDATE = Patch(
    "moto.stepfunctions.parser.models:StepFunctionsParserBackend._validate_definition", "a5921e3d3b46dcd3"
)
PATCHES = (
    _NEW,
    _START,
    _REFLECT,
    _DETAILS,
    _TIMED_OUT,
    _PARSE,
    _VALIDATE,
    *step_functions_tasks.PATCHES,
    *step_functions_maps.PATCHES,
    *map_runs.PATCHES,
    *map_run_answers.PATCHES,
    *execution_answers.PATCHES,
    *managed_rules.PATCHES,
    *activities.PATCHES,
)

_ENDED: list[EndedExecutions] = []
# moto's grammar wants a fraction, the language does not.
_WHOLE_PERCENTAGE = re.compile(r'"ToleratedFailurePercentage"\s*:\s*\d+(?![\d.])')
_FORBIDDEN_IN_NAMES = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")


def install(context: Context) -> None:
    """Have state machines executed, and executed rightly."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)  # it prints every failed state
    _name_errors()
    step_functions_tasks.install(context)
    step_functions_maps.install()
    map_runs.install(context)
    map_run_answers.install()
    managed_rules.install(context)
    activities.install()
    starting = threading.Lock()
    ended = EndedExecutions(context, map_runs.forget)
    _ENDED[:] = [ended]
    execution_answers.install(context, ended, announce)

    def new(execution: Any, *given: Any, **named: Any) -> None:
        """It is among the machine's executions before it is started."""
        original_new(execution, *given, **named)
        execution.exec_status = ExecutionStatus.RUNNING

    def start_execution(
        backend: Any, state_machine_arn: str, name: str | None = None, execution_input: str | None = None, *rest: Any
    ) -> Any:
        name = str(uuid.uuid4()) if name is None else _valid_name(name)
        with starting:  # of two calls with one name, the second must find the first one's execution
            execution = original_start(backend, state_machine_arn, name, execution_input or "{}", *rest)
        executions.changed(execution)
        execution_metrics.started(context, execution)
        return execution

    def reflect(communication: Any) -> None:
        execution = communication.execution
        if execution.exec_status in FINAL or restarts.is_of_an_earlier_drive(communication):  # it was stopped
            return
        if type(execution.exec_worker.env.program_state()).__name__ == "ProgramEnded":
            execution.output = execution.exec_worker.env.states.get_input()  # before the status that promises it
        original_reflect(communication)
        if not isinstance(execution, ChildExecution):
            announce(context, execution)
            ended.add(execution)

    def set_timed_out(environment: Any) -> None:
        if not environment.is_frame():
            restarts.close_history(
                environment, HistoryEventType.ExecutionTimedOut, {"executionTimedOutEventDetails": {}}
            )
        original_timed_out(environment)

    @functools.lru_cache(maxsize=64)
    def parse(definition: str) -> Any:
        return original_parse(_WHOLE_PERCENTAGE.sub(r"\g<0>.0", definition))

    def validate(definition: str) -> None:
        # Reading a definition takes a second; what was found right once is right.
        quick_start.kept(f"{version('moto')}\n{definition}", lambda: original_validate(definition))

    original_validate = _VALIDATE.apply(staticmethod(validate))
    original_new = _NEW.apply(new)
    original_start = _START.apply(start_execution)
    original_reflect = _REFLECT.apply(reflect)
    _DETAILS.apply(_start_details)
    original_timed_out = _TIMED_OUT.apply(set_timed_out)
    original_parse = _PARSE.apply(parse)


def restore(context: Context, kept_in: Database) -> None:
    """Give the state machines back their executions, as many as are kept. What ran has been aborted, and is told."""
    restored, aborted = executions.restore(context, kept_in)
    for execution in restored:
        _ENDED[0].add(execution)
    for execution in aborted:
        announce(context, execution)


def announce(context: Context, execution: Any) -> None:
    """Keep an execution's status and tell of it, when it has changed."""
    executions.changed(execution)
    if execution.exec_status in FINAL:
        execution_metrics.closed(context, execution)
    events.emit(
        context,
        source="aws.states",
        detail_type="Step Functions Execution Status Change",
        resources=[execution.execution_arn],
        detail=lambda: _status_change(execution),
    )


def _name_errors() -> None:
    """The interpreter's errors have their names and statuses in attributes that moto's server does not look at."""
    for error in vars(api).values():
        if isinstance(error, type) and issubclass(error, AWSError) and "code" in vars(error):
            error.TYPE, error.STATUS = vars(error)["code"], vars(error)["status_code"]
            setattr(error, "__init__", _tell_error)  # noqa: B010  (its own signature is another)


def _tell_error(error: AWSError, message: str = "", *rest: Any) -> None:
    """The interpreter raises some of its errors without a message, which they do not take."""
    AWSError.__init__(error, message or error.TYPE or "", *rest)


def _valid_name(name: str) -> str:
    if not 1 <= len(name) <= 80 or _FORBIDDEN_IN_NAMES.search(name):
        raise InvalidName(f"Invalid Name: '{name}'")
    return name


def _start_details(execution: Any) -> ExecutionDetails:
    return ExecutionDetails(
        arn=execution.exec_arn,
        name=execution.name,
        role_arn=execution.role_arn,
        inpt=execution.input_data,
        start_time=_iso(execution.start_date),
    )


def _status_change(execution: Any) -> Mapping[str, Any]:
    """Step Functions Developer Guide, "Step Functions execution status change"."""
    succeeded = execution.exec_status == ExecutionStatus.SUCCEEDED
    redrives = redrive_facts(execution)
    return {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.exec_status.value,
        "startDate": int(execution.start_date.timestamp() * 1000),
        "stopDate": int(execution.stop_date.timestamp() * 1000) if execution.stop_date else None,
        "input": execution.execution_input,
        "output": compact(execution.output) if succeeded else None,
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if succeeded else None,
        "error": execution.error,
        "cause": execution.cause,
        **redrives,
        "redriveDate": int(execution.redriven.timestamp() * 1000) if "redriveDate" in redrives else None,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
