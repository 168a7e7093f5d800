"""The containers' command line, as AWS Batch starts it: a process, its environment, its exit code, its last line."""

import gzip
import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps, loads
from genomics.contracts.environment import ToolEnvironment
from genomics.contracts.ledger import LedgerEntry, from_item, step_item
from genomics.contracts.runs import State
from genomics.contracts.steps import Step, StepRecord, Task, TaskInput
from tests.waiting import until

ROOT = Path(__file__).parents[3]
FINGERPRINT = "c" * 64
BUCKET = "steps-bucket"
REGION = "us-east-1"


@dataclass
class Account:
    """An AWS of one's own, reached over HTTP, and a place to run containers."""

    client: dict[str, str]
    environment: dict[str, str]
    directory: Path

    def start(self, tool: str, task: Task, *, attempt: int = 1, path: str = "") -> subprocess.Popen[str]:
        key = object_keys.task(task.run_id, task.sample, task.step, task.part)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=dumps(task).encode())
        environment = {
            **self.environment,
            "AWS_BATCH_JOB_ATTEMPT": str(attempt),
            "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"],
        }
        command = [sys.executable, "-m", f"batch_tools.{tool}.cli", "--task", object_keys.uri(BUCKET, key)]
        return subprocess.Popen(command, env=environment, cwd=self.directory, stderr=subprocess.PIPE, text=True)

    @property
    def s3(self):
        return boto3.client("s3", **self.client)

    def keys(self, prefix: str) -> set[str]:
        return {item["Key"] for item in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])}

    def entry(self, task: Task) -> LedgerEntry:
        key = {"run_id": {"S": task.run_id}, "item": {"S": step_item(task.sample, task.step, task.part)}}
        return from_item(boto3.client("dynamodb", **self.client).get_item(TableName="ledger", Key=key)["Item"])

    @property
    def scratch(self) -> Path:
        return self.directory / "scratch"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def account(endpoint: str, tmp_path: Path, create_account) -> Iterator[Account]:
    credentials = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = {"endpoint_url": endpoint, "region_name": REGION, **credentials}
    create_account(**client)
    variables = ToolEnvironment(
        "image-1", 2, 1024, "ledger", str(tmp_path / "references"), str(tmp_path / "scratch"), "fs-1"
    ).variables()
    environment = {
        **variables,
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_BATCH_JOB_ID": "job-1",
        "HOME": str(tmp_path),
    }
    yield Account(client, environment, tmp_path)
    reset = subprocess.run(["curl", "-s", "-X", "POST", f"{endpoint}/moto-api/reset"], capture_output=True, check=False)
    assert reset.returncode == 0


@pytest.fixture
def task(account: Account, simulation) -> Task:
    """Trim the simulated lane."""
    inputs = {}
    for name, path in (("reads_1", simulation.reads_1), ("reads_2", simulation.reads_2)):
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        key = object_keys.reads(checksum, path.name)
        account.s3.upload_file(Filename=str(path), Bucket=BUCKET, Key=key)
        inputs[name] = (TaskInput(object_keys.uri(BUCKET, key), checksum, path.stat().st_size),)
    outputs = object_keys.step_outputs(Step.FASTP, FINGERPRINT, "sim1")
    return Task(
        run_id="run1",
        sample="sim1",
        step=Step.FASTP,
        part="L1",
        fingerprint=FINGERPRINT,
        inputs=inputs,
        outputs={name: object_keys.uri(BUCKET, key) for name, key in outputs.items()},
        record=object_keys.uri(BUCKET, object_keys.step_record(Step.FASTP, FINGERPRINT)),
        parameters={"minimum_length": 30, "minimum_base_quality": 15},
        reason="no earlier result",
    )


@pytest.fixture
def program(tmp_path: Path):
    """A directory for PATH in which `name` is a script; asked for its version, it answers."""

    def make(name: str, script: str) -> str:
        directory = tmp_path / "programs"
        directory.mkdir()
        path = directory / name
        path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {name} 9.9 && exit\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(directory)

    return make


