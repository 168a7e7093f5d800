"""CloudFormation's API calls that create, change and delete stacks and change sets, in the place of moto's."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError
from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.core.responses import ActionResult, EmptyResult

from embedded_aws import clients
from embedded_aws.cloudformation.stack_operations import Revision
from embedded_aws.guard import Patch

if TYPE_CHECKING:
    from embedded_aws.cloudformation.service import Stacks

_RESPONSE = "moto.cloudformation.responses:CloudFormationResponse."
_REPLACED = {
    "create_stack": "8067e0d9ef2abc23",
    "update_stack": "ee691a76e2154867",
    "delete_stack": "4444140dae503ee6",
    "get_template": "81c70cece96b1fb1",
    "create_change_set": "9eb833dacc5f8452",
    "describe_change_set": "96c6b1f6a6178337",
    "execute_change_set": "1220faf0bd60cf99",
    "delete_change_set": "03c00dc6556ad57a",
    "list_change_sets": "7c57429c611fe159",
    "list_stack_resources": "fcc4b4296d4f9e58",
}
_RESOURCE = Patch("moto.cloudformation.responses:StackResourceDTO.__init__", "63933687e0881899")
_PATCHES = {name: Patch(_RESPONSE + name, digest) for name, digest in _REPLACED.items()}
PATCHES = (*_PATCHES.values(), _RESOURCE)

_IAM_TYPES = ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::InstanceProfile")
_IAM_NAMES = ("RoleName", "ManagedPolicyName", "InstanceProfileName", "UserName", "GroupName")


class ChangeSetNotFoundError(CloudFormationError):
    """There is no change set of that name."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatusError(CloudFormationError):
    """The change set cannot be executed."""

    code = "InvalidChangeSetStatus"


class _InsufficientCapabilitiesError(CloudFormationError):
    code = "InsufficientCapabilitiesException"


def install(stacks: "Stacks") -> None:
    """Let requests come to `stacks`."""

    def bound(function: Callable[["Stacks", Any], Any]) -> Callable[[Any], Any]:
        return lambda response: function(stacks, response)

    for name, patch in _PATCHES.items():
        patch.apply(bound(_CALLS[name]))
    response: Any = responses.CloudFormationResponse
    for name in ("update_termination_protection", "list_imports"):
        setattr(response, name, bound(_CALLS[name]))
    for path in ("DescribeChangeSetOutput.Changes", "DescribeChangeSetOutput.Parameters"):
        response.RESPONSE_KEY_PATH_TO_TRANSFORMER.pop(path, None)
    _RESOURCE.apply(_describe_resource)


def _create_stack(stacks: "Stacks", response: Any) -> ActionResult:
    revision = _revision(response, None)
    on_failure = response._get_param("OnFailure")
    stack = stacks.create(
        response._get_param("StackName"),
        revision,
        roll_back=not (response._get_bool_param("DisableRollback", False) or on_failure == "DO_NOTHING"),
        protected=response._get_bool_param("EnableTerminationProtection", False),
    )
    if on_failure == "DELETE" and stack.status == "ROLLBACK_COMPLETE":
        stacks.delete(stack.stack_id)
    return ActionResult({"StackId": stack.stack_id})


def _update_stack(stacks: "Stacks", response: Any) -> ActionResult:
    present = stacks.find(response._get_param("StackName"))
    stack = stacks.update(present.stack_id, _revision(response, present))
    return ActionResult({"StackId": stack.stack_id})


def _delete_stack(stacks: "Stacks", response: Any) -> EmptyResult:
    stacks.delete(response._get_param("StackName"), response._get_param("RetainResources", []))
    return EmptyResult()


def _get_template(stacks: "Stacks", response: Any) -> ActionResult:
    if name := response._get_param("ChangeSetName"):
        template = stacks.change_set(name, response._get_param("StackName")).revision.template
    else:
        template = stacks.find(response._get_param("StackName"), deleted=True).template
    return ActionResult({"TemplateBody": template, "StagesAvailable": ["Original", "Processed"]})


def _create_change_set(stacks: "Stacks", response: Any) -> ActionResult:
    kind, stack_name = response._get_param("ChangeSetType", "UPDATE"), response._get_param("StackName")
    present = stacks.find(stack_name) if kind == "UPDATE" else None
    made = stacks.create_change_set(
        response._get_param("ChangeSetName"),
        kind,
        stack_name,
        _revision(response, present),
        response._get_param("Description"),
    )
    return ActionResult({"Id": made.change_set_id, "StackId": made.stack.stack_id})


def _describe_change_set(stacks: "Stacks", response: Any) -> ActionResult:
    found = stacks.change_set(response._get_param("ChangeSetName"), response._get_param("StackName"))
    return ActionResult(found.description_of_all())


def _execute_change_set(stacks: "Stacks", response: Any) -> EmptyResult:
    stacks.execute_change_set(
        response._get_param("ChangeSetName"),
        response._get_param("StackName"),
        roll_back=not response._get_bool_param("DisableRollback", False),
    )
    return EmptyResult()


