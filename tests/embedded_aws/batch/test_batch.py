"""AWS Batch as its User Guide and API Reference describe it."""

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.batch import models as batch_models

from embedded_aws import faults, file_systems
from embedded_aws.batch import service as batch
from embedded_aws.batch.machines import Machine
from embedded_aws.launcher import read_only

SECONDS = 90.0


@dataclass
class Queue:
    """A job queue and an image of a shell; `submit` and `run` take SubmitJob's own parameters."""

    services: Any
    name: str
    image: str
    role: str
    definitions: int = 0
    containers: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        return self.services.client("batch")

    def define(self, script: str, *, container: Mapping[str, Any] | None = None, **definition: Any) -> str:
        self.definitions += 1
        properties = {
            "image": self.image,
            "jobRoleArn": self.role,
            "command": ["/bin/sh", "-c", script],
            "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "64"}],
            **(container or {}),
        }
        answer = self.client.register_job_definition(
            jobDefinitionName=f"{self.name}-{self.definitions}",
            type="container",
            containerProperties=properties,
            **definition,
        )
        return str(answer["jobDefinitionArn"])

    def submit(self, definition: str, **parameters: Any) -> str:
        answer = self.client.submit_job(
            **{"jobName": "job", "jobQueue": self.name, "jobDefinition": definition, **parameters}
        )
        return str(answer["jobId"])

    def describe(self, job: str) -> dict[str, Any]:
        detail: dict[str, Any] = self.client.describe_jobs(jobs=[job])["jobs"][0]
        return detail

    def ended(self, job: str) -> dict[str, Any]:
        assert batch.wait(job, SECONDS), f"{job} has not ended"
        return self.describe(job)

    def run(self, definition: str, **parameters: Any) -> dict[str, Any]:
        return self.ended(self.submit(definition, **parameters))

    def until(self, job: str, status: str) -> None:
        deadline = time.monotonic() + SECONDS
        while self.describe(job)["status"] != status:
            assert time.monotonic() < deadline, f"{job} is {self.describe(job)['status']}, not {status}"
            time.sleep(0.01)

    def log(self, job: Mapping[str, Any], group: str = batch.DEFAULT_LOG_GROUP) -> list[str]:
        lines: list[str] = self.services.log_lines(group, job["container"]["logStreamName"])
        return lines


@pytest.fixture(scope="module")
def environment(services: Any) -> str:
    services.role("AWSBatchServiceRole")
    answer = services.client("batch").create_compute_environment(
        computeEnvironmentName="machine",
        type="UNMANAGED",
        state="ENABLED",
        serviceRole=f"arn:aws:iam::{services.context.account}:role/AWSBatchServiceRole",
    )
    return str(answer["computeEnvironmentArn"])


@pytest.fixture(scope="module")
def queue(services: Any, environment: str, tmp_path_factory: pytest.TempPathFactory) -> Queue:
    return make_queue(services, environment, "work", 10, tmp_path_factory.mktemp("code"))


