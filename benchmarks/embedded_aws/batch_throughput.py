"""What one Batch job of nothing costs through a Step Functions Map, beside a plain start of the same command.

An instance of its own gets one state machine, whose Map submits jobs and waits for each (`submitJob.sync`). Inline Maps
take up to 40 items at once, so the jobs run in executions of `--map-size` items, one execution after another.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil

from embedded_aws import instance
from embedded_aws.context import Context

# What a job of nothing may take, in milliseconds.
MOST_PER_JOB = 60.0
# Memory is flat: from the job on after which the server forgets its oldest ones, it may rise by so much in all, for the
# executions, which are kept longer. 5 KiB of each of 10,000 jobs would be more.
FLAT_FROM_JOB = 1000
MOST_GROWTH = 1.15
_REPOSITORY = "batch-throughput"
_COMMAND = ("true",)
_MIB = 2**20


def write_assembly(directory: Path, *, at_once: int = 0) -> Path:
    """A cloud assembly with a role, a queue, a job definition of one cheap command and the state machine.

    Its Map has `at_once` jobs at a time; 0 leaves that to Step Functions.
    """
    image = directory / "asset.image"
    image.mkdir(parents=True)
    (image / "Dockerfile").write_text("FROM scratch\n")
    destination = {"repositoryName": _REPOSITORY, "imageTag": "1"}
    assets = {
        "files": {},
        "dockerImages": {"image": {"source": {"directory": image.name}, "destinations": {"a": destination}}},
    }
    (directory / "throughput.assets.json").write_text(json.dumps(assets))
    (directory / "throughput.template.json").write_text(json.dumps(_template(at_once)))
    artifacts = {
        "throughput.assets": {"type": "cdk:asset-manifest", "properties": {"file": "throughput.assets.json"}},
        "throughput": {
            "type": "aws:cloudformation:stack",
            "properties": {"templateFile": "throughput.template.json", "stackName": "throughput"},
            "dependencies": ["throughput.assets"],
        },
    }
    (directory / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": artifacts}))
    return directory


def _template(at_once: int) -> dict[str, Any]:
    context = Context(port=0, data=Path())
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": ["states.amazonaws.com", "ecs-tasks.amazonaws.com", "batch.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
    may = {
        "Effect": "Allow",
        "Action": [
            *("batch:SubmitJob", "batch:DescribeJobs", "batch:TerminateJob"),
            # The rule through which the end of a job is told, which Step Functions manages.
            *("events:PutRule", "events:PutTargets", "events:DescribeRule"),
        ],
        "Resource": "*",
    }
    job = {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {"JobName": "nothing", "JobDefinition": "${Definition}", "JobQueue": "${Queue}"},
        "ResultSelector": {"status.$": "$.Status"},
        "End": True,
    }
    item = {"StartAt": "Job", "States": {"Job": job}, "ProcessorConfig": {"Mode": "INLINE"}}
    machine = {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Map", "MaxConcurrency": at_once, "ItemProcessor": item, "End": True}},
    }
    uri = f"{context.account}.dkr.ecr.{context.region}.amazonaws.com/{_REPOSITORY}:1"
    needs = [{"Type": "VCPU", "Value": "1"}, {"Type": "MEMORY", "Value": "64"}]
    return {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                    "Policies": [
                        {"PolicyName": "run", "PolicyDocument": {"Version": "2012-10-17", "Statement": [may]}}
                    ],
                },
            },
            "Environment": {
                "Type": "AWS::Batch::ComputeEnvironment",
                "Properties": {"Type": "UNMANAGED", "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]}},
            },
            "Queue": {
                "Type": "AWS::Batch::JobQueue",
                "Properties": {
                    "Priority": 1,
                    "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": "Environment"}}],
                },
            },
            "Definition": {
                "Type": "AWS::Batch::JobDefinition",
                "Properties": {
                    "Type": "container",
                    "ContainerProperties": {
                        "Image": uri,
                        "Command": list(_COMMAND),
                        "JobRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                        "ResourceRequirements": needs,
                    },
                },
            },
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "DefinitionString": json.dumps(machine),
                    "DefinitionSubstitutions": {"Definition": {"Ref": "Definition"}, "Queue": {"Ref": "Queue"}},
                },
            },
        },
        "Outputs": {"Machine": {"Value": {"Ref": "Machine"}}},
    }


def plain_start_milliseconds(times: int) -> float:
    """Mean time to start the same command as a plain process and wait for it."""
    began = time.perf_counter()
    for _ in range(times):
        subprocess.run(_COMMAND, check=True)
    return (time.perf_counter() - began) / times * 1e3


def client(of: instance.Instance, service: str) -> Any:
    """A client of the instance, as its operator."""
    where = of.environment()
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=where["AWS_ENDPOINT_URL"],
        region_name=where["AWS_REGION"],
        aws_access_key_id=where["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=where["AWS_SECRET_ACCESS_KEY"],
    )


def run_map(client: Any, machine: str, items: int) -> float:
    """Seconds that one execution over `items` jobs takes; AssertionError if one of them fails."""
    began = time.perf_counter()
    execution = client.start_execution(stateMachineArn=machine, input=json.dumps(list(range(items))))["executionArn"]
    while (detail := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    assert detail["status"] == "SUCCEEDED", detail
    assert json.loads(detail["output"]) == [{"status": "SUCCEEDED"}] * items
    return seconds


def _resident_mib(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / _MIB


@dataclass(frozen=True)
class Measured:
    """Milliseconds that a job takes; how many times the memory of job FLAT_FROM_JOB was used later, at the most."""

    per_job: float
    growth: float


def measure(jobs: int, map_size: int, directory: Path) -> Measured:
    """Run `jobs` jobs in an instance below `directory` and print, after each Map, time per job and memory."""
    assembly = write_assembly(directory / "cdk.out")
    data = directory / "data"
    running = instance.start(data, 0, assembly)
    try:
        states = client(running, "stepfunctions")
        (stack,) = client(running, "cloudformation").describe_stacks(StackName="throughput")["Stacks"]
        machine = stack["Outputs"][0]["OutputValue"]
        run_map(states, machine, 20)  # what is made once is made here
        processor = psutil.Process(running.pid)
        plain = plain_start_milliseconds(200)
        before, done, seconds = _resident_mib(running.pid), 0, 0.0
        settled: list[float] = []
        print(f"{'jobs':>7} {'ms per job':>11} {'server RSS MiB':>15}")
        print(f"{0:>7} {'':>11} {before:>15.0f}", flush=True)
        cpu = sum(processor.cpu_times()[:2])
        while done < jobs:
            items = min(map_size, jobs - done)
            took = run_map(states, machine, items)
            done, seconds = done + items, seconds + took
            used = _resident_mib(running.pid)
            print(f"{done:>7} {took / items * 1e3:>11.1f} {used:>15.0f}", flush=True)
            if done >= FLAT_FROM_JOB:
                settled.append(used)
        cpu = sum(processor.cpu_times()[:2]) - cpu
        per_job = seconds / jobs * 1e3
        print(
            f"a Batch job of `{' '.join(_COMMAND)}` through a Map: {per_job:.1f} ms "
            f"(server CPU {cpu / jobs * 1e3:.1f} ms)"
        )
        print(f"the same command by subprocess: {plain:.1f} ms; ratio {per_job / plain:.1f}")
        print(f"server memory: {before:.0f} MiB before, {_resident_mib(running.pid):.0f} MiB after {jobs} jobs")
        return Measured(per_job, max(settled) / settled[0] if settled else 1.0)
    finally:
        instance.stop(data)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; ends with a line where a job takes too long, or memory grows with the number of jobs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--map-size", type=int, default=500)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="batch-throughput-") as directory:
        measured = measure(options.jobs, options.map_size, Path(directory))
    if measured.per_job > MOST_PER_JOB:
        sys.exit(f"a job takes {measured.per_job:.1f} ms, more than {MOST_PER_JOB}")
    if measured.growth > MOST_GROWTH:
        sys.exit(f"memory grew {measured.growth:.2f} times after {FLAT_FROM_JOB} jobs, more than {MOST_GROWTH}")


if __name__ == "__main__":
    main()
