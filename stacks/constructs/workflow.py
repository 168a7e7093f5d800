"""A state machine that is logged and traced, and the kinds of state that ours are built of."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct, IConstruct

from stacks.constructs.findings import acknowledge, resource_finding
from stacks.constructs.log_group import log_group
from stacks.constructs.python_function import PythonFunction

ERROR = "$.error"

# Faults of the services, not of what we ask of them: worth another try at once. A function whose process has ended by
# itself counts as one: what our functions do can be done again.
LAMBDA_FAULTS = (
    "Runtime.ExitError",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
)
OF_ONE_MACHINE = "Executions of this one machine, which get their names when they are started."
_EVENT_FAULTS = ("EventBridge.InternalException", "EventBridge.EventBridgeException", "EventBridge.FailedEntry")


class Workflow(Construct):
    """`state_machine` runs a definition under a `role` of its own; `functions` are those that it invokes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        definition: sfn.IChainable,
        functions: Sequence[PythonFunction],
        comment: str,
        timeout_days: int,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = log_group(self, "Logs", retention_days=log_retention_days)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            comment=comment,
            definition_body=sfn.DefinitionBody.from_chainable(definition),
            state_machine_type=sfn.StateMachineType.STANDARD,
            role=self.role,
            timeout=cdk.Duration.days(timeout_days),
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=logs, level=sfn.LogLevel.ALL, include_execution_data=True),
        )
        acknowledge(
            self.role,
            "AwsSolutions-IAM5",
            "Log delivery and X-Ray have no resources that a policy could name.",
            "Resource::*",
        )
        for each in functions:
            versions = resource_finding(f"{each.function.function_arn}:*", seen_from=self)
            acknowledge(self.role, "AwsSolutions-IAM5", "Any version of this one function.", versions)


def invoke(scope: Construct, state: str, function: PythonFunction) -> tasks.LambdaInvoke:
    """A Task that hands its whole input to a function, whose answer replaces it."""
    task = tasks.LambdaInvoke(
        scope,
        state,
        lambda_function=function.function,
        output_path="$.Payload",
        retry_on_service_exceptions=False,
        task_timeout=_seconds(function.timeout_seconds + 30),
    )
    add_retry(task, LAMBDA_FAULTS)
    return task


def run_job(
    scope: Construct,
    state: str,
    *,
    action: str,
    parameters: Mapping[str, Any],
    timeout_seconds: int,
    is_last: bool = False,
) -> sfn.CustomState:
    """A Task that starts a job with a service's `action` and waits for its end; its input goes on unchanged.

    Where it `is_last` of a branch or an iteration nothing goes on: results of all of them are one payload together.

    The library's own tasks for Batch and Glue allow any job definition, and mistake the job's timeout for the Task's.
    """
    return sfn.CustomState(
        scope,
        state,
        state_json={
            "Type": "Task",
            "Resource": f"arn:{cdk.Aws.PARTITION}:states:::{action}.sync",
            "Parameters": dict(parameters),
            "ResultPath": sfn.JsonPath.DISCARD,
            "TimeoutSeconds": timeout_seconds,
            **({"OutputPath": sfn.JsonPath.DISCARD} if is_last else {}),
        },
    )


def emit(
    scope: Construct, state: str, *, source: str, detail_type: str, detail: Mapping[str, Any]
) -> tasks.EventBridgePutEvents:
    """A Task that puts an event on the default bus; its input goes on unchanged."""
    entry = tasks.EventBridgePutEventsEntry(
        source=source, detail_type=detail_type, detail=sfn.TaskInput.from_object(dict(detail))
    )
    task = tasks.EventBridgePutEvents(
        scope, state, entries=[entry], result_path=sfn.JsonPath.DISCARD, task_timeout=_seconds(60)
    )
    add_retry(task, _EVENT_FAULTS)
    return task


def rethrow(scope: Construct, state: str) -> sfn.Fail:
    """Ends with the error that was caught at `ERROR`."""
    return sfn.Fail(scope, state, error_path=f"{ERROR}.Error", cause_path=f"{ERROR}.Cause")


def add_retry(task: sfn.TaskStateBase | sfn.CustomState, errors: Sequence[str]) -> None:
    """Try again after 1, 2, 4, 8 and 16 seconds."""
    task.add_retry(errors=list(errors), interval=cdk.Duration.seconds(1), max_attempts=5, backoff_rate=2)


def add_patient_retry(task: sfn.CustomState, errors: Sequence[str]) -> None:
    """Try again ten times within minutes, each task at another moment: for thousands that ask a service at once."""
    task.add_retry(
        errors=list(errors),
        interval=cdk.Duration.seconds(2),
        max_attempts=10,
        backoff_rate=2,
        max_delay=cdk.Duration.seconds(60),
        jitter_strategy=sfn.JitterType.FULL,
    )


def grant_describe_executions(machine: sfn.StateMachine, role: iam.Role) -> None:
    """Let the role ask how the machine's executions stand."""
    machine.grant_execution(role, "states:DescribeExecution")
    acknowledge(role, "AwsSolutions-IAM5", OF_ONE_MACHINE, executions_finding(machine, seen_from=role))


def executions_finding(machine: sfn.StateMachine, *, seen_from: IConstruct, label: str = "") -> str:
    """How cdk-nag spells the finding that a policy names the machine's executions, or those of its Map `label`."""
    home = cdk.Stack.of(machine)
    is_from_elsewhere = home.node.path != cdk.Stack.of(seen_from).node.path
    arn = home.export_value(machine.state_machine_arn) if is_from_elsewhere else machine.state_machine_arn
    name = cdk.Fn.select(6, cdk.Fn.split(":", arn))
    executions = home.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{name}/{label}:*" if label else f"{name}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return resource_finding(executions, seen_from=seen_from)


def _seconds(count: int) -> sfn.Timeout:
    return sfn.Timeout.duration(cdk.Duration.seconds(count))
