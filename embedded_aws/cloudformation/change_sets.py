"""Change sets: what a template would change of a stack, resource by resource, before it does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from embedded_aws.cloudformation.stack_operations import Revision
from embedded_aws.cloudformation.stack_resources import Resources, StackResource
from embedded_aws.cloudformation.template import dependencies
from embedded_aws.resources import TABLE
from embedded_aws.resources.property_validation import UNRESOLVED
from embedded_aws.resources.schemas import conditionally_create_only, create_only

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_ATTRIBUTES = ("CreationPolicy", "DeletionPolicy", "Metadata", "UpdatePolicy", "UpdateReplacePolicy")


@dataclass
class ChangeSet:
    """One change set; `revision` is what executing it makes of the stack."""

    change_set_id: str
    name: str
    kind: str
    stack: Any
    revision: Revision
    description: str | None
    changes: list[dict[str, Any]]
    status: str = "CREATE_COMPLETE"
    status_reason: str | None = None
    execution_status: str = "AVAILABLE"
    creation_time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def summary(self) -> dict[str, Any]:
        """As ListChangeSets has it."""
        return {
            "StackId": self.stack.stack_id,
            "StackName": self.stack.name,
            "ChangeSetId": self.change_set_id,
            "ChangeSetName": self.name,
            "ExecutionStatus": self.execution_status,
            "Status": self.status,
            "StatusReason": self.status_reason,
            "CreationTime": self.creation_time,
            "Description": self.description,
        }

    def description_of_all(self) -> dict[str, Any]:
        """As DescribeChangeSet has it."""
        return {
            **self.summary(),
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value} for name, value in self.revision.parameters.items()
            ],
            "Tags": [{"Key": name, "Value": value} for name, value in self.revision.tags.items()],
            "Changes": [{"Type": "Resource", "ResourceChange": change} for change in self.changes],
        }


def is_same(stack: Any, revision: Revision) -> bool:
    """Whether a stack already is what `revision` says."""
    present: Resources = stack.resource_map
    planned = _planned(present, revision)
    return (
        present.template == planned.template
        and present.resolved_parameters == planned.resolved_parameters
        and dict(stack.tags) == dict(revision.tags)
    )


def changes(stack: Any, revision: Revision) -> list[dict[str, Any]]:
    """What would be added, modified and removed. Raises moto's ValidationError for a template that cannot be read."""
    present: Resources = stack.resource_map
    planned = _planned(present, revision)
    recreated: set[str] = set()
    found = []
    wanted = planned.wanted()
    for logical_id in wanted:
        resource = present.made.get(logical_id)
        change = _modified(planned, present, resource, recreated) if resource else _added(planned, logical_id)
        if change:
            found.append(change)
    gone = [resource for name, resource in present.made.items() if name not in wanted]
    return found + [_change("Remove", resource) for resource in gone]


def _planned(present: Resources, revision: Revision) -> Resources:
    planned = Resources(present.stack_id, present.stack_name, revision.parameters, revision.document)
    planned.made = present.made
    return planned


def _added(planned: Resources, logical_id: str) -> dict[str, Any]:
    kind = planned.template["Resources"][logical_id]["Type"]
    return {"Action": "Add", "LogicalResourceId": logical_id, "ResourceType": kind, "Scope": [], "Details": []}


def _change(action: str, resource: StackResource, **more: Any) -> dict[str, Any]:
    return {
        "Action": action,
        "LogicalResourceId": resource.logical_resource_id,
        "PhysicalResourceId": resource.physical_resource_id,
        "ResourceType": resource.cf_resource_type,
        "Scope": [],
        "Details": [],
        **more,
    }


def _modified(
    planned: Resources, present: Resources, resource: StackResource, recreated: set[str]
) -> dict[str, Any] | None:
    """Adds to `recreated` what is to be replaced, for those that depend on it."""
    logical_id, kind = resource.logical_resource_id, resource.cf_resource_type
    declared = planned.template["Resources"][logical_id]
    before = present.template["Resources"].get(logical_id, {})
    details = list(_property_changes(planned, resource, declared, recreated))
    attributes = [name for name in _ATTRIBUTES if declared.get(name) != before.get(name)]
    if not details and not attributes:
        return None
    ways = {detail["Target"]["RequiresRecreation"] for detail in details}
    recreates = bool(details) and (TABLE[kind].update is None or "Always" in ways)
    if recreates:
        recreated.add(logical_id)
    replacement = "True" if recreates else "Conditional" if "Conditionally" in ways else "False"
    scope = [*(["Properties"] if details else []), *attributes]
    for name in attributes:
        target = {"Attribute": name, "RequiresRecreation": "Never"}
        details.append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
    return _change("Modify", resource, Replacement=replacement, Scope=scope, Details=details)


def _property_changes(
    planned: Resources, resource: StackResource, declared: Mapping[str, Any], recreated: set[str]
) -> Iterator[dict[str, Any]]:
    written = declared.get("Properties") or {}
    properties = planned.resolver.outline(written, UNRESOLVED)
    for name in dict.fromkeys((*resource.properties, *properties)):
        follows = sorted(recreated & set(dependencies({"Properties": written.get(name)})))
        if resource.properties.get(name) == properties.get(name) and not follows:
            continue
        target = {
            "Attribute": "Properties",
            "Name": name,
            "RequiresRecreation": _recreation(resource.cf_resource_type, name),
        }
        if follows:
            yield {
                "Target": target,
                "Evaluation": "Dynamic",
                "ChangeSource": "ResourceReference",
                "CausingEntity": follows[0],
            }
        else:
            yield {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _recreation(kind: str, name: str) -> str:
    if any(path == (name,) for path in create_only(kind)):
        return "Always"
    partly = (*create_only(kind), *conditionally_create_only(kind))
    return "Conditionally" if any(path[0] == name for path in partly) else "Never"
