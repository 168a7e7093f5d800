from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from genomics.contracts import object_keys
from genomics.contracts.ledger import RUN, LedgerEntry
from genomics.contracts.runs import State
from genomics.contracts.steps import Step
from lambdas.secondary import record_failure, record_run_failure

if TYPE_CHECKING:
    from conftest import Planned, Platform

GROUP = "/tools/log"
STREAM = "tool/default/0123"


@dataclass
class Run:
    """A planned run of one sample in which something fails."""

    platform: Platform
    planned: Planned

    def fail(self, error: dict[str, str], sample: str = "S1") -> str:
        event = {**self.planned.samples["S1"], "sample": sample, "error": error}
        answer = record_failure.handler(event, None)
        assert (answer["sample"], answer["state"]) == (sample, "FAILED")
        entry = self.platform.ledger.get("run-1", f"sample#{sample}")
        assert entry is not None
        assert (entry.state, entry.reason) == (State.FAILED, answer["reason"])
        return answer["reason"]

    def entry(self, item: str) -> LedgerEntry:
        entry = self.platform.ledger.get("run-1", item)
        assert entry is not None
        return entry

    def set(self, item: str, state: State, **fields: Any) -> None:
        self.platform.ledger.update(LedgerEntry("run-1", item, state, **fields))

    def log(self, *lines: str) -> None:
        logs = boto3.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
        now = int(time.time() * 1000)
        events = [{"timestamp": now + i, "message": line} for i, line in enumerate(lines)]
        logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)


def failed_job(
    step: Step, part: str = "", *, sample: str = "S1", exit_code: int | None = 2, **changes: Any
) -> dict[str, str]:
    container: dict[str, Any] = {
        "LogStreamName": STREAM,
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": GROUP}},
    }
    if exit_code is not None:
        container["ExitCode"] = exit_code
    job = {
        "Attempts": [{"Container": container, "StatusReason": "Essential container in task exited"}],
        "Container": container,
        "JobId": "job-7",
        "JobName": f"{step}-{sample}",
        "JobQueue": "queue",
        "Parameters": {"task": object_keys.uri("sequencing", object_keys.task("run-1", sample, step, part))},
        "Status": "FAILED",
        "StatusReason": "Essential container in task exited",
    }
    return {"Error": "States.TaskFailed", "Cause": json.dumps(job | changes)}


@pytest.fixture
def run(platform: Platform) -> Run:
    platform.start("run-1")
    planned = platform.plan(platform.request("run-1", {"S1": {"L001": "a"}}), complete=False)
    return Run(platform, planned)


def test_the_tools_own_reason_is_told(run: Run) -> None:
    run.set("step#S1#align#", State.FAILED, reason="reads_1 of lane L001 is truncated", exit_code=2)
    line = run.fail(failed_job(Step.ALIGN))
    assert line == f"S1: align failed with exit code 2: reads_1 of lane L001 is truncated (log {GROUP}:{STREAM})"
    entry = run.entry("step#S1#align#")
    assert (entry.state, entry.reason) == (State.FAILED, "reads_1 of lane L001 is truncated")
    assert (entry.job_id, entry.log_stream, entry.exit_code) == ("job-7", STREAM, 2)


def test_why_a_step_ran_is_not_taken_for_why_it_failed(run: Run) -> None:
    run.set("step#S1#align#", State.RUNNING)
    run.log("starting", "bwa: cannot open index", "  ")
    assert run.fail(failed_job(Step.ALIGN)) == (
        f"S1: align failed with exit code 2: bwa: cannot open index (log {GROUP}:{STREAM})"
    )


def test_without_reason_and_log_batchs_own_words_are_told(run: Run) -> None:
    assert run.fail(failed_job(Step.ALIGN)) == (
        f"S1: align failed with exit code 2: Essential container in task exited (log {GROUP}:{STREAM})"
    )


def test_a_killed_job_says_so(run: Run) -> None:
    run.log("half a line of out")
    assert run.fail(failed_job(Step.CALL_VARIANTS, "chr2:1-3000", exit_code=137)) == (
        "S1: call_variants chr2:1-3000 failed with exit code 137: killed (137), probably out of memory"
        f" (log {GROUP}:{STREAM})"
    )


