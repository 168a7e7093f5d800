"""CloudFormation: carries out templates after the table in `resources`, in the place of moto's own parser.

moto keeps the API around it (stacks, change sets, events, exports). Its parser skips types that it does not know with a
warning and drops properties; here both are errors that name what it is about.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudformation import models
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.utils import generate_stack_id

from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.resources import TABLE
from embedded_aws.stack_resources import Outputs, Resources, StackFailedError
from embedded_aws.template import TemplateError

_RESOURCE_MAP = Patch("moto.cloudformation.models:Stack._create_resource_map", "e0127acf6c7a6708")
_OUTPUT_MAP = Patch("moto.cloudformation.models:Stack._create_output_map", "2fbf0e644ecec374")
_CREATE_STACK = Patch("moto.cloudformation.models:CloudFormationBackend.create_stack", "dcb835c34772ed6c")
_DELETE_STACK = Patch("moto.cloudformation.models:CloudFormationBackend.delete_stack", "d0113177c342c294")
PATCHES = (
    _RESOURCE_MAP,
    _OUTPUT_MAP,
    _CREATE_STACK,
    _DELETE_STACK,
    # Not replaced, but what is put in the places above must fit to them.
    Patch("moto.cloudformation.models:Stack.__init__", "85a5ca674ef7f613"),
    Patch("moto.cloudformation.models:Stack.create_resources", "a5f30450448a1d58"),
    Patch("moto.cloudformation.models:Stack.update", "fd488c7f43d4b5c8"),
    Patch("moto.cloudformation.models:ChangeSet.apply", "1644afa9d35ce893"),
    Patch("moto.cloudformation.models:ChangeSet.diff", "6970930ee841c1a7"),
    Patch("moto.batch.models:ComputeEnvironment.__init__", "173728fd014d652c"),
)


@dataclass(frozen=True)
class Counts:
    """How many resources do what they do on AWS, and how many are only recorded, with the reason for each type."""

    executing: int
    inert: int
    inert_types: Mapping[str, str]


def counts(context: Context) -> Counts:
    """Over all stacks of the instance."""
    kinds = [
        resource.cf_resource_type
        for stack in models.cloudformation_backends[context.account][context.region].stacks.values()
        for resource in stack.resource_map.values()
    ]
    reasons = {kind: reason for kind in sorted(set(kinds)) if (reason := TABLE[kind].inert)}
    inert = sum(kind in reasons for kind in kinds)
    return Counts(executing=len(kinds) - inert, inert=inert, inert_types=reasons)


_lock = threading.RLock()


def install(context: Context) -> None:
    """Put the table in the place of moto's parser."""
    Resources.context = context
    _RESOURCE_MAP.apply(_resources_of)
    _OUTPUT_MAP.apply(lambda stack: Outputs(stack.resource_map, stack.template_dict, stack.stack_id))
    _CREATE_STACK.apply(_create_stack)
    _DELETE_STACK.apply(_delete_stack)


def _resources_of(stack: Any) -> Resources:
    resources = Resources(
        stack.stack_id, stack.name, stack.parameters, stack.template_dict, stack.cross_stack_resources
    )
    resources.load()
    return resources


def _create_stack(backend: Any, name: str, template: str, parameters: dict[str, Any], **options: Any) -> Any:
    """As moto's, but exports are known when the resources are there, and a failure rolls back."""
    with _lock:
        if any(stack.name == name for stack in backend.stacks.values()):
            raise AlreadyExistsException(f"Stack {name} already exists")
        stack_id = generate_stack_id(name, backend.region_name, backend.account_id)
        make: Any = models.Stack
        stack = make(
            stack_id=stack_id,
            name=name,
            template=template,
            parameters=parameters,
            account_id=backend.account_id,
            region_name=backend.region_name,
            cross_stack_resources=backend.exports,
            **options,
        )
        backend.stacks[stack_id] = stack
        stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
        try:
            stack.create_resources()
            exports = {export.name: export for export in stack.exports}
        except (StackFailedError, TemplateError) as error:
            stack.status, stack.status_reason = "ROLLBACK_COMPLETE", str(error)
            stack._add_stack_event("ROLLBACK_COMPLETE", resource_status_reason=str(error))
            return stack
        if taken := sorted(set(exports) & set(backend.exports)):
            raise ValidationError(stack_id, message=f"Export with name {taken[0]} is already exported")
        backend.exports.update(exports)
        return stack


def _delete_stack(backend: Any, name_or_stack_id: str) -> None:
    with _lock:
        for stack in list(backend.stacks.values()):
            if name_or_stack_id in (stack.stack_id, stack.name):
                names = [export.name for export in stack.exports] if stack.status.endswith("_COMPLETE") else []
                stack.delete()
                backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
                for name in names:
                    backend.exports.pop(name, None)
