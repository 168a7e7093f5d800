"""What follows a run's results: the sign-off, the event, the LIMS; and what follows a failure: the ticket.

What passes between the states is told in lambdas/secondary/README.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from genomics.contracts import events
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.workflow import ERROR, LAMBDA_FAULTS, add_retry, emit, invoke, rethrow

# The function stops by itself when its time is nearly over; what is done by then is not done again.
_UNFINISHED = ("UnfinishedUploadError",)
_MOST_UPLOADS = 100
_EXECUTION = sfn.JsonPath.object_at("$$.Execution")


@dataclass(frozen=True)
class ClosingFunctions:
    """What decides and records, by the names of its states; without the last two nobody is told.

    `sign_off` is the activity that people are asked by.
    """

    sign_off: sfn.IActivity
    record_run_failure: PythonFunction
    ask_sign_off: PythonFunction
    keep_token: PythonFunction
    record_sign_off: PythonFunction
    record_hold: PythonFunction
    hold_run: PythonFunction
    upload_to_lims: PythonFunction | None = None
    open_ticket: PythonFunction | None = None

    def all(self) -> tuple[PythonFunction, ...]:
        """Every one there is."""
        found = (getattr(self, field.name) for field in fields(self))
        return tuple(function for function in found if isinstance(function, PythonFunction))


class RunClosing(Construct):
    """`begin` follows the state CollectResults; `failed` is where whatever fails before it goes."""

    def __init__(self, scope: Construct, construct_id: str, *, functions: ClosingFunctions) -> None:
        super().__init__(scope, construct_id)
        self._functions = functions
        self.failed = self._run_failed()
        ended = self._uploaded(self._any_failed())
        called = emit(
            self,
            "EmitVariantsCalled",
            source=events.SOURCE,
            detail_type=events.VARIANTS_CALLED,
            detail={name: sfn.JsonPath.string_at(f"$.{name}") for name in ("run_id", "study", "results")},
        )
        called.add_catch(self.failed, errors=["States.ALL"], result_path=ERROR)
        called.next(ended)
        self.begin = (
            sfn.Choice(self, "AnyCalled?")
            .when(sfn.Condition.number_greater_than("$.succeeded", 0), self._signed_off(called))
            .otherwise(ended)
        )

    def _signed_off(self, then: sfn.IChainable) -> sfn.IChainable:
        """A person's decision, where the run's request asks for one."""
        functions = self._functions
        ask = self._invoke_with("AskSignOff", functions.ask_sign_off, _whole_state())
        wait = self._awaited()
        record = invoke(self, "RecordSignOff", functions.record_sign_off)
        ask.add_catch(self.failed, errors=["States.ALL"], result_path=ERROR)
        held = self._hold("HoldForSignOff").next(ask)
        rejected = sfn.Fail(self, "Rejected", error="SignOffRejected", cause_path="$.hold.line")
        final = (
            sfn.Choice(self, "Rejected?")
            .when(sfn.Condition.boolean_equals("$.hold.is_final", True), rejected)
            .otherwise(held)
        )
        ticket = self._ticket("OpenTicketForSignOff", then=final, line="$.hold.line", step="sign_off")
        none = self._record_hold("RecordNoSignOff", waited_for="sign-off").next(ticket)
        for state in (wait, record):
            state.add_catch(none, errors=["States.ALL"], result_path=ERROR)
        told = self._sign_off_awaited()
        told.add_catch(wait, errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        ask.next(told).next(wait).next(record).next(then)
        return (
            sfn.Choice(self, "SignOffAsked?")
            .when(sfn.Condition.boolean_equals("$.sign_off", True), ask)
            .otherwise(then)
        )

    def _sign_off_awaited(self) -> tasks.EventBridgePutEvents:
        """Who may decide hears that somebody has to."""
        return emit(
            self,
            "EmitSignOffAwaited",
            source=events.SOURCE,
            detail_type=events.SIGN_OFF_AWAITED,
            detail={name: sfn.JsonPath.string_at(f"$.{name}") for name in ("run_id", "study", "results", "until")},
        )

    def _awaited(self) -> sfn.Parallel:
        """The activity, and beside it what takes its task at once: its time limit counts from then."""
        wait = tasks.StepFunctionsInvokeActivity(
            self,
            "AwaitSignOff",
            activity=self._functions.sign_off,
            parameters={name: sfn.JsonPath.string_at(f"$.{name}") for name in ("run_id", "study", "results")},
            task_timeout=sfn.Timeout.at("$.timeout_seconds"),
        )
        wait.add_catch(rethrow(self, "NotSignedOff"), errors=["States.ALL"], result_path=ERROR)
        keep = invoke(self, "KeepToken", self._functions.keep_token)
        keep.add_catch(rethrow(self, "TokenNotKept"), errors=["States.ALL"], result_path=ERROR)
        signed = sfn.Parallel(
            self,
            "SignedOff",
            result_selector={"decision": sfn.JsonPath.object_at("$[0]")},
            result_path="$.signed",
        )
        return signed.branch(wait).branch(keep)

    def _uploaded(self, then: sfn.IChainable) -> sfn.IChainable:
        """The LIMS is told, where there is one: last, so that its trouble keeps nothing from the lake."""
        if self._functions.upload_to_lims is None:
            return then
        upload = invoke(self, "UploadToLims", self._functions.upload_to_lims)
        upload.add_retry(
            errors=list(_UNFINISHED), interval=cdk.Duration.seconds(1), max_attempts=_MOST_UPLOADS, backoff_rate=1
        )
        held = self._hold("HoldForLims").next(upload)
        ticket = self._ticket("OpenTicketForLims", then=held, line="$.hold.line", step="lims")
        failed = self._record_hold("RecordNotUploaded", waited_for="LIMS").next(ticket)
        upload.add_catch(failed, errors=["States.ALL"], result_path=ERROR)
        return upload.next(then)

    def _any_failed(self) -> sfn.Choice:
        failed = sfn.Fail(self, "Failed", error="SampleFailed", cause_path="$.line")
        return (
            sfn.Choice(self, "AnyFailed?")
            .when(
                sfn.Condition.boolean_equals("$.has_failed", True),
                self._ticket("OpenTicketForSamples", then=failed, line="$.line"),
            )
            .otherwise(sfn.Succeed(self, "Succeeded"))
        )

    def _run_failed(self) -> sfn.IChainable:
        record = invoke(self, "RecordRunFailure", self._functions.record_run_failure)
        record.add_catch(rethrow(self, "RunFailedUnrecorded"), errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        failed = sfn.Fail(self, "RunFailed", error="RunFailed", cause_path="$.line")
        return record.next(self._ticket("OpenTicketForRun", then=failed, line="$.line"))

    def _record_hold(self, name: str, *, waited_for: str) -> tasks.LambdaInvoke:
        record = self._invoke_with(name, self._functions.record_hold, {**_whole_state(), "waited_for": waited_for})
        record.add_catch(self.failed, errors=["States.ALL"], result_path=ERROR)
        return record

    def _hold(self, name: str) -> tasks.LambdaInvoke:
        """Nothing catches it: an execution that ends in this state is redriven from it, and goes on."""
        return self._invoke_with(name, self._functions.hold_run, _whole_state())

    def _ticket(self, name: str, *, then: sfn.IChainable, line: str, step: str = "") -> sfn.IChainable:
        """A ticket, if there is a system for them, and then what is to come, with the input that it would have had."""
        if self._functions.open_ticket is None:
            return then
        given = {"run_id": sfn.JsonPath.string_at("$.run_id"), "line": sfn.JsonPath.string_at(line)}
        ticket = self._invoke_with(
            name,
            self._functions.open_ticket,
            {**given, "step": step, "execution": _EXECUTION},
            result_path=sfn.JsonPath.DISCARD,
        )
        ticket.add_catch(then, errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        return ticket.next(then)

    def _invoke_with(
        self, name: str, function: PythonFunction, payload: Mapping[str, Any], result_path: str | None = None
    ) -> tasks.LambdaInvoke:
        """A Task that hands a payload to a function, whose answer replaces the state unless there is a path for it."""
        task = tasks.LambdaInvoke(
            self,
            name,
            lambda_function=function.function,
            payload=sfn.TaskInput.from_object(dict(payload)),
            retry_on_service_exceptions=False,
            task_timeout=sfn.Timeout.duration(cdk.Duration.seconds(function.timeout_seconds + 30)),
            result_path=result_path,
            output_path=None if result_path else "$.Payload",
        )
        add_retry(task, LAMBDA_FAULTS)
        return task


def _whole_state() -> dict[str, Any]:
    return {"state": sfn.JsonPath.entire_payload, "execution": _EXECUTION}
