"""Runs that were stopped, or are held, and go on where they were."""

from botocore.exceptions import ClientError

from genomics.contracts.sign_off import HELD
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.interruptions import REMEDY, execution_arn


def redrive_run(platform: Platform, run_id: str) -> None:
    """Let a run that was stopped, timed out or is held go on; UserError says why another cannot."""
    states, arn = platform.cloud.step_functions, execution_arn(platform, run_id)
    try:
        found = states.describe_execution(executionArn=arn)
        if found["status"] == "FAILED" and found.get("error") != HELD:
            raise UserError(f"run {run_id} has failed, which is an end that it reached: {REMEDY}")
        states.redrive_execution(executionArn=arn)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "ExecutionDoesNotExist":
            raise UserError(f"there is no run {run_id}; `genomics status` lists them") from error
        if code == "ExecutionNotRedrivable":
            raise UserError(f"run {run_id} cannot go on ({message}): {REMEDY}") from error
        raise
