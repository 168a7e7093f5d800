from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.failures import LONGEST_LINE, Caught, failure_line, one_line


def job(**changes: Any) -> dict[str, Any]:
    """A failed job as Step Functions gives it in a Cause: AWS Batch's description, in PascalCase."""
    container = {
        "Command": ["--task", "Ref::task"],
        "Environment": [],
        "ExitCode": 2,
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "/tools/align"}, "SecretOptions": []},
        "LogStreamName": "align/default/0123",
        "Vcpus": 1,
    }
    attempt = {
        "Container": {"ExitCode": 2, "LogStreamName": "align/default/0123", "NetworkInterfaces": []},
        "StartedAt": 1765040596993,
        "StatusReason": "Essential container in task exited",
        "StoppedAt": 1765040671155,
    }
    return {
        "Attempts": [attempt],
        "Container": container,
        "JobDefinition": "arn:aws:batch:us-east-1:123456789012:job-definition/align:1",
        "JobId": "f6f1",
        "JobName": "align-S1",
        "JobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/spot",
        "Parameters": {"task": "s3://sequencing/runs/run-1/tasks/S1/align.json"},
        "Status": "FAILED",
        "StatusReason": "Essential container in task exited",
    } | changes


def attempt(reason: str, **container: Any) -> dict[str, Any]:
    return {"Container": {"LogStreamName": "align/default/0123", **container}, "StatusReason": reason}


def caught(description: dict[str, Any]) -> Caught:
    return Caught.read({"Error": "States.TaskFailed", "Cause": json.dumps(description)})


def camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: camel(item) for name, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("description", [job(), camel(job())])
def test_a_jobs_description_is_read_however_its_fields_are_spelled(description: dict[str, Any]) -> None:
    failure = caught(description).job
    assert failure is not None
    assert failure.task == "s3://sequencing/runs/run-1/tasks/S1/align.json"
    assert (failure.job_id, failure.name, failure.attempts) == ("f6f1", "align-S1", 1)
    assert failure.exit_code == 2
    assert (failure.log_group, failure.log_stream) == ("/tools/align", "align/default/0123")
    assert failure.service_reason == ""


@pytest.mark.parametrize(
    ("attempts", "reason"),
    [
        (
            [attempt("Essential container in task exited", ExitCode=137, Reason="OutOfMemoryError: Container killed")],
            "OutOfMemoryError: Container killed",
        ),
        ([attempt("Essential container in task exited", ExitCode=137)], "killed (137), probably out of memory"),
        (
            [attempt("Host EC2 (instance i-0737c70432d64f82a) terminated.")],
            "the job's host was taken away (Host EC2 (instance i-0737c70432d64f82a) terminated)",
        ),
        (
            [attempt("Task failed to start", Reason="CannotPullContainerError: pull image manifest has been retried")],
            "CannotPullContainerError: pull image manifest has been retried",
        ),
        ([attempt("Job attempt duration exceeded timeout")], "Job attempt duration exceeded timeout"),
        # The tool was told to stop, did so, and cannot know why.
        ([attempt("Job attempt duration exceeded timeout", ExitCode=143)], "Job attempt duration exceeded timeout"),
        ([attempt("Essential container in task exited", ExitCode=143)], ""),
        ([], "Job Queue was deleted"),
    ],
)
def test_what_batch_itself_gives_as_the_reason(attempts: list[dict[str, Any]], reason: str) -> None:
    container = {"LogStreamName": "align/default/0123"}
    failure = caught(job(Attempts=attempts, Container=container, StatusReason="Job Queue was deleted")).job
    assert failure is not None
    assert failure.service_reason == reason


def test_the_last_attempt_counts() -> None:
    attempts = [attempt("Host EC2 (instance i-1) terminated."), attempt("Essential container exited", ExitCode=3)]
    failure = caught(job(Attempts=attempts)).job
    assert failure is not None
    assert (failure.exit_code, failure.attempts, failure.service_reason) == (3, 2, "")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"Error": "RegionError", "Cause": '{"errorMessage": "chr9: no such contig", "errorType": "RegionError"}'},) * 1
        + ("chr9: no such contig",),
        ({"Error": "States.Timeout"}, "timed out"),
        ({"Error": "States.HeartbeatTimeout", "Cause": ""}, "timed out"),
        (
            {"Error": "Batch.ClientException", "Cause": "JobDefinition not found"},
            "Batch.ClientException: JobDefinition not found",
        ),
        ({"Error": "States.Runtime", "Cause": "first line\nsecond line"}, "States.Runtime: first line"),
        ({}, ""),
        (None, ""),
    ],
)
def test_other_errors_become_one_line(error: dict[str, str] | None, message: str) -> None:
    found = Caught.read(error)
    assert found.job is None
    assert found.message == message


def test_a_failed_glue_job_names_its_run_and_message() -> None:
    cause = {"Id": "jr_1", "JobName": "variants", "JobRunState": "FAILED", "ErrorMessage": "VcfError: line 3 is short"}
    found = caught(cause)
    assert (found.glue_job_run, found.message) == ("jr_1", "VcfError: line 3 is short")
    assert caught(job()).glue_job_run == ""


def test_the_line_names_sample_step_part_exit_code_and_log() -> None:
    line = failure_line(
        sample="S1",
        step="call_variants",
        part="chr1:1-5000",
        exit_code=2,
        reason="bcftools: no space left\non device",
        log_group="/tools/call",
        log_stream="call/1",
    )
    assert line == (
        "S1: call_variants chr1:1-5000 failed with exit code 2: bcftools: no space left (log /tools/call:call/1)"
    )


def test_the_line_leaves_out_what_is_not_known() -> None:
    assert failure_line(sample="", step="prepare_reference") == (
        "reference: prepare_reference failed: no reason was given"
    )


def test_long_texts_are_cut() -> None:
    assert one_line("\n  a \t b\nc") == "a b"
    assert len(one_line("x" * 10_000)) == LONGEST_LINE
