"""Runs of the lake's jobs that a command asks for."""

import json
import time

from botocore.exceptions import ClientError

from genomics.contracts.annotations import REQUEST_ARGUMENT
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError

_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.1, 5.0
_UNENDED = ("STARTING", "RUNNING", "STOPPING", "WAITING")


def check_loads(platform: Platform, request: str) -> str:
    """Have what a request (an s3:// URI) has loaded checked; what is wrong with it, in one line, if anything."""
    given = json.dumps({"request": request}).encode()
    answer = platform.cloud.functions.invoke(FunctionName=platform.deployment.check_load_function, Payload=given)
    said = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise UserError(f"what was loaded could not be checked: {said.get('errorMessage', 'no reason was given')}")
    return str(said["reason"])


def run_job(platform: Platform, job: str, request: str, *, name: str) -> None:
    """Have a job carry out a request (an s3:// URI) and wait for its end. UserError says what went wrong.

    `name` is what people call the job.
    """
    glue = platform.cloud.glue
    try:
        run_id = glue.start_job_run(JobName=job, Arguments={REQUEST_ARGUMENT: request})["JobRunId"]
    except ClientError as error:
        raise UserError(f"{name}: {error.response['Error']['Message']}") from error
    pause = _FIRST_POLL_SECONDS
    while (run := glue.get_job_run(JobName=job, RunId=run_id)["JobRun"])["JobRunState"] in _UNENDED:
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_POLL_SECONDS)
    if run["JobRunState"] != "SUCCEEDED":
        raise UserError(run.get("ErrorMessage") or f"the job ended {run['JobRunState']}")
