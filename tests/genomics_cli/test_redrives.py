"""Which runs go on, and what is said of those that cannot."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from genomics.contracts.sign_off import HELD
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.redrives import redrive_run


class Execution:
    """Plays Step Functions with one execution, or with none."""

    def __init__(self, status: str | None, refusal: str | None = None, error: str | None = None) -> None:
        self.status, self.refusal, self.error, self.redriven = status, refusal, error, ""

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if self.status is None:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": ""}}, "DescribeExecution")
        return {"status": self.status} | ({"error": self.error} if self.error else {})

    def redrive_execution(self, *, executionArn: str) -> None:  # noqa: N803
        if self.refusal:
            raise ClientError({"Error": {"Code": "ExecutionNotRedrivable", "Message": self.refusal}}, "Redrive")
        self.redriven = executionArn


@pytest.mark.parametrize("found", [Execution("ABORTED"), Execution("TIMED_OUT"), Execution("FAILED", error=HELD)])
def test_a_run_that_was_stopped_or_is_held_goes_on(platform: Platform, found: Execution) -> None:
    platform.cloud.__dict__["step_functions"] = found
    redrive_run(platform, "run-1")
    assert found.redriven.endswith(":run-1")


@pytest.mark.parametrize(
    ("execution", "line"),
    [
        (Execution(None), "there is no run run-1; `genomics status` lists them"),
        (Execution("FAILED"), "run run-1 has failed, which is an end that it reached: type the same `genomics run`"),
        (Execution("RUNNING", "it is RUNNING"), r"run run-1 cannot go on \(it is RUNNING\): type the same"),
    ],
)
def test_another_is_told_what_to_do(platform: Platform, execution: Execution, line: str) -> None:
    platform.cloud.__dict__["step_functions"] = execution
    with pytest.raises(UserError, match=line):
        redrive_run(platform, "run-1")
    assert execution.redriven == ""
