"""Glue's documentation: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html (API, "runs" below)."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import clients
from embedded_aws.context import Context
from embedded_aws.glue import service as glue
from embedded_aws.glue.runs import error_message
from tests.embedded_aws.event_bus import Bus

UNENDED = ("WAITING", "STARTING", "RUNNING", "STOPPING")


@dataclass(frozen=True)
class Cloud:
    context: Context
    role: str

    def client(self, service: str) -> Any:
        return clients.client(service)

    def put_script(self, text: str) -> str:
        name = f"script-{time.monotonic_ns()}.py"
        self.client("s3").put_object(Bucket="code", Key=name, Body=text.encode())
        return f"s3://code/{name}"

    def make_job(self, script: str, *, kind: str = "pythonshell", **properties: Any) -> str:
        name = f"job-{time.monotonic_ns()}"
        command = {"Name": kind, "ScriptLocation": self.put_script(script), "PythonVersion": "3"}
        self.client("glue").create_job(Name=name, Role=self.role, Command=command, **properties)
        return name

    def run(self, job: str, **parameters: Any) -> dict[str, Any]:
        """Start a run and wait for its end."""
        run_id = self.client("glue").start_job_run(JobName=job, **parameters)["JobRunId"]
        return self.wait(job, run_id)

    def wait(self, job: str, run_id: str, until: Callable[[str], bool] = lambda state: state not in UNENDED) -> Any:
        client = self.client("glue")
        for _ in range(1500):
            run = client.get_job_run(JobName=job, RunId=run_id)["JobRun"]
            if until(run["JobRunState"]):
                return run
            time.sleep(0.02)
        raise AssertionError(f"{job} does not end")

    def logged(self, group: str, stream: str) -> list[str]:
        events = self.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
        return [event["message"] for event in events]


@pytest.fixture(scope="module")
def cloud(services: Any) -> Cloud:
    cloud = Cloud(services.context, services.role("jobs"))
    cloud.client("s3").create_bucket(Bucket="code")
    return cloud


def test_a_script_gets_the_jobs_arguments_overridden_by_the_runs(cloud: Cloud) -> None:
    # runs: "You can specify arguments here that your own job-execution script consumes, as well as arguments that
    # Glue itself consumes. For this job run, they replace the default arguments set in the job definition itself."
    job = cloud.make_job(
        "import sys, json; print(json.dumps(sys.argv[1:]))",
        DefaultArguments={"--a": "1", "--b": "2", "--enable-metrics": "true", "--extra-py-files": ""},
    )
    run = cloud.run(job, Arguments={"--b": "3"})
    assert run["JobRunState"] == "SUCCEEDED"
    assert run["Arguments"] == {"--b": "3"}
    words = json.loads(cloud.logged("/aws-glue/jobs/output", run["Id"])[0])
    assert dict(zip(words[::2], words[1::2], strict=True)) == {
        "--a": "1", "--b": "3", "--JOB_NAME": job, "--JOB_ID": f"j_{job}", "--JOB_RUN_ID": run["Id"],
    }  # fmt: skip


def test_a_run_has_its_roles_credentials_and_nothing_of_the_operators(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATORS_SECRET", "x")
    job = cloud.make_job(
        "import os, boto3\nprint(boto3.client('sts').get_caller_identity()['Arn'], os.environ.get('OPERATORS_SECRET'))"
    )
    run = cloud.run(job)
    # The session's name as CloudTrail shows it for Glue jobs
    expected = f"arn:aws:sts::{cloud.context.account}:assumed-role/jobs/GlueJobRunnerSession None"
    assert cloud.logged("/aws-glue/jobs/output", run["Id"]) == [expected]


def test_extra_python_files_are_importable(cloud: Cloud) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("extra/__init__.py", "VALUE = 41\n")
    s3 = cloud.client("s3")
    s3.put_object(Bucket="code", Key="libraries/one.zip", Body=archive.getvalue())
    s3.put_object(Bucket="code", Key="libraries/another.py", Body=b"VALUE = 1\n")
    job = cloud.make_job(
        "import extra, another; print(extra.VALUE + another.VALUE)",
        DefaultArguments={"--extra-py-files": "s3://code/libraries/one.zip,s3://code/libraries/another.py"},
    )
    assert cloud.logged("/aws-glue/jobs/output", cloud.run(job)["Id"]) == ["42"]


def test_a_missing_additional_module_fails_the_run_by_name(cloud: Cloud) -> None:
    job = cloud.make_job("", DefaultArguments={"--additional-python-modules": "boto3==1.43.0,no-such-module==1.0"})
    run = cloud.run(job)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].endswith("no-such-module is not installed on this machine")


def test_an_exception_is_the_runs_error_message(cloud: Cloud) -> None:
    run = cloud.run(cloud.make_job("def f():\n    raise ValueError('no such contig')\nf()\n"))
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "ValueError: no such contig")
    assert run["CompletedOn"] >= run["StartedOn"]
    assert any("Traceback" in line for line in cloud.logged("/aws-glue/jobs/error", run["Id"]))


def test_the_end_of_a_run_is_told_on_the_bus(cloud: Cloud, bus: Bus) -> None:
    # EventBridge events reference, "AWS Glue Job State Change": jobName, severity, state, jobRunId, message
    good, bad = cloud.make_job("print('done')"), cloud.make_job("raise ValueError('no such contig')")
    inbox = bus.queue()
    bus.rule({"source": ["aws.glue"], "detail": {"jobName": [good, bad]}}, {"Arn": inbox.arn})
    runs = {job: cloud.run(job) for job in (good, bad)}
    told = {event["detail"]["jobName"]: event for event in inbox.bodies(2)}
    assert {event["detail-type"] for event in told.values()} == {"Glue Job State Change"}
    assert told[good]["detail"]["state"] == "SUCCEEDED"
    assert told[bad]["detail"] == {
        "jobName": bad,
        "severity": "ERROR",
        "state": "FAILED",
        "jobRunId": runs[bad]["Id"],
        "message": "ValueError: no such contig",
    }


def test_a_missing_script_fails_the_run(cloud: Cloud) -> None:
    job = cloud.make_job("")
    cloud.client("glue").create_job(
        Name=job, Role=cloud.role, Command={"Name": "glueetl", "ScriptLocation": "s3://code/none.py"}
    )
    run = cloud.run(job)
    assert run["JobRunState"] == "FAILED"
    assert "s3://code/none.py" in run["ErrorMessage"]


def test_a_missing_jar_fails_the_run_by_name(cloud: Cloud) -> None:
    job = cloud.make_job("", kind="glueetl", DefaultArguments={"--extra-jars": "s3://code/none.jar"})
    run = cloud.run(job)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith("LAUNCH ERROR | cannot download jar s3://code/none.jar: ")


def test_a_stopped_run_ends_with_all_its_processes(cloud: Cloud, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    job = cloud.make_job(
        "import subprocess, sys, time\n"
        f"subprocess.Popen(['sh', '-c', 'while true; do date > {mark}; sleep 0.05; done'])\n"
        "print('started', flush=True)\ntime.sleep(60)\n"
    )
    run_id = cloud.client("glue").start_job_run(JobName=job)["JobRunId"]
    cloud.wait(job, run_id, lambda state: state == "RUNNING" and mark.exists())
    answer = cloud.client("glue").batch_stop_job_run(JobName=job, JobRunIds=[run_id, "jr_unknown"])
    assert [item["JobRunId"] for item in answer["SuccessfulSubmissions"]] == [run_id]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "JobRunNotFoundException"
    assert cloud.wait(job, run_id)["JobRunState"] == "STOPPED"
    mark.unlink()
    time.sleep(0.15)
    assert not mark.exists()


def test_a_run_that_takes_too_long_times_out(cloud: Cloud) -> None:
    # runs: "Timeout: The JobRun timeout in minutes. This is the maximum time that a job run can consume resources
    # before it is terminated and enters TIMEOUT status."
    job = cloud.make_job("import time; time.sleep(60)")
    service = glue._INSTALLED[0]
    service._job(job).timeout = 0.01
    assert cloud.run(job)["JobRunState"] == "TIMEOUT"


def test_a_second_run_beyond_the_limit_is_refused(cloud: Cloud) -> None:
    # ExecutionProperty: "MaxConcurrentRuns: ... The default is 1. An error is returned when this threshold is reached."
    job = cloud.make_job("import time; time.sleep(60)")
    client = cloud.client("glue")
    run_id = client.start_job_run(JobName=job)["JobRunId"]
    with pytest.raises(ClientError) as refused:
        client.start_job_run(JobName=job)
    assert refused.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    client.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
    assert cloud.wait(job, run_id)["JobRunState"] == "STOPPED"


def test_runs_beyond_the_limit_wait_where_the_job_says_so(cloud: Cloud) -> None:
    # https://docs.aws.amazon.com/glue/latest/dg/job-run-statuses.html: "Jobs may enter the WAITING state if you opt
    # into AWS Glue job run queuing", among others when "Max concurrent job runs per job exceeded"
    job = cloud.make_job("import time; time.sleep(0.3)", JobRunQueuingEnabled=True)
    client = cloud.client("glue")
    runs = [client.start_job_run(JobName=job)["JobRunId"] for _ in range(3)]
    states = [client.get_job_run(JobName=job, RunId=run)["JobRun"]["JobRunState"] for run in runs]
    assert states[1:] == ["WAITING", "WAITING"]
    client.batch_stop_job_run(JobName=job, JobRunIds=runs[2:])
    assert [cloud.wait(job, run)["JobRunState"] for run in runs] == ["SUCCEEDED", "SUCCEEDED", "STOPPED"]


def test_an_updated_job_runs_as_it_is_now(cloud: Cloud) -> None:
    # UpdateJob: "The previous job definition is completely overwritten by this information."
    job = cloud.make_job("print('before')", DefaultArguments={"--a": "1"}, MaxRetries=2)
    command = {"Name": "pythonshell", "ScriptLocation": cloud.put_script("import sys; print(sys.argv[1])")}
    update = {"Role": cloud.role, "Command": command}
    cloud.client("glue").update_job(JobName=job, JobUpdate=update)
    run = cloud.run(job)
    assert cloud.logged("/aws-glue/jobs/output", run["Id"]) == ["--JOB_ID"]


def test_a_failed_run_is_tried_again_as_a_run_of_its_own(cloud: Cloud) -> None:
    # "MaxRetries: The maximum number of times to retry this job after a JobRun fails."
    # "Attempt: The number of the attempt to run this job."
    job = cloud.make_job(
        "import sys\nprint(sys.argv)\nif '_attempt_2' not in sys.argv[-3]:\n    sys.exit('not yet')\n", MaxRetries=3
    )
    first = cloud.run(job)
    assert (first["JobRunState"], first["ErrorMessage"]) == ("FAILED", "not yet")
    last = cloud.wait(job, first["Id"] + "_attempt_1", lambda state: state == "FAILED")
    last = cloud.wait(job, first["Id"] + "_attempt_2", lambda state: state == "SUCCEEDED")
    assert (last["Attempt"], last["PreviousRunId"]) == (2, first["Id"] + "_attempt_1")
    pages = cloud.client("glue").get_paginator("get_job_runs").paginate(JobName=job, PaginationConfig={"PageSize": 2})
    assert [run["Attempt"] for page in pages for run in page["JobRuns"]] == [2, 1, 0]


def test_unknown_jobs_and_runs_are_not_found(cloud: Cloud) -> None:
    client = cloud.client("glue")
    job = cloud.make_job("")
    for call in (
        lambda: client.start_job_run(JobName="none"),
        lambda: client.get_job_run(JobName=job, RunId="jr_none"),
        lambda: client.get_job_runs(JobName="none"),
    ):
        with pytest.raises(ClientError) as missing:
            call()
        assert missing.value.response["Error"]["Code"] == "EntityNotFoundException"


def test_a_spark_job_runs_tasks_in_python_workers(cloud: Cloud) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("doubling/__init__.py", "def double(x):\n    return 2 * x\n")
    cloud.client("s3").put_object(Bucket="code", Key="doubling.zip", Body=archive.getvalue())
    job = cloud.make_job(
        "import os, sys\n"
        "from pyspark.sql import SparkSession\n"
        "import doubling\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "numbers = spark.sparkContext.parallelize(range(10), 2)\n"
        "settings = [spark.conf.get(name) for name in ('spark.master', 'spark.sql.ansi.enabled')]\n"
        "print(numbers.map(doubling.double).sum(), *settings)\n"
        "print(numbers.map(lambda _: os.environ['AWS_ENDPOINT_URL']).first())\n"
        "print('to the error log', file=sys.stderr)\n"
        "spark.stop()\n",
        kind="glueetl",
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        DefaultArguments={"--extra-py-files": "s3://code/doubling.zip", "--conf": "spark.sql.ansi.enabled=true"},
    )
    run = cloud.run(job)
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    lines = cloud.logged("/aws-glue/jobs/output", run["Id"])
    assert lines[0].startswith("90 local[")
    assert lines[0].endswith("] true")
    assert lines[1] == cloud.context.endpoint
    assert "to the error log" in cloud.logged("/aws-glue/jobs/error", run["Id"])
    # runs: "If the job uses Glue 5.0 or later the default timeout is 480 minutes"
    assert (run["Timeout"], run["GlueVersion"], run["NumberOfWorkers"]) == (480, "5.1", 2)


def test_partitions_come_in_pages_with_or_without_their_columns(cloud: Cloud) -> None:
    # GetPartitions: MaxResults; "ExcludeColumnSchema: When true, specifies not returning the partition column schema"
    client = cloud.client("glue")
    client.create_database(DatabaseInput={"Name": "paged"})
    descriptor = {"Columns": [{"Name": "n", "Type": "bigint"}], "Location": "s3://code/t/"}
    keys = [{"Name": "day", "Type": "string"}]
    table = {"Name": "t", "PartitionKeys": keys, "StorageDescriptor": descriptor}
    client.create_table(DatabaseName="paged", TableInput=table)
    for day in ("1", "2", "3"):
        partition = {"Values": [day], "StorageDescriptor": descriptor}
        client.create_partition(DatabaseName="paged", TableName="t", PartitionInput=partition)
    first = client.get_partitions(DatabaseName="paged", TableName="t", MaxResults=2)
    assert [one["Values"] for one in first["Partitions"]] == [["1"], ["2"]]
    assert first["Partitions"][0]["StorageDescriptor"]["Columns"] == descriptor["Columns"]
    pages = client.get_paginator("get_partitions").paginate(
        DatabaseName="paged", TableName="t", ExcludeColumnSchema=True, PaginationConfig={"PageSize": 2}
    )
    found = [one for page in pages for one in page["Partitions"]]
    assert [one["Values"] for one in found] == [["1"], ["2"], ["3"]]
    assert "Columns" not in found[0]["StorageDescriptor"]
    chosen = client.get_partitions(DatabaseName="paged", TableName="t", Expression="day = '2'")["Partitions"]
    assert [one["Values"] for one in chosen] == [["2"]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Traceback (most recent call last):", '  File "x"', "    f()", "KeyError: 'DP'"], "KeyError: 'DP'"),
        (["usage: job", "job: error: the following arguments are required: --request"],
         "job: error: the following arguments are required: --request"),
        (["org.apache.spark.api.python.PythonException: Traceback (most recent call last):", '  File "w.py"',
          "ValueError: bad block", "", "\tat org.apache.spark.X", "Driver stacktrace:"], "ValueError: bad block"),
        ([], "Command failed with exit code 3"),
    ],
)  # fmt: skip
def test_the_error_message_is_one_meaningful_line(lines: list[str], message: str) -> None:
    assert error_message(lines, 3) == message