def make_queue(services: Any, environment: str, name: str, priority: int, code: Path) -> Queue:
    services.client("batch").create_job_queue(
        jobQueueName=name,
        priority=priority,
        state="ENABLED",
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    (code / "module.py").write_text("import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd()]))\n")
    image = services.image(f"registry/{name}:1", code, "FROM scratch\nWORKDIR /app\nENV FROM_IMAGE=yes\nCOPY . .\n")
    return Queue(services, name, image, services.role(f"{name}-job"))


def test_a_job_succeeds_and_is_described_as_batch_describes_it(queue: Queue) -> None:
    job = queue.run(queue.define("echo hello"))
    assert (job["status"], job["statusReason"]) == ("SUCCEEDED", "Essential container in task exited")
    assert job["container"]["exitCode"] == 0
    assert job["createdAt"] <= job["startedAt"] <= job["stoppedAt"]
    [attempt] = job["attempts"]
    assert attempt["container"]["logStreamName"] == job["container"]["logStreamName"]
    assert job["jobArn"] == f"arn:aws:batch:us-east-1:123456789012:job/{job['jobId']}"


def test_logs_are_in_the_default_group_under_definition_and_task(queue: Queue) -> None:
    # AWS Batch User Guide, "Using the awslogs log driver": jobDefinitionName/default/ecs_task_id in /aws/batch/job.
    job = queue.run(queue.define("echo one; echo two >&2"))
    name, default, task = job["container"]["logStreamName"].split("/")
    assert (name, default) == (f"work-{queue.definitions}", "default")
    assert job["attempts"][0]["container"]["taskArn"].endswith(task)
    assert queue.log(job) == ["one", "two"]


def test_logs_go_to_the_group_that_the_job_definition_names(queue: Queue) -> None:
    options = {"awslogs-group": "/tools/align", "awslogs-stream-prefix": "align", "awslogs-region": "us-east-1"}
    container = {"logConfiguration": {"logDriver": "awslogs", "options": options}}
    definition = queue.define("echo here", container=container)
    refused = queue.run(definition)
    assert "The specified log group does not exist." in refused["attempts"][0]["container"]["reason"]
    queue.services.client("logs").create_log_group(logGroupName="/tools/align")
    job = queue.run(definition)
    assert job["container"]["logStreamName"].startswith("align/default/")
    assert queue.log(job, "/tools/align") == ["here"]


def test_logs_can_be_read_while_the_job_runs(queue: Queue) -> None:
    job = queue.submit(queue.define("echo early; sleep 60"))
    queue.until(job, "RUNNING")
    deadline = time.monotonic() + SECONDS
    while queue.log(queue.describe(job)) != ["early"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stream = queue.describe(job)["container"]["logStreamName"]
    found = queue.services.client("logs").filter_log_events(
        logGroupName=batch.DEFAULT_LOG_GROUP, logStreamNames=[stream], filterPattern="early"
    )
    assert [event["message"] for event in found["events"]] == ["early"]
    queue.client.terminate_job(jobId=job, reason="seen enough")
    assert queue.ended(job)["statusReason"] == "seen enough"


def test_parameters_replace_placeholders_and_override_the_definition_s_defaults(queue: Queue) -> None:
    # AWS Batch User Guide, "Parameters": those of the submission take precedence over the defaults of the definition.
    definition = queue.define(
        "", container={"command": ["echo", "Ref::codec", "Ref::input", "Ref::unknown", "in=Ref::input.gz"]},
        parameters={"codec": "mp4", "input": "default"},
    )  # fmt: skip
    job = queue.run(definition, parameters={"input": "s3://bucket/key"})
    assert queue.log(job) == ["mp4 s3://bucket/key Ref::unknown in=s3://bucket/key.gz"]
    assert job["parameters"] == {"codec": "mp4", "input": "s3://bucket/key"}


def test_container_overrides_replace_the_command_and_add_to_the_environment(queue: Queue) -> None:
    definition = queue.define(
        "exit 1", container={"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    )
    job = queue.run(
        definition,
        containerOverrides={
            "command": ["/bin/sh", "-c", "echo $A $B $C $FROM_IMAGE"],
            "environment": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
            "resourceRequirements": [{"type": "MEMORY", "value": "128"}],
        },
    )
    assert queue.log(job) == ["1 3 4 yes"]
    needs = {item["type"]: item["value"] for item in job["container"]["resourceRequirements"]}
    assert needs == {"VCPU": "0.25", "MEMORY": "128"}


def test_batch_s_own_variables_are_set(queue: Queue) -> None:
    # AWS Batch User Guide, "Job environment variables"
    job = queue.run(queue.define("echo $AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ATTEMPT $AWS_BATCH_JQ_NAME $AWS_BATCH_CE_NAME"))
    assert queue.log(job) == [f"{job['jobId']} 1 work machine"]


def test_a_job_calls_aws_as_its_own_role(queue: Queue) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    job = queue.run(queue.define("", container={"command": ["python3", "-c", code]}))
    [arn] = queue.log(job)
    assert arn.startswith("arn:aws:sts::123456789012:assumed-role/work-job/")


def test_the_image_s_code_can_be_imported_and_the_working_directory_is_the_attempt_s_own(queue: Queue) -> None:
    job = queue.run(queue.define("", container={"command": ["python3", "-m", "module", "/app/module.py", "/other"]}))
    arguments, working_directory = json.loads(queue.log(job)[0])
    # A path in the image is the path of what plays it.
    assert [Path(arguments[0]).exists(), arguments[1]] == [True, "/other"]
    assert not Path(working_directory).exists()


def test_only_what_is_in_the_image_can_be_imported(queue: Queue) -> None:
    job = queue.run(queue.define("", container={"command": ["python3", "-c", "import boto3, module, embedded_aws"]}))
    assert job["container"]["exitCode"] == 1
    assert "ModuleNotFoundError: No module named 'embedded_aws'" in queue.log(job)


def test_paths_below_mounts_are_those_of_the_volumes(queue: Queue) -> None:
    volumes = [
        {"name": "references", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678", "rootDirectory": "/genomes"}},
        {"name": "scratch", "host": {}},
        {"name": "kept", "host": {"sourcePath": "/mnt/lustre/references"}},
    ]
    mounts = [
        {"containerPath": "/mnt/references", "sourceVolume": "references", "readOnly": True},
        {"containerPath": "/scratch", "sourceVolume": "scratch", "readOnly": False},
        {"containerPath": "/kept", "sourceVolume": "kept", "readOnly": False},
    ]
    container = {
        "volumes": volumes,
        "mountPoints": mounts,
        "environment": [
            {"name": "REFERENCES", "value": "/mnt/references"},
            {"name": "SCRATCH", "value": "/scratch"},
            {"name": "KEPT", "value": "/kept"},
            {"name": "ELSEWHERE", "value": "/mnt/references2"},
        ],
        "command": [
            "/bin/sh",
            "-c",
            'cat $REFERENCES/genome.fa "$0"; echo $ELSEWHERE; echo y > $KEPT/y; echo $KEPT; echo x > $SCRATCH/x; '
            "echo $SCRATCH",
            "/mnt/references/genome.fa",
        ],
    }  # fmt: skip
    place = file_systems.path(queue.services.context, "fs-12345678") / "genomes"
    place.mkdir()
    (place / "genome.fa").write_text(">chr1\n")
    job = queue.run(queue.define("", container=container))
    *lines, kept, scratch = queue.log(job)
    assert lines == [">chr1", ">chr1", "/mnt/references2"]
    assert not Path(scratch).exists()  # what Docker keeps for a container goes with the attempt
    assert (Path(kept) / "y").read_text() == "y\n"  # a path on the machine stays, for all
    again = queue.run(queue.define("", container={**container, "command": ["/bin/sh", "-c", "cat $KEPT/y"]}))
    assert queue.log(again) == ["y"]


@pytest.mark.skipif(not read_only.is_possible(), reason="this machine gives no mount namespaces to ordinary users")
def test_a_read_only_mount_cannot_be_written_to(queue: Queue) -> None:
    # RegisterJobDefinition, MountPoint: "If this value is true, the container has read-only access to the volume."
    place = file_systems.path(queue.services.context, "fs-0000000a")
    (place / "genome.fa").write_text(">chr1\n")
    mount = {"containerPath": "/mnt/references", "sourceVolume": "references"}
    container = {
        "volumes": [{"name": "references", "efsVolumeConfiguration": {"fileSystemId": "fs-0000000a"}}],
        "environment": [{"name": "REFERENCES", "value": "/mnt/references"}],
    }
    script = "cat $REFERENCES/genome.fa; echo x > $REFERENCES/x"
    for is_read_only, status in ((True, "FAILED"), (False, "SUCCEEDED")):
        mounts = {"mountPoints": [{**mount, "readOnly": is_read_only}]}
        job = queue.run(queue.define(script, container={**container, **mounts}))
        assert job["status"] == status, queue.log(job)
        assert queue.log(job)[0] == ">chr1"
    assert (place / "x").exists()


def test_a_failing_job_is_tried_as_often_as_its_definition_says(queue: Queue) -> None:
    # AWS Batch User Guide, "Automated job retries"
    job = queue.run(queue.define("echo attempt $AWS_BATCH_JOB_ATTEMPT; exit 3", retryStrategy={"attempts": 3}))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [3, 3, 3]
    assert len({attempt["container"]["logStreamName"] for attempt in job["attempts"]}) == 3
    assert queue.log(job) == ["attempt 3"]


def test_the_submission_s_retry_strategy_overrides_the_definition_s(queue: Queue) -> None:
    # SubmitJob, retryStrategy: "When a retry strategy is specified here, it overrides the retry strategy defined in
    # the job definition."
    job = queue.run(queue.define("exit 1", retryStrategy={"attempts": 3}), retryStrategy={"attempts": 2})
    assert len(job["attempts"]) == 2


EVALUATE = [
    {"onStatusReason": "Host EC2*", "action": "RETRY"},
    {"onReason": "CannotPullContainerError*", "action": "RETRY"},
    {"onExitCode": "137", "action": "RETRY"},
    {"onReason": "*", "action": "EXIT"},
]


@pytest.mark.parametrize(
    ("script", "conditions", "attempts"),
    [
        # EvaluateOnExit: the first condition that matches decides
        ("exit 1", EVALUATE, 1),
        ("kill -KILL $$", EVALUATE, 3),
        ("exit 14", [{"onExitCode": "1*", "action": "exit"}], 1),
        # "If none of the listed conditions match, then the job is retried."
        ("exit 2", [{"onExitCode": "1*", "action": "EXIT"}], 3),
        # "If multiple conditions are given, all must match."
        ("exit 2", [{"onExitCode": "2", "onStatusReason": "Host*", "action": "EXIT"}], 3),
        ("exit 2", [{"onExitCode": "2", "onStatusReason": "Essential container*", "action": "EXIT"}], 1),
    ],
)
def test_evaluate_on_exit_decides_whether_another_attempt_follows(
    queue: Queue, script: str, conditions: list[dict[str, str]], attempts: int
) -> None:
    job = queue.run(queue.define(script, retryStrategy={"attempts": 3, "evaluateOnExit": conditions}))
    assert job["status"] == "FAILED"
    assert len(job["attempts"]) == attempts


def test_a_retry_may_succeed(queue: Queue) -> None:
    job = queue.run(queue.define("[ $AWS_BATCH_JOB_ATTEMPT -ge 2 ] || kill -KILL $$", retryStrategy={"attempts": 3}))
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [137, 0]


def test_a_job_whose_instance_is_reclaimed_is_tried_again_if_its_strategy_says_so(queue: Queue) -> None:
    # AWS Batch User Guide, "Automated job retries": onStatusReason "Host EC2*" stands for the loss of the instance
    strategy = {"attempts": 3, "evaluateOnExit": [EVALUATE[0], {"onReason": "*", "action": "EXIT"}]}
    job = queue.submit(queue.define("[ $AWS_BATCH_JOB_ATTEMPT = 2 ] || sleep 60", retryStrategy=strategy))
    queue.until(job, "RUNNING")
    batch.reclaim(job)
    detail = queue.ended(job)
    assert detail["status"] == "SUCCEEDED"
    assert re.fullmatch(r"Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.", detail["attempts"][0]["statusReason"])
    assert len(detail["attempts"]) == 2


def test_orders_take_the_machine_from_a_job_or_its_time(queue: Queue) -> None:
    strategy = {"attempts": 2, "evaluateOnExit": [EVALUATE[0], {"onReason": "*", "action": "EXIT"}]}
    script = "[ $AWS_BATCH_JOB_ATTEMPT = 2 ] || sleep 60"
    faults.order({"fault": "reclaim", "job": "ordered"})
    job = queue.run(queue.define(script, retryStrategy=strategy), jobName="ordered")
    assert job["status"] == "SUCCEEDED"
    assert job["attempts"][0]["statusReason"].startswith("Host EC2 ")
    faults.order({"fault": "expire", "job": "ordered", "after_seconds": 0.1})
    job = queue.run(queue.define(script, retryStrategy=strategy), jobName="ordered")
    # AWS Batch User Guide, "Job timeouts": such a job is not retried.
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert len(job["attempts"]) == 1
    faults.clear()


GREEDY = "data = b''\nwhile True: data += bytes(16 * 2**20)"


def test_a_job_that_takes_more_memory_than_it_asked_for_is_killed(queue: Queue) -> None:
    # Amazon ECS Developer Guide, "OutOfMemoryError": container.reason; 137 is 128 + SIGKILL
    strategy = {"attempts": 2, "evaluateOnExit": [{"onReason": "OutOfMemoryError*", "action": "EXIT"}]}
    needs = {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}]}
    definition = queue.define("", container={**needs, "command": ["python3", "-c", GREEDY]}, retryStrategy=strategy)
    job = queue.run(definition)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert job["container"]["exitCode"] == 137
    assert len(job["attempts"]) == 1


def test_all_processes_of_a_job_share_its_memory(queue: Queue) -> None:
    needs = {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}]}
    hold = "import time; data = bytes(150 * 2**20).replace(b'\\0', b'x'); time.sleep(20)"
    script = f'python3 -c "{hold}" & python3 -c "{hold}" & wait'
    began = time.monotonic()
    job = queue.run(queue.define(script, container=needs))
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert time.monotonic() - began < 15
    # One alone has room.
    short = hold.replace("sleep(20)", "sleep(0.5)")
    assert queue.run(queue.define(f'python3 -c "{short}"', container=needs))["status"] == "SUCCEEDED"


def test_a_job_runs_on_as_many_cores_as_it_has_vcpus(queue: Queue) -> None:
    code = "import os; print(len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])"
    for vcpus, cores in (("0.5", 1), ("1", 1), ("64", Machine.this().vcpus)):
        needs = {"resourceRequirements": [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": "64"}]}
        job = queue.run(queue.define("", container={**needs, "command": ["python3", "-c", code]}))
        assert queue.log(job) == [f"{cores:.0f} {cores:.0f}"]


def test_jobs_that_run_at_once_have_different_cores(queue: Queue) -> None:
    if Machine.this().vcpus < 2:
        pytest.skip("there is one core")
    code = "import os, time; print(sorted(os.sched_getaffinity(0))); time.sleep(0.5)"
    needs = {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]}
    definition = queue.define("", container={**needs, "command": ["python3", "-c", code]})
    jobs = [queue.submit(definition) for _ in range(2)]
    logs = [queue.log(queue.ended(job)) for job in jobs]
    assert logs[0] != logs[1]


def managed(services: Any, name: str, **resources: Any) -> str:
    """A managed compute environment, as a template makes it."""
    context = services.context
    backend: Any = batch_models.batch_backends[context.account][context.region]
    made: Any = batch_models.ComputeEnvironment
    found = made(name, "MANAGED", "ENABLED", resources, "", account_id=context.account, region_name=context.region)
    backend._compute_environments[found.arn] = found
    return str(found.arn)


def needing(vcpus: str, memory: str) -> dict[str, Any]:
    return {"resourceRequirements": [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]}


def test_a_compute_environment_runs_no_more_than_its_vcpus_at_once(services: Any, tmp_path: Path) -> None:
    # ComputeResource, maxvCpus: "The maximum number of vCPUs that a compute environment can support."
    narrow = make_queue(services, managed(services, "narrow", maxvCpus=1), "narrow", 5, tmp_path)
    definition = narrow.define("sleep 0.2", container=needing("0.5", "64"))
    running = [narrow.submit(definition) for _ in range(4)]
    jobs = [narrow.ended(job) for job in running]
    begun = sorted(job["startedAt"] for job in jobs)
    ended = sorted(job["stoppedAt"] for job in jobs)
    assert begun[2] >= ended[0]
    assert begun[3] >= ended[1]


@pytest.mark.parametrize(
    ("resources", "needs", "reason"),
    [
        # AWS Batch User Guide, "Jobs stuck in a RUNNABLE status"
        ({"maxvCpus": 2}, needing("4", "64"), "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"),
        # Amazon EC2: c5.large has 2 vCPUs and 4 GiB
        ({"maxvCpus": 64, "instanceTypes": ["c5.large"]}, needing("1", "8192"),
         "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"),
        ({"maxvCpus": 64, "instanceTypes": ["c5.large"]}, needing("4", "1024"),
         "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"),
    ],
    ids=["too many vCPUs", "too much memory", "no such instance"],
)  # fmt: skip
def test_a_job_that_no_compute_environment_can_hold_stays_runnable_and_says_why(
    services: Any, queue: Queue, resources: dict[str, Any], needs: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    name = f"stuck-{time.time_ns()}"
    stuck = make_queue(services, managed(services, name, **resources), name, 50, tmp_path)
    job = stuck.submit(stuck.define("true", container=needs))
    detail = stuck.describe(job)
    assert (detail["status"], detail["statusReason"].partition(" ")[0]) == ("RUNNABLE", reason)
    # It holds up its own queue, and no other.
    behind = stuck.submit(stuck.define("true"))
    assert queue.run(queue.define("true"))["status"] == "SUCCEEDED"
    assert stuck.describe(behind)["status"] == "RUNNABLE"
    stuck.client.terminate_job(jobId=job, reason="too large")
    assert stuck.ended(behind)["status"] == "SUCCEEDED"


def test_a_job_goes_to_the_first_compute_environment_of_its_queue_that_has_room(services: Any, tmp_path: Path) -> None:
    # CreateJobQueue, computeEnvironmentOrder
    first, second = managed(services, "first", maxvCpus=0.5), managed(services, "second", maxvCpus=8)
    ordered = make_queue(services, first, "ordered", 5, tmp_path)
    services.client("batch").update_job_queue(
        jobQueue="ordered",
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": first}, {"order": 2, "computeEnvironment": second}],
    )
    definition = ordered.define("echo $AWS_BATCH_CE_NAME; sleep 0.3", container=needing("0.5", "64"))
    jobs = [ordered.submit(definition) for _ in range(2)]
    assert sorted(line for job in jobs for line in ordered.log(ordered.ended(job))) == ["first", "second"]


def test_an_image_that_is_not_there_fails_the_attempt_before_it_starts(queue: Queue) -> None:
    job = queue.run(queue.define("true", container={"image": "registry/none:1"}))
    assert job["status"] == "FAILED"
    assert job["attempts"][0]["container"]["reason"].startswith("CannotPullContainerError")


def test_a_command_that_is_not_there_fails_the_attempt_before_it_starts(queue: Queue) -> None:
    job = queue.run(queue.define("", container={"command": ["no-such-program"]}))
    assert job["attempts"][0]["container"]["reason"].startswith("CannotStartContainerError")


def test_a_job_that_exceeds_its_timeout_is_ended_and_not_retried(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded_aws.batch.submissions.MINIMUM_TIMEOUT_SECONDS", 1)
    # AWS Batch User Guide, "Job timeouts": "If a job is terminated for exceeding the timeout duration, it isn't
    # retried."
    definition = queue.define("sleep 60 & wait", timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 3})
    job = queue.run(definition, timeout={"attemptDurationSeconds": 1})
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert len(job["attempts"]) == 1


def test_terminating_a_running_job_ends_it_without_a_retry(queue: Queue) -> None:
    # TerminateJob: "Jobs that are in the STARTING or RUNNING state are terminated, which causes them to transition to
    # FAILED."
    job = queue.submit(queue.define("sleep 60", retryStrategy={"attempts": 3}))
    queue.until(job, "RUNNING")
    queue.client.terminate_job(jobId=job, reason="changed my mind")
    detail = queue.ended(job)
    assert (detail["status"], detail["statusReason"]) == ("FAILED", "changed my mind")
    assert len(detail["attempts"]) == 1
    assert detail["isTerminated"]


def test_cancelling_a_running_job_leaves_it_running(queue: Queue) -> None:
    # CancelJob: "Jobs that progressed to the STARTING or RUNNING state aren't canceled. However, the API operation
    # still succeeds, even if no job is canceled."
    job = queue.submit(queue.define("sleep 0.3"))
    queue.until(job, "RUNNING")
    queue.client.cancel_job(jobId=job, reason="too late")
    assert queue.ended(job)["status"] == "SUCCEEDED"


def test_a_job_waits_for_the_jobs_it_depends_on(queue: Queue) -> None:
    first = queue.submit(queue.define("sleep 0.2"))
    second = queue.submit(queue.define("true"), dependsOn=[{"jobId": first}])
    assert queue.describe(second)["status"] == "PENDING"
    detail = queue.ended(second)
    assert detail["status"] == "SUCCEEDED"
    assert detail["startedAt"] >= queue.describe(first)["stoppedAt"]


def test_a_pending_job_is_cancelled(queue: Queue) -> None:
    first = queue.submit(queue.define("sleep 0.2"))
    second = queue.submit(queue.define("true"), dependsOn=[{"jobId": first}])
    queue.client.cancel_job(jobId=second, reason="not needed")
    detail = queue.ended(second)
    assert (detail["status"], detail["statusReason"], detail["attempts"]) == ("FAILED", "not needed", [])
    assert queue.ended(first)["status"] == "SUCCEEDED"


def test_a_failed_dependency_fails_what_depends_on_it(queue: Queue) -> None:
    first = queue.submit(queue.define("exit 1"))
    second = queue.submit(queue.define("true"), dependsOn=[{"jobId": first}])
    third = queue.submit(queue.define("true"), dependsOn=[{"jobId": second}])
    for job in (second, third):
        detail = queue.ended(job)
        assert (detail["status"], detail["statusReason"]) == ("FAILED", "Dependent Job failed")
    late = queue.run(queue.define("true"), dependsOn=[{"jobId": first}])
    assert late["status"] == "FAILED"


def test_an_array_job_runs_a_child_for_each_index(queue: Queue) -> None:
    # AWS Batch User Guide, "Array jobs"
    job = queue.run(queue.define("echo $AWS_BATCH_JOB_ARRAY_INDEX"), arrayProperties={"size": 3})
    assert job["status"] == "SUCCEEDED"
    assert job["arrayProperties"]["size"] == 3
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    children = [queue.describe(f"{job['jobId']}:{index}") for index in range(3)]
    assert [queue.log(child) for child in children] == [["0"], ["1"], ["2"]]
    listed = queue.client.list_jobs(arrayJobId=job["jobId"], jobStatus="SUCCEEDED")["jobSummaryList"]
    assert sorted(child["arrayProperties"]["index"] for child in listed) == [0, 1, 2]


def test_an_array_job_with_a_failing_child_ends_as_failed_when_all_have_ended(queue: Queue) -> None:
    definition = queue.define("[ $AWS_BATCH_JOB_ARRAY_INDEX != 1 ]", retryStrategy={"attempts": 2})
    job = queue.run(definition, arrayProperties={"size": 3})
    assert (job["status"], job["statusReason"]) == ("FAILED", "Array Child Job failed")
    summary = job["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (2, 1)
    assert len(queue.describe(f"{job['jobId']}:1")["attempts"]) == 2


def test_children_depend_on_each_other_one_to_one_or_one_after_another(queue: Queue) -> None:
    # AWS Batch User Guide, "Job dependencies": N_TO_N and SEQUENTIAL
    first = queue.submit(queue.define("[ $AWS_BATCH_JOB_ARRAY_INDEX != 1 ]"), arrayProperties={"size": 3})
    follows = queue.run(
        queue.define("true"), arrayProperties={"size": 3}, dependsOn=[{"jobId": first, "type": "N_TO_N"}]
    )
    statuses = [queue.describe(f"{follows['jobId']}:{index}")["status"] for index in range(3)]
    assert statuses == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    sequence = queue.run(queue.define("sleep 0.05"), arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
    children = [queue.describe(f"{sequence['jobId']}:{index}") for index in range(3)]
    assert all(a["stoppedAt"] <= b["startedAt"] for a, b in itertools.pairwise(children))


def test_terminating_an_array_job_ends_all_its_children(queue: Queue) -> None:
    job = queue.submit(queue.define("sleep 60"), arrayProperties={"size": 3})
    queue.client.terminate_job(jobId=job, reason="enough")
    detail = queue.ended(job)
    assert (detail["status"], detail["statusReason"]) == ("FAILED", "enough")
    assert detail["arrayProperties"]["statusSummary"]["FAILED"] == 3


@pytest.fixture
def busy(queue: Queue) -> Iterator[str]:
    """A job that has the whole machine."""
    whole = {"resourceRequirements": [{"type": "VCPU", "value": "96"}, {"type": "MEMORY", "value": "64"}]}
    job = queue.submit(queue.define("sleep 60", container=whole))
    queue.until(job, "RUNNING")
    yield job
    queue.client.terminate_job(jobId=job, reason="test is over")
    queue.ended(job)


def test_a_job_wider_than_the_machine_runs_alone(queue: Queue, busy: str) -> None:
    small = queue.submit(queue.define("true"))
    time.sleep(0.1)
    assert queue.describe(small)["status"] == "RUNNABLE"
    queue.client.terminate_job(jobId=busy, reason="make room")
    assert queue.ended(small)["status"] == "SUCCEEDED"


def test_the_queue_of_higher_priority_goes_first(
    services: Any, environment: str, queue: Queue, busy: str, tmp_path: Path
) -> None:
    # CreateJobQueue: "Job queues with a higher priority are evaluated first when associated with the same compute
    # environment."
    urgent = make_queue(services, environment, "urgent", 100, tmp_path)
    later = queue.submit(queue.define("sleep 0.05", container={"vcpus": 96, "memory": 64, "resourceRequirements": []}))
    sooner = urgent.submit(
        urgent.define("sleep 0.05", container={"vcpus": 96, "memory": 64, "resourceRequirements": []})
    )
    queue.client.terminate_job(jobId=busy, reason="make room")
    assert urgent.ended(sooner)["stoppedAt"] <= queue.ended(later)["startedAt"]


def test_a_runnable_job_is_cancelled_and_terminated_before_it_starts(queue: Queue, busy: str) -> None:
    cancelled, terminated = queue.submit(queue.define("true")), queue.submit(queue.define("true"))
    queue.client.cancel_job(jobId=cancelled, reason="cancelled")
    queue.client.terminate_job(jobId=terminated, reason="terminated")
    assert queue.ended(cancelled)["statusReason"] == "cancelled"
    assert queue.ended(terminated)["statusReason"] == "terminated"


def test_jobs_are_listed_by_status_and_by_name(queue: Queue, busy: str) -> None:
    name = f"listed-{time.time_ns()}"
    definition = queue.define("true")
    jobs = {queue.submit(definition, jobName=name) for _ in range(3)}
    runnable = queue.client.list_jobs(jobQueue=queue.name, jobStatus="RUNNABLE")["jobSummaryList"]
    assert jobs <= {job["jobId"] for job in runnable}
    # ListJobs: "If you don't specify a status, only RUNNING jobs are returned."
    assert [job["jobId"] for job in queue.client.list_jobs(jobQueue=queue.name)["jobSummaryList"]] == [busy]
    named = queue.client.list_jobs(jobQueue=queue.name, filters=[{"name": "JOB_NAME", "values": [f"{name[:-2]}*"]}])
    assert {job["jobId"] for job in named["jobSummaryList"]} == jobs
    pages = queue.client.get_paginator("list_jobs").paginate(
        jobQueue=queue.name, jobStatus="RUNNABLE", PaginationConfig={"PageSize": 2}
    )
    assert jobs <= {job["jobId"] for page in pages for job in page["jobSummaryList"]}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"jobName": "not a name"}, "Job name should match valid pattern"),
        ({"jobQueue": "nowhere"}, "nowhere does not exist"),
        ({"jobDefinition": "none"}, "none does not exist"),
        ({"dependsOn": [{"jobId": "none"}]}, "none"),
        ({"arrayProperties": {"size": 1}}, "Array size"),
        # JobTimeout: "The minimum value for the timeout is 60 seconds."
        ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
        # RetryStrategy: "You can specify between 1 and 10 attempts."
        ({"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
        # EvaluateOnExit: "an array of up to 5 conditions", "RETRY | EXIT", "It can contain only numbers"
        ({"retryStrategy": {"evaluateOnExit": [{"onExitCode": "1", "action": "RETRY"}] * 6}}, "6 conditions"),
        ({"retryStrategy": {"evaluateOnExit": [{"onExitCode": "1", "action": "STOP"}]}}, "RETRY or EXIT"),
        ({"retryStrategy": {"evaluateOnExit": [{"onExitCode": "one", "action": "EXIT"}]}}, "onExitCode"),
        ({"retryStrategy": {"evaluateOnExit": [{"onReason": "a*b", "action": "EXIT"}]}}, "onReason"),
        # SubmitJob: "A job can depend upon a maximum of 20 jobs."
        ({"dependsOn": [{"jobId": str(n)} for n in range(21)]}, "20 jobs"),
        ({"dependsOn": [{"type": "PARALLEL"}]}, "N_TO_N, SEQUENTIAL"),
    ],
)
def test_a_submission_that_makes_no_sense_is_refused(queue: Queue, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message) as refusal:
        queue.submit(queue.define("true"), **parameters)
    assert refusal.value.response["Error"]["Code"] == "ClientException"


def test_a_definition_that_makes_no_sense_is_refused(queue: Queue) -> None:
    with pytest.raises(ClientError, match="at least 60"):
        queue.define("true", timeout={"attemptDurationSeconds": 5})
    with pytest.raises(ClientError, match="between 1 and 10"):
        queue.define("true", retryStrategy={"attempts": 0})


def test_a_job_name_may_have_one_character(queue: Queue) -> None:
    assert queue.run(queue.define("true"), jobName="a")["jobName"] == "a"


def test_state_changes_are_events(services: Any, queue: Queue) -> None:
    # AWS Batch User Guide, "AWS Batch EventBridge events": source aws.batch, "Batch Job State Change"
    url = services.client("sqs").create_queue(QueueName="batch-events")["QueueUrl"]
    pattern = {"source": ["aws.batch"], "detail": {"status": ["SUCCEEDED"], "jobName": ["told"]}}
    services.client("events").put_rule(Name="batch-events", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:batch-events"}
    services.client("events").put_targets(Rule="batch-events", Targets=[target])
    job = queue.run(queue.define("true"), jobName="told")
    [message] = services.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Batch Job State Change"
    assert event["resources"] == [job["jobArn"]]
    assert event["detail"]["jobId"] == job["jobId"]
    services.client("events").remove_targets(Rule="batch-events", Ids=["queue"])


def test_a_hundred_jobs_do_not_take_a_hundred_threads(queue: Queue) -> None:
    definition = queue.define("true")
    jobs = [queue.submit(definition) for _ in range(100)]
    cores = Machine.this().vcpus
    assert threading.active_count() < 30 + cores / 0.25
    assert all(queue.ended(job)["status"] == "SUCCEEDED" for job in jobs)