def test_a_task_is_done_and_its_record_says_how(account, task, simulation):
    process = account.start("fastp", task)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    body = account.s3.get_object(Bucket=BUCKET, Key=object_keys.step_record(Step.FASTP, FINGERPRINT))["Body"].read()
    record = loads(StepRecord, body)
    assert record.metrics["reads_in"] == 2 * simulation.pairs
    assert record.tool_versions["fastp"].startswith("0.")
    assert (record.job_id, record.attempt, record.image) == ("job-1", 1, "image-1")
    assert account.entry(task).state is State.SUCCEEDED
    again = account.start("fastp", task, attempt=2)
    assert "nothing to do: outputs are there already" in again.communicate(timeout=120)[1]
    assert again.returncode == 0


def test_the_last_line_says_what_is_wrong_with_the_input(account, task, simulation):
    packed = simulation.reads_2.read_bytes()
    body = gzip.compress(gzip.decompress(packed)[:-10])
    key = object_keys.reads("0" * 64, "sim1_R2.fastq.gz")
    account.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    broken = TaskInput(object_keys.uri(BUCKET, key), hashlib.sha256(body).hexdigest(), len(body))
    process = account.start("fastp", replace(task, inputs={**task.inputs, "reads_2": (broken,)}))
    _, log = process.communicate(timeout=120)
    line = (
        f"sim1_R2.fastq.gz line {4 * simulation.pairs - 3}: truncated record; replace the file and start the run again"
    )
    assert (process.returncode, log.splitlines()[-1]) == (1, line)
    assert (account.entry(task).state, account.entry(task).reason) == (State.FAILED, line)
    assert account.keys("steps/") == set()


def test_sigterm_cleans_up_and_the_next_attempt_succeeds(account, task, program):
    sleeping = program("fastp", f"touch {account.directory}/begun; exec sleep 60")
    process = account.start("fastp", task, path=sleeping)
    until((account.directory / "begun").exists)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 143
    assert log.splitlines()[-1] == "fastp was told to stop (SIGTERM) and has cleaned up"
    assert list(account.scratch.iterdir()) == []
    assert account.keys("steps/") | account.keys(object_keys.PARTIAL) == set()
    assert account.entry(task).state is State.RUNNING
    second = account.start("fastp", task, attempt=2)
    second.communicate(timeout=120)
    assert second.returncode == 0
    assert (account.entry(task).state, account.entry(task).attempt) == (State.SUCCEEDED, 2)


def test_a_program_killed_from_outside_gives_an_exit_code_that_batch_retries(account, task, program):
    process = account.start("fastp", task, path=program("fastp", "kill -9 $$"))
    _, log = process.communicate(timeout=60)
    assert process.returncode == 137
    assert log.splitlines()[-1] == "fastp was killed by SIGKILL (out of memory, or stopped from outside)"
    assert (account.entry(task).state, account.entry(task).exit_code) == (State.FAILED, 137)


def test_a_reference_that_is_not_prepared_says_what_to_do(account, task, trimmed):
    key, body = "steps/call_variants/x/sim1.bam", b"bam"
    account.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    given = (TaskInput(object_keys.uri(BUCKET, key), hashlib.sha256(body).hexdigest(), len(body)),)
    align = replace(
        task, step=Step.ALIGN, part="", inputs={"reads_1": given, "reads_2": given}, lanes=("L1",), reference="d" * 64
    )
    process = account.start("align", replace(align, parameters={"minimum_score": 30}))
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    place = account.directory / "references"
    assert log.splitlines()[-1] == (
        f"reference {'d' * 64} is not prepared below {place};"
        f" delete steps/prepare_reference/{'d' * 64}/record.json if it is there, and start the run again"
    )


def test_a_task_that_is_not_there_or_not_a_task_is_said_in_one_line(account):
    for body, line in ((None, "is not there"), (b"{}", "missing field 'run_id'")):
        if body:
            account.s3.put_object(Bucket=BUCKET, Key="task.json", Body=body)
        command = [sys.executable, "-m", "batch_tools.gather_variants.cli", "--task", f"s3://{BUCKET}/task.json"]
        done = subprocess.run(
            command, env=account.environment | {"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert line in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("tool", ["prepare_reference", "fastp", "align", "call_variants", "gather_variants"])
def test_every_tool_has_the_same_command_line(tool, account):
    command = [sys.executable, "-m", f"batch_tools.{tool}.cli", "--help"]
    done = subprocess.run(command, env=account.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "--task URI" in done.stdout
