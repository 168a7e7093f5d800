"""The API's locations, tasks and tags."""

import time
from collections.abc import Mapping
from typing import Any

from moto.datasync.exceptions import InvalidRequestException
from moto.moto_api._internal import mock_random

from embedded_aws.context import Context
from embedded_aws.datasync.filters import FilterError, Filters
from embedded_aws.datasync.model import DEFAULT_OPTIONS, ENDED, Execution, Location, Task
from embedded_aws.file_servers import export

Parameters = Mapping[str, Any]

_UNSUPPORTED = {"PreserveDeletedFiles": "REMOVE", "PreserveDevices": "PRESERVE"}


class Definitions:
    """What is to be copied from where to where. Methods take an operation's parameters and return its answer."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._locations: dict[str, Location] = {}
        self._tasks: dict[str, Task] = {}
        self._executions: dict[str, Execution] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def create_location_nfs(self, parameters: Parameters) -> dict[str, Any]:
        """CreateLocationNfs."""
        return self._create_file_location("NFS", parameters)

    def create_location_smb(self, parameters: Parameters) -> dict[str, Any]:
        """CreateLocationSmb. Nothing is mounted, so its credentials are not tried."""
        return self._create_file_location("SMB", parameters)

    def create_location_s3(self, parameters: Parameters) -> dict[str, Any]:
        """CreateLocationS3."""
        bucket = parameters["S3BucketArn"].rsplit(":", 1)[-1]
        folder = (parameters.get("Subdirectory") or "").strip("/")
        return self._create_location("S3", f"s3://{bucket}/{folder}/" if folder else f"s3://{bucket}/", parameters)

    def describe_location_nfs(self, parameters: Parameters) -> dict[str, Any]:
        """DescribeLocationNfs."""
        location = self._location(parameters["LocationArn"], "NFS")
        return {**_described(location), **_some(location.given, "OnPremConfig", "MountOptions")}

    def describe_location_smb(self, parameters: Parameters) -> dict[str, Any]:
        """DescribeLocationSmb."""
        location = self._location(parameters["LocationArn"], "SMB")
        names = ("AgentArns", "User", "Domain", "MountOptions", "AuthenticationType", "CustomSecretConfig")
        return {**_described(location), **_some(location.given, *names)}

    def describe_location_s3(self, parameters: Parameters) -> dict[str, Any]:
        """DescribeLocationS3."""
        location = self._location(parameters["LocationArn"], "S3")
        return {
            **_described(location),
            "S3StorageClass": "STANDARD",
            **_some(location.given, "S3StorageClass", "S3Config"),
        }

    def list_locations(self, parameters: Parameters) -> dict[str, Any]:
        """ListLocations."""
        return {"Locations": [_described(location) for location in self._locations.values()]}

    def delete_location(self, parameters: Parameters) -> dict[str, Any]:
        """DeleteLocation."""
        location = self._location(parameters["LocationArn"])
        used = [task.arn for task in self._tasks.values() if location.arn in task.given.values()]
        if used:
            raise InvalidRequestException(f"Location {location.arn} is in use by {used[0]}.")
        del self._locations[location.arn]
        return {}

    def _create_file_location(self, kind: str, parameters: Parameters) -> dict[str, Any]:
        agents = parameters.get("AgentArns") or (parameters.get("OnPremConfig") or {}).get("AgentArns")
        if not agents:
            raise InvalidRequestException("An on-premises location needs at least one agent.")
        server, folder = parameters["ServerHostname"], parameters["Subdirectory"].strip("/")
        try:
            export(self._context, server, folder)
        except ValueError as error:
            raise InvalidRequestException(str(error)) from error
        return self._create_location(kind, f"{kind.lower()}://{server}/{folder}/", parameters)

    def _create_location(self, kind: str, uri: str, parameters: Parameters) -> dict[str, Any]:
        arn = self._arn("location/loc")
        self._locations[arn] = Location(arn, kind, uri, dict(parameters))
        self._tag(arn, parameters)
        return {"LocationArn": arn}

    def _location(self, arn: str, kind: str | None = None) -> Location:
        location = self._locations.get(arn)
        if location is None or kind not in (None, location.kind):
            raise InvalidRequestException(f"Location {arn} is not found.")
        return location

    def create_task(self, parameters: Parameters) -> dict[str, Any]:
        """CreateTask, from an NFS or SMB location into an S3 one."""
        source = self._location(parameters["SourceLocationArn"])
        target = self._location(parameters["DestinationLocationArn"])
        if source.kind == "S3" or target.kind != "S3":
            raise InvalidRequestException(f"The embedded DataSync does not copy from {source.kind} to {target.kind}.")
        check(parameters)
        arn = self._arn("task/task")
        self._tasks[arn] = Task(arn, {k: v for k, v in parameters.items() if k != "Tags"}, time.time())
        self._tag(arn, parameters)
        return {"TaskArn": arn}

    def update_task(self, parameters: Parameters) -> dict[str, Any]:
        """UpdateTask."""
        task = self._task(parameters["TaskArn"])
        check(parameters)
        options = {**(task.given.get("Options") or {}), **(parameters.get("Options") or {})}
        task.given |= {name: value for name, value in parameters.items() if name != "TaskArn"} | {"Options": options}
        return {}

    def describe_task(self, parameters: Parameters) -> dict[str, Any]:
        """DescribeTask."""
        task = self._task(parameters["TaskArn"])
        options = {**DEFAULT_OPTIONS, **(task.given.get("Options") or {})}
        running = self._active(task.arn)
        current = {"CurrentTaskExecutionArn": running[0].arn} if running else {}
        status = {"TaskArn": task.arn, "Status": self._status(task), "CreationTime": task.created, "TaskMode": "BASIC"}
        return {**task.given, **status, **current, "Options": options}

    def list_tasks(self, parameters: Parameters) -> dict[str, Any]:
        """ListTasks."""
        return {
            "Tasks": [
                {"TaskArn": task.arn, "Status": self._status(task), "Name": task.given.get("Name") or ""}
                for task in self._tasks.values()
            ]
        }

    def delete_task(self, parameters: Parameters) -> dict[str, Any]:
        """DeleteTask."""
        task = self._task(parameters["TaskArn"])
        for execution in self._active(task.arn):
            execution.cancelled.set()
        del self._tasks[task.arn]
        return {}

    def _task(self, arn: str) -> Task:
        if arn not in self._tasks:
            raise InvalidRequestException(f"Task {arn} is not found.")
        return self._tasks[arn]

    def _status(self, task: Task) -> str:
        active = self._active(task.arn)
        if not active:
            return "AVAILABLE"
        return "QUEUED" if active[0].status == "QUEUED" else "RUNNING"

    def _active(self, task_arn: str) -> list[Execution]:
        """Those executions of a task that have not ended, the oldest first."""
        return [e for e in self._executions.values() if e.task_arn == task_arn and e.status not in ENDED]

    def list_tags_for_resource(self, parameters: Parameters) -> dict[str, Any]:
        """ListTagsForResource."""
        tags = self._tags.get(self._known(parameters["ResourceArn"]), {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def tag_resource(self, parameters: Parameters) -> dict[str, Any]:
        """TagResource."""
        self._tag(self._known(parameters["ResourceArn"]), parameters)
        return {}

    def untag_resource(self, parameters: Parameters) -> dict[str, Any]:
        """UntagResource."""
        for key in parameters["Keys"]:
            self._tags.get(self._known(parameters["ResourceArn"]), {}).pop(key, None)
        return {}

    def _known(self, arn: str) -> str:
        if not any(arn in known for known in (self._locations, self._tasks, self._executions)):
            raise InvalidRequestException(f"Resource {arn} is not found.")
        return arn

    def _tag(self, arn: str, parameters: Parameters) -> None:
        given = {tag["Key"]: tag.get("Value", "") for tag in parameters.get("Tags") or ()}
        self._tags.setdefault(arn, {}).update(given)

    def _arn(self, resource: str) -> str:
        # moto's source of ids, so that a stack's resources have the same in every life of an instance.
        identifier = mock_random.get_random_hex(17)
        context = self._context
        return f"arn:{context.partition}:datasync:{context.region}:{context.account}:{resource}-{identifier}"


def check(parameters: Parameters) -> None:
    """Refuse what DataSync refuses, and what is not carried out here."""
    try:
        Filters.read(parameters.get("Includes") or (), parameters.get("Excludes") or ())
    except FilterError as error:
        raise InvalidRequestException(str(error)) from error
    if parameters.get("ManifestConfig"):
        raise InvalidRequestException("The embedded DataSync reads no manifests.")
    for name, value in (parameters.get("Options") or {}).items():
        if _UNSUPPORTED.get(name) == value:
            raise InvalidRequestException(f"The embedded DataSync does not support {name} {value}.")


def _described(location: Location) -> dict[str, Any]:
    return {"LocationArn": location.arn, "LocationUri": location.uri}


def _some(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}