def _delete_change_set(stacks: "Stacks", response: Any) -> EmptyResult:
    stacks.delete_change_set(response._get_param("ChangeSetName"), response._get_param("StackName"))
    return EmptyResult()


def _list_change_sets(stacks: "Stacks", response: Any) -> ActionResult:
    found = stacks.change_sets(response._get_param("StackName"))
    return ActionResult({"Summaries": [change_set.summary() for change_set in found]})


def _list_stack_resources(stacks: "Stacks", response: Any) -> ActionResult:
    stack = stacks.find(response._get_param("StackName"), deleted=True)
    found = [
        {
            "LogicalResourceId": resource.logical_resource_id,
            "PhysicalResourceId": resource.physical_resource_id,
            "ResourceType": resource.cf_resource_type,
            "ResourceStatus": resource.status,
            "ResourceStatusReason": resource.status_reason,
            "LastUpdatedTimestamp": resource.timestamp,
        }
        for resource in stack.resource_map.values()
    ]
    return ActionResult({"StackResourceSummaries": found})


def _describe_resource(description: Any, stack: Any, resource: Any) -> None:
    description.stack_id, description.stack_name = stack.stack_id, stack.name
    description.logical_resource_id = resource.logical_resource_id
    description.physical_resource_id = resource.physical_resource_id
    description.resource_type = resource.cf_resource_type
    description.resource_status, description.resource_status_reason = resource.status, resource.status_reason
    description.timestamp = description.last_updated_timestamp = resource.timestamp


def _update_termination_protection(stacks: "Stacks", response: Any) -> ActionResult:
    protected = response._get_bool_param("EnableTerminationProtection", False)
    return ActionResult({"StackId": stacks.protect(response._get_param("StackName"), protected=protected).stack_id})


def _list_imports(stacks: "Stacks", response: Any) -> ActionResult:
    name = response._get_param("ExportName")
    users = stacks.importing(name)
    if not users:
        raise ValidationError(message=f"Export '{name}' is not imported by any stack.")
    return ActionResult({"Imports": users})


_CALLS: Mapping[str, Callable[["Stacks", Any], Any]] = {
    "create_stack": _create_stack,
    "update_stack": _update_stack,
    "delete_stack": _delete_stack,
    "get_template": _get_template,
    "create_change_set": _create_change_set,
    "describe_change_set": _describe_change_set,
    "execute_change_set": _execute_change_set,
    "delete_change_set": _delete_change_set,
    "list_change_sets": _list_change_sets,
    "list_stack_resources": _list_stack_resources,
    "update_termination_protection": _update_termination_protection,
    "list_imports": _list_imports,
}


def _revision(response: Any, present: Any) -> Revision:
    """What a request says a stack is to be; from the `present` one it may take over template and parameters."""
    template = _template(response, present)
    try:
        document = models.Stack.parse_template(template)
    except Exception as error:
        raise ValidationError(message=f"Template format error: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict) or not document["Resources"]:
        raise ValidationError(message="Template format error: At least one Resources member must be defined.")
    _check_capabilities(document, response._get_param("Capabilities", []))
    parameters: dict[str, str] = {}
    for given in response._get_param("Parameters", []):
        name = given["ParameterKey"]
        if given.get("UsePreviousValue"):
            if present is None or name not in present.parameters:
                continue
            parameters[name] = present.parameters[name]
        else:
            parameters[name] = given.get("ParameterValue", "")
    if unknown := sorted(set(parameters) - set(document.get("Parameters", {}))):
        raise ValidationError(message=f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    tags = response._get_param("Tags")
    given_tags = {tag["Key"]: tag["Value"] for tag in tags or []}
    kept_tags = present.tags if present is not None and tags is None else given_tags
    return Revision(template, document, parameters, kept_tags)


def _template(response: Any, present: Any) -> str:
    if response._get_bool_param("UsePreviousTemplate", False) and present is not None:
        return str(present.template)
    if url := response._get_param("TemplateURL"):
        return _object_at(str(url))
    if body := response._get_param("TemplateBody"):
        return str(body)
    raise ValidationError(message="Either Template URL or Template Body must be specified.")


def _object_at(url: str) -> str:
    """The text of the object that an S3 URL names, bucket in the path or before the host's name."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    if host == "localhost" or host.startswith("s3") or host.replace(".", "").isdigit():
        bucket, _, key = path.partition("/")
    else:
        bucket, key = re.split(r"\.s3[.-]|\.localhost$", host)[0], path
    try:
        return str(clients.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    except ClientError as error:
        raise ValidationError(message=f"S3 error: {error.response['Error']['Message']}") from error


def _check_capabilities(document: Mapping[str, Any], given: list[str]) -> None:
    iam = [resource for resource in document["Resources"].values() if resource.get("Type") in _IAM_TYPES]
    named = any(name in resource.get("Properties", {}) for resource in iam for name in _IAM_NAMES)
    enough = ["CAPABILITY_NAMED_IAM"] if named else ["CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"]
    if iam and not set(enough) & set(given):
        raise _InsufficientCapabilitiesError(f"Requires capabilities : [{enough[-1]}]")
