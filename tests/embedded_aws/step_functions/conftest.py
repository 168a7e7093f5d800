"""State machines that tests make and run, with a function and a queue to run them on."""

import io
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

FUNCTION = """
import time
def handler(event, context):
    if isinstance(event, dict) and "error" in event:
        raise type(event["error"], (Exception,), {})("because")
    if isinstance(event, dict) and "sleep" in event:
        time.sleep(event["sleep"])
    return event
"""


@dataclass
class Machines:
    services: Any
    role: str
    job_definition: str
    count: int = 0

    @property
    def client(self) -> Any:
        return self.services.client("stepfunctions")

    def create(self, definition: Mapping[str, Any], role: str | None = None) -> str:
        self.count += 1
        answer = self.client.create_state_machine(
            name=f"machine-{self.count}", definition=json.dumps(definition), roleArn=role or self.role
        )
        return str(answer["stateMachineArn"])

    def start(self, machine: str, content: Any = None, **parameters: Any) -> str:
        text = json.dumps({} if content is None else content)
        return str(self.client.start_execution(stateMachineArn=machine, input=text, **parameters)["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while (detail := self.client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline, "the execution does not end"
            time.sleep(0.005)
        return dict(detail)

    def run(self, states: Mapping[str, Any], content: Any = None, **machine: Any) -> dict[str, Any]:
        """Execute a machine of `states`, from the first on."""
        arn = self.create({"StartAt": next(iter(states)), "States": states, **machine})
        return self.ended(self.start(arn, content))

    def output(self, states: Mapping[str, Any], content: Any = None) -> Any:
        detail = self.run(states, content)
        assert detail["status"] == "SUCCEEDED", (detail.get("error"), detail.get("cause"))
        return json.loads(detail["output"])

    def history(self, execution: str, **parameters: Any) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=execution, **parameters)
        return [event for page in pages for event in page["events"]]

    def batch(self, script: str, **state: Any) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::batch:submitJob.sync",
            "Parameters": {
                "JobName": "job",
                "JobDefinition": self.job_definition,
                "JobQueue": "states",
                "Parameters": {"script": script},
            },
            "End": True,
            **state,
        }


def create_function(services: Any, name: str, role: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("module.py", FUNCTION)
    services.client("lambda").create_function(
        FunctionName=name, Runtime="python3.11", Role=role, Handler="module.handler",
        Code={"ZipFile": content.getvalue()}, Timeout=20,
    )  # fmt: skip


@pytest.fixture(scope="package")
def machines(services: Any, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    role = services.role("states")
    create_function(services, "states", role)
    client = services.client("batch")
    environment = client.create_compute_environment(
        computeEnvironmentName="states", type="UNMANAGED", state="ENABLED", serviceRole=role
    )["computeEnvironmentArn"]
    client.create_job_queue(
        jobQueueName="states", priority=1, state="ENABLED",
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )  # fmt: skip
    definition = client.register_job_definition(
        jobDefinitionName="states",
        type="container",
        containerProperties={
            "image": services.image("registry/states:1", tmp_path_factory.mktemp("code"), "FROM scratch\n"),
            "jobRoleArn": role,
            "command": ["/bin/sh", "-c", "Ref::script"],
            "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "64"}],
        },
    )["jobDefinitionArn"]
    return Machines(services, role, definition)


INVOKE = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}


def invoke(payload: Any, **state: Any) -> dict[str, Any]:
    return {**INVOKE, "Parameters": {"FunctionName": "states", **payload}, **state}
