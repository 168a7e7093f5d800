"""What a container needs before its command runs: to be pulled and to log as its execution role, to mount as its own.

ECS Developer Guide, "Amazon ECS task execution IAM role"; EFS User Guide, "Using IAM to control file system access".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.logs.models import logs_backends

from embedded_aws.context import Context
from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.iam.identity import ANONYMOUS, Principal
from embedded_aws.requests import Access

_BY = "ecs"
_NO_LOG = "CannotStartContainerError: failed to initialize logging driver"


class RefusedStartError(RuntimeError):
    """The container is not started; the message is the reason that Batch gives."""


def require(context: Context, container: Mapping[str, Any], session: str) -> None:
    """Check what `container` (Batch's container properties) needs to start. Raises RefusedStartError."""
    for given in ("jobRoleArn", "executionRoleArn"):
        if container.get(given):
            assuming = [Access("sts:AssumeRole", container[given])]
            _require(identity.service("ecs-tasks"), assuming, "ECS was unable to assume the role")
    execution = identity.role(container["executionRoleArn"], session) if container.get("executionRoleArn") else None
    if execution:
        _require(execution, _pull(context, str(container["image"])), "CannotPullECRContainerError")
    options = (container.get("logConfiguration") or {}).get("options") or {}
    if options.get("awslogs-group"):
        _require_log(context, options, execution, session)
    for volume in container.get("volumes") or []:
        if volume.get("efsVolumeConfiguration"):
            told = "CannotCreateVolumeError: mount.nfs4: access denied by server while mounting 127.0.0.1:/"
            _require(_client(container, volume, session), [_mount(context, volume, "ClientMount")], told)


def may_write(context: Context, container: Mapping[str, Any], volume: Mapping[str, Any], session: str) -> bool:
    """Whether a volume that is an EFS file system can be written to; without the permission it is read-only."""
    access = _mount(context, volume, "ClientWrite")
    return authorization.is_allowed(_client(container, volume, session), access)


def _require(principal: Principal, accesses: Iterable[Access], reason: str) -> None:
    try:
        authorization.require(principal, list(accesses), by=_BY)
    except AccessDeniedError as error:
        raise RefusedStartError(f"{reason}: AccessDeniedException: {error.message}") from error


def _require_log(context: Context, options: Mapping[str, str], role: Principal | None, session: str) -> None:
    """The awslogs driver makes streams, but a group only where it is told to; `role` is none where the machine's acts.

    Docker, "Amazon CloudWatch Logs logging driver": awslogs-create-group.
    """
    group = options["awslogs-group"]
    arn = context.arn("logs", f"log-group:{group}")
    stream = f"{arn}:log-stream:{options.get('awslogs-stream-prefix')}/default/{session}"
    needed = [Access("logs:CreateLogStream", stream), Access("logs:PutLogEvents", stream)]
    if group not in logs_backends[context.account][context.region].groups:
        if options.get("awslogs-create-group") != "true":
            told = "failed to create Cloudwatch log stream: ResourceNotFoundException"
            raise RefusedStartError(f"{_NO_LOG}: {told}: The specified log group does not exist.")
        needed.insert(0, Access("logs:CreateLogGroup", arn))
    if role:
        _require(role, needed, _NO_LOG)


def _pull(context: Context, image: str) -> Iterable[Access]:
    registry, _, name = image.partition("/")
    if ".dkr.ecr." not in registry:
        return
    repository = context.arn("ecr", f"repository/{name.partition('@')[0].partition(':')[0]}")
    yield Access("ecr:GetAuthorizationToken", "*")
    for action in ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"):
        yield Access(action, repository)


def _client(container: Mapping[str, Any], volume: Mapping[str, Any], session: str) -> Principal:
    """Who mounts: the job's role, or, where the volume does not ask for IAM, anybody."""
    settings = volume["efsVolumeConfiguration"].get("authorizationConfig") or {}
    role = container.get("jobRoleArn") if settings.get("iam") == "ENABLED" else None
    return identity.role(role, session) if role else ANONYMOUS


def _mount(context: Context, volume: Mapping[str, Any], action: str) -> Access:
    efs = volume["efsVolumeConfiguration"]
    keys: dict[str, tuple[str, ...]] = {"elasticfilesystem:accessedviamounttarget": ("true",)}
    if point := (efs.get("authorizationConfig") or {}).get("accessPointId"):
        keys["elasticfilesystem:accesspointarn"] = (context.arn("elasticfilesystem", f"access-point/{point}"),)
    file_system = context.arn("elasticfilesystem", f"file-system/{efs['fileSystemId']}")
    return Access(f"elasticfilesystem:{action}", file_system, keys)
