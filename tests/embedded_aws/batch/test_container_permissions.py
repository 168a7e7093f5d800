"""A container starts as its execution role lets it, and mounts as its own: the ECS and EFS guides, cited in place."""

import contextlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from embedded_aws.batch import container_permissions
from embedded_aws.batch.container_permissions import RefusedStartError

PULL = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer"]
# ECS Developer Guide, "Amazon ECS task execution IAM role": what AmazonECSTaskExecutionRolePolicy allows
EXECUTION = [*PULL, "ecr:BatchGetImage", "logs:CreateLogStream", "logs:PutLogEvents"]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/tools:1"


@pytest.fixture(scope="module")
def file_system(services: Any) -> str:
    """A file system whose policy, like the template's, says only that clients must use TLS."""
    efs = services.client("efs")
    identifier: str = efs.create_file_system(CreationToken="permissions")["FileSystemId"]
    tls = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [tls]})
    efs.put_file_system_policy(FileSystemId=identifier, Policy=policy)
    return identifier


@pytest.fixture(autouse=True)
def log_group(services: Any) -> None:
    with contextlib.suppress(services.client("logs").exceptions.ResourceAlreadyExistsException):
        services.client("logs").create_log_group(logGroupName="tools")


def container(*, log_options: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    options = {"awslogs-group": "tools", "awslogs-stream-prefix": "align", **(log_options or {})}
    return {"image": IMAGE, "logConfiguration": {"logDriver": "awslogs", "options": options}, **more}


def mounted(file_system: str, iam: str = "ENABLED") -> dict[str, Any]:
    authorization = {"iam": iam, "accessPointId": "fsap-1"}
    return {"efsVolumeConfiguration": {"fileSystemId": file_system, "authorizationConfig": authorization}}


def test_an_execution_role_pulls_and_logs(services: Any) -> None:
    role = services.role("executes", *EXECUTION)
    container_permissions.require(services.context, container(executionRoleArn=role), "task")


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ("ecr:BatchGetImage", "CannotPullECRContainerError: AccessDeniedException: User: "),
        ("logs:CreateLogStream", "CannotStartContainerError: failed to initialize logging driver: AccessDenied"),
    ],
)
def test_without_a_permission_the_container_is_not_started(services: Any, lacking: str, reason: str) -> None:
    role = services.role(f"lacks-{lacking.partition(':')[0]}", *(each for each in EXECUTION if each != lacking))
    with pytest.raises(RefusedStartError, match=f"^{reason}.*{lacking}"):
        container_permissions.require(services.context, container(executionRoleArn=role), "task")


def test_an_absent_log_group_keeps_the_container_from_starting(services: Any) -> None:
    # Docker, "Amazon CloudWatch Logs logging driver", awslogs-create-group: an error unless it is true
    absent = {"awslogs-group": "absent"}
    with pytest.raises(RefusedStartError, match=r"The specified log group does not exist\.$"):
        container_permissions.require(services.context, container(log_options=absent), "task")
    creates = container(log_options={**absent, "awslogs-create-group": "true"}, executionRoleArn="")
    container_permissions.require(services.context, creates, "task")
    role = services.role("creates-no-groups", *EXECUTION)
    with pytest.raises(RefusedStartError, match="logs:CreateLogGroup"):
        container_permissions.require(services.context, {**creates, "executionRoleArn": role}, "task")


def test_a_role_that_does_not_trust_ecs_is_not_assumed(services: Any) -> None:
    services.client("iam").create_role(
        RoleName="distrusts", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}'
    )
    given = container(jobRoleArn="arn:aws:iam::123456789012:role/distrusts")
    with pytest.raises(RefusedStartError, match=r"sts:AssumeRole on resource: .*role/distrusts because no resource"):
        container_permissions.require(services.context, given, "task")


def test_a_mount_needs_clientmount_and_is_read_only_without_clientwrite(services: Any, file_system: str) -> None:
    # EFS User Guide, "Using IAM to control access to file systems": ClientMount is read-only access, ClientWrite more
    volume = mounted(file_system)
    reads = services.role("mounts", "elasticfilesystem:ClientMount")
    writes = services.role("mounts-and-writes", "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
    neither = services.role("mounts-nothing", "s3:GetObject")
    for role, may_write in ((reads, False), (writes, True)):
        given = container(jobRoleArn=role, volumes=[volume])
        container_permissions.require(services.context, given, "task")
        assert container_permissions.may_write(services.context, given, volume, "task") is may_write
    with pytest.raises(RefusedStartError, match=r"access denied by server while mounting.*ClientMount"):
        container_permissions.require(services.context, container(jobRoleArn=neither, volumes=[volume]), "task")


def test_who_mounts_without_iam_is_nobody(services: Any, file_system: str) -> None:
    # EFS User Guide, "Default EFS file system policy": open until there is a policy that does not say so
    role = services.role("mounts-without-iam", "elasticfilesystem:*")
    closed = container(jobRoleArn=role, volumes=[mounted(file_system, "DISABLED")])
    with pytest.raises(RefusedStartError, match="User: anonymous is not authorized"):
        container_permissions.require(services.context, closed, "task")
    opened = services.client("efs").create_file_system(CreationToken="open")["FileSystemId"]
    container_permissions.require(
        services.context, container(jobRoleArn=role, volumes=[mounted(opened, "DISABLED")]), "task"
    )


def test_a_function_whose_role_may_not_log_runs_without_a_log(services: Any) -> None:
    # Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs": the execution role needs
    # logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("module.py", "def handler(event, context):\n    print('said')\n    return 7\n")
    for name, actions in (("silent", ["s3:GetObject"]), ("logging", ["logs:*"])):
        services.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=services.role(f"function-{name}", *actions),
            Handler="module.handler",
            Code={"ZipFile": content.getvalue()},
        )
        answer = services.client("lambda").invoke(FunctionName=name)
        assert answer["Payload"].read() == b"7"
    groups = services.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    assert "/aws/lambda/silent" not in {group["logGroupName"] for group in groups}
    assert "said" in services.log_lines("/aws/lambda/logging")
