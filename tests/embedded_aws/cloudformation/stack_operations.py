"""What tests of stacks do with them, and what they read of their events."""

import json
from collections.abc import Mapping
from typing import Any

from embedded_aws.instance import Instance
from tests.embedded_aws.instance_clients import client


def template(resources: Mapping[str, Any], **more: Any) -> str:
    """A template's text; `more` are its other sections."""
    return json.dumps({"Resources": resources, **more})


def create(of: Instance, name: str, resources: Mapping[str, Any], **more: Any) -> Any:
    """Create a stack; how it stands then."""
    cloud = client(of, "cloudformation")
    cloud.create_stack(StackName=name, TemplateBody=template(resources, **more), Capabilities=["CAPABILITY_NAMED_IAM"])
    return described(of, name)


def update(of: Instance, name: str, resources: Mapping[str, Any], **more: Any) -> Any:
    """Update a stack; how it stands then."""
    cloud = client(of, "cloudformation")
    cloud.update_stack(StackName=name, TemplateBody=template(resources, **more), Capabilities=["CAPABILITY_NAMED_IAM"])
    return described(of, name)


def described(of: Instance, name: str) -> Any:
    """The stack of that name or id."""
    (stack,) = client(of, "cloudformation").describe_stacks(StackName=name)["Stacks"]
    return stack


def events(of: Instance, name: str) -> list[tuple[str, str, str | None]]:
    """(logical id, status, reason), the first first."""
    found = client(of, "cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in reversed(found)]


def reasons(of: Instance, name: str, status: str) -> dict[str, str | None]:
    """Logical ids of what came to `status`, with the reason."""
    return {logical_id: reason for logical_id, found, reason in events(of, name) if found == status}
