"""Executions that are known by name before they are started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def execution_arn(state_machine_arn: str, name: str) -> str:
    """ARN that an execution of that name has."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def start(step_functions: SFNClient, state_machine_arn: str, name: str, given: str) -> bool:
    """Start an execution unless one of that name was; False if it was."""
    try:
        step_functions.start_execution(stateMachineArn=state_machine_arn, name=name, input=given)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            return False
        raise
    return True
