"""A run that nothing carries on any more is not shown as running."""

from collections.abc import Callable
from typing import Any

import pytest

from genomics.contracts.runs import State
from genomics_cli.cloud import Platform
from genomics_cli.interruptions import with_interruption, with_interruptions
from genomics_cli.run_ledger import list_runs, read_run

STOPPED = "the embedded AWS was stopped while the execution ran"
REASON = f"interrupted: {STOPPED}; type the same `genomics run` again; what is finished is not repeated"


class Execution:
    """Plays Step Functions with one execution."""

    def __init__(self, status: str) -> None:
        self.status = status

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        assert executionArn.endswith(":run-1")
        return {"status": self.status, "cause": STOPPED}


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [("ABORTED", State.FAILED, REASON), ("RUNNING", State.RUNNING, None), ("SUCCEEDED", State.RUNNING, None)],
)
def test_a_run_whose_execution_has_ended_without_a_word_was_interrupted(
    platform: Platform, record: Callable[..., None], status: str, state: State, reason: str | None
) -> None:
    platform.cloud.__dict__["step_functions"] = Execution(status)
    record("run", State.RUNNING)
    record("step#A#align#", State.RUNNING)
    record("step#A#fastp#", State.SUCCEEDED)
    (run,) = with_interruptions(platform, list_runs(platform))
    assert (run.state, run.reason) == (state, reason)
    view = with_interruption(platform, read_run(platform, "run-1"))
    assert view.run == run
    assert {step.step: step.entry.state for step in view.steps} == {"fastp": State.SUCCEEDED, "align": state}
