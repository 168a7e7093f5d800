"""Executions that are stopped, and those that are redriven from the state in which they ended.

Step Functions Developer Guide, "Restarting state machine executions with redrive": an execution goes on from its
unsuccessful state, with that state's input, under the same ARN and definition. The finished items of a distributed Map
are not repeated (map_runs); the finished iterations of an inline Map, and branches of a Parallel, here are.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.api import ExecutionNotRedrivable, ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

_START_SECONDS = 5.0


def abort(execution: Any, error: str | None, cause: str | None) -> None:
    """An execution that is stopped has ended at once, whatever its tasks still do."""
    environment = _environment(execution)
    execution.stop_date = datetime.now(UTC)
    execution.error, execution.cause = error, cause
    execution.exec_status = ExecutionStatus.ABORTED
    if environment is not None:
        details = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
        close_history(environment, HistoryEventType.ExecutionAborted, {"executionAbortedEventDetails": details})
        environment.set_stop(stop_date=execution.stop_date, error=error, cause=cause)


def close_history(environment: Any, event_type: HistoryEventType, details: Any) -> None:
    """Write the last event."""
    manager = environment.event_manager
    manager.add_event(context=EventHistoryContext.of_program_start(), event_type=event_type, event_details=details)
    manager.add_event = lambda *_, **__: 0


def redrive(execution: Any, begin: Callable[[], None] | None = None) -> None:
    """Go on with an execution that has not succeeded; ExecutionNotRedrivable says why that cannot be.

    `begin` is called when it is RUNNING again, and before anything of it can have ended.
    """
    if (reason := why_not(execution)) is not None:
        raise ExecutionNotRedrivable(f"Execution is not redrivable: {reason}")
    history = execution.exec_worker.env.event_manager.get_event_history()
    definition = json.loads(execution.state_machine.definition)
    state, given = _unfinished(history, definition["States"]) or (definition["StartAt"], execution.input_data)
    execution.redrives, execution.redriven = redrives(execution) + 1, datetime.now(UTC)
    execution.exec_status, execution.stop_date = ExecutionStatus.RUNNING, None
    execution.error = execution.cause = None
    worker = execution._get_start_execution_worker()
    worker._execution_communication.redrives = execution.redrives
    text = json.dumps({**definition, "StartAt": state})

    def logic() -> None:
        program = AmazonStateLanguageParser.parse(text)[0]
        environment = worker._get_evaluation_environment()
        environment.states.reset(given)
        # Guide, "Context object": both are there once an execution has been redriven.
        environment.states.context_object.context_object_data["Execution"] |= {
            "RedriveCount": execution.redrives,
            "RedriveTime": execution.redriven.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        manager = environment.event_manager
        manager._history_event_list.extend(history)
        manager._event_id_gen._next_id = len(history) + 1
        manager.add_event(
            context=environment.event_history_context,
            event_type=HistoryEventType.ExecutionRedriven,
            event_details={"executionRedrivenEventDetails": {"redriveCount": execution.redrives}},
        )
        worker.env = environment
        program.eval(environment)
        worker._execution_communication.terminated()

    worker._execution_logic = logic
    execution.exec_worker = worker
    if begin is not None:
        begin()
    worker.start()


def redrives(execution: Any) -> int:
    """How often it was redriven."""
    count: int = getattr(execution, "redrives", 0)
    return count


def is_of_an_earlier_drive(communication: Any) -> bool:
    """Whether what ends is a drive of its execution that was stopped, after which it has been redriven."""
    return getattr(communication, "redrives", 0) != redrives(communication.execution)


def why_not(execution: Any) -> str | None:
    """Why it cannot be redriven; None where it can."""
    if execution.exec_status == ExecutionStatus.RUNNING:
        return "Execution is RUNNING and cannot be redriven"
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        return "Execution is SUCCEEDED and cannot be redriven"
    if execution.exec_worker is None or execution.exec_worker.env is None:
        return "its history was lost when the embedded AWS was stopped"
    return None


def _unfinished(history: Sequence[Mapping[str, Any]], states: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The state of the machine itself that was entered and not left, and its input; None before the first one."""
    for event in reversed(history):
        details = event.get("stateEnteredEventDetails")
        if details and details["name"] in states:
            return details["name"], json.loads(details["input"])
    return None


def _environment(execution: Any) -> Any | None:
    """Where its program runs; waits for one that has just been started."""
    deadline = time.monotonic() + _START_SECONDS
    while execution.exec_worker is not None:
        environment = execution.exec_worker.env
        is_begun = environment is not None and environment.program_state() is not None
        if is_begun or time.monotonic() > deadline:
            return environment
        time.sleep(0.005)
    return None