def test_a_job_that_never_started_has_neither_exit_code_nor_log(run: Run) -> None:
    error = failed_job(
        Step.FASTP,
        "L001",
        Attempts=[],
        Container={},
        StatusReason="CannotPullContainerError: image not found",
    )
    assert run.fail(error) == "S1: fastp L001 failed: CannotPullContainerError: image not found"


def test_a_job_of_an_unknown_task_is_named_by_its_job(run: Run) -> None:
    line = run.fail(failed_job(Step.ALIGN, Parameters={}))
    assert line.startswith("S1: align-S1 failed with exit code 2: ")


def test_steps_that_a_failure_has_kept_from_running_are_ended(run: Run) -> None:
    run.set("step#S1#fastp#L001", State.SUCCEEDED)
    run.set("step#S1#align#", State.SUCCEEDED)
    run.set("step#S1#call_variants#chr2:1-3000", State.RUNNING)
    run.fail(failed_job(Step.CALL_VARIANTS, "chr1:1-5000"))
    ended = {entry.item: (entry.state, entry.reason) for entry in run.platform.ledger.find("run-1", "step#S1")}
    assert ended["step#S1#align#"][0] is State.SUCCEEDED
    assert ended["step#S1#call_variants#chr2:1-3000"] == (
        State.FAILED,
        "stopped: call_variants chr1:1-5000 failed",
    )
    assert ended["step#S1#gather_variants#"] == (State.SKIPPED, "not reached: call_variants chr1:1-5000 failed")


def test_a_timeout_is_told_of_the_step_that_was_running(run: Run) -> None:
    run.set("step#S1#fastp#L001", State.SUCCEEDED)
    run.set("step#S1#align#", State.RUNNING)
    assert run.fail({"Error": "States.Timeout"}) == "S1: align failed: timed out"
    assert run.entry("step#S1#align#").state is State.FAILED


def test_a_timeout_in_the_queue_is_told_of_the_step_that_waited(run: Run) -> None:
    assert run.fail({"Error": "States.Timeout"}) == "S1: fastp L001 failed: timed out before it began"


def test_a_functions_error_is_told_in_its_words(run: Run) -> None:
    cause = {"errorMessage": "s3://sequencing/runs/run-1/plan.json is not there", "errorType": "ContractError"}
    assert run.fail({"Error": "ContractError", "Cause": json.dumps(cause)}) == (
        "S1: s3://sequencing/runs/run-1/plan.json is not there"
    )


def test_a_cause_that_says_nothing_is_explained_by_the_ledger(run: Run) -> None:
    run.set("step#S1#align#", State.FAILED, reason="disk is full", exit_code=4)
    assert run.fail({"Error": "States.TaskFailed"}) == "S1: align failed with exit code 4: disk is full"


def test_any_other_error_is_told_as_it_is(run: Run) -> None:
    assert run.fail({"Error": "States.DataLimitExceeded", "Cause": "too large"}) == (
        "S1: States.DataLimitExceeded: too large"
    )


def test_a_failed_reference_ends_the_run_with_its_samples(run: Run) -> None:
    error = failed_job(Step.PREPARE_REFERENCE, sample="")
    run.set("step##prepare_reference#", State.FAILED, reason="ref.fa:7 is not a base")
    answer = record_run_failure.handler({"run_id": "run-1", "study": "study", "error": error}, None)
    line = f"reference: prepare_reference failed with exit code 2: ref.fa:7 is not a base (log {GROUP}:{STREAM})"
    assert answer == {"run_id": "run-1", "line": line}
    entry = run.entry(RUN)
    assert (entry.state, entry.reason) == (State.FAILED, line)
    assert entry.finished_at is not None
    assert (entry.seconds or 0) > 0
    assert run.entry("sample#S1").reason == f"the run failed: {line}"


def test_a_region_off_the_reference_ends_the_run_with_its_name(run: Run) -> None:
    cause = {"errorMessage": "chr9:1-5: the reference has no contig 'chr9' (chr1, ...)", "errorType": "RegionError"}
    error = {"Error": "RegionError", "Cause": json.dumps(cause)}
    answer = record_run_failure.handler({"run_id": "run-1", "error": error}, None)
    assert answer["line"] == cause["errorMessage"]
