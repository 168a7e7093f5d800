"""CloudFormation: carries out templates after the table in `resources`, in the place of moto's own parser.

moto keeps the records that its API shows (stacks, events, exports). Its parser skips types that it does not know with a
warning and drops properties, its updates recreate what they should change and its failures leave what was made; here
`stack_operations` does the work.
"""

import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudformation import models
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError

from embedded_aws.cloudformation import api as cloudformation_api
from embedded_aws.cloudformation import derived_ids, stack_operations
from embedded_aws.cloudformation.change_sets import NO_CHANGES, ChangeSet, changes, is_same
from embedded_aws.cloudformation.kept_stacks import KeptStack
from embedded_aws.cloudformation.stack_operations import Revision
from embedded_aws.cloudformation.stack_resources import Outputs, Resources
from embedded_aws.context import Context
from embedded_aws.guard import Patch
from embedded_aws.resources import TABLE

_RESOURCE_MAP = Patch("moto.cloudformation.models:Stack._create_resource_map", "e0127acf6c7a6708")
_OUTPUT_MAP = Patch("moto.cloudformation.models:Stack._create_output_map", "2fbf0e644ecec374")
PATCHES = (
    _RESOURCE_MAP,
    _OUTPUT_MAP,
    *cloudformation_api.PATCHES,
    *derived_ids.PATCHES,
    # Not replaced, but what is put in the places above must fit to them.
    Patch("moto.cloudformation.models:Stack.__init__", "85a5ca674ef7f613"),
    Patch("moto.batch.models:ComputeEnvironment.__init__", "173728fd014d652c"),
)
NOTHING_TO_DO = "No updates are to be performed."
_REVIEW = "REVIEW_IN_PROGRESS"
_NOT_UPDATABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", _REVIEW)


@dataclass(frozen=True)
class Counts:
    """How many resources do what they do on AWS, and how many are only recorded, with the reason for each type."""

    executing: int
    inert: int
    inert_types: Mapping[str, str]


def counts(context: Context) -> Counts:
    """Over all stacks of the instance."""
    stacks = models.cloudformation_backends[context.account][context.region].stacks.values()
    kinds = [resource.cf_resource_type for stack in stacks for resource in stack.resource_map.values()]
    reasons = {kind: reason for kind in sorted(set(kinds)) if (reason := TABLE[kind].inert)}
    inert = sum(kind in reasons for kind in kinds)
    return Counts(executing=len(kinds) - inert, inert=inert, inert_types=reasons)


_lock = threading.RLock()
_watchers: list[Callable[[KeptStack], None]] = []


def install(context: Context) -> None:
    """Put the table in the place of moto's parser, and our operations behind its API."""
    Resources.context = context
    Resources.exported = staticmethod(lambda name: _backend(context).exports[name].value)
    derived_ids.install()
    _RESOURCE_MAP.apply(lambda stack: Resources(stack.stack_id, stack.name, stack.parameters, stack.template_dict))
    _OUTPUT_MAP.apply(lambda stack: Outputs(stack.resource_map, stack.stack_id))
    cloudformation_api.install(Stacks(context))


def on_change(watcher: Callable[[KeptStack], None]) -> None:
    """Call `watcher` with a stack's record whenever an operation on it has ended."""
    _watchers.append(watcher)


def stacks_to_keep(context: Context) -> list[KeptStack]:
    """Every stack that is, or was, there; in the order in which they can be made again."""
    backend = _backend(context)
    with _lock:
        return [_kept(stack) for stack in (*backend.deleted_stacks.values(), *backend.stacks.values())]


class Stacks:
    """The stacks of the instance, and what may be done with them. Refusals are moto's ValidationError."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._change_sets: dict[str, ChangeSet] = {}

    def get(self, name: str) -> Any | None:
        """The stack of that name or id, if there is one."""
        stacks = _backend(self._context).stacks.values()
        return next((stack for stack in stacks if name in (stack.stack_id, stack.name)), None)

    def find(self, name: str, *, deleted: bool = False) -> Any:
        """The stack of that name or id; of those that are deleted only by id, and only if `deleted`."""
        if stack := self.get(name):
            return stack
        gone = _backend(self._context).deleted_stacks
        if deleted and name in gone:
            return gone[name]
        raise ValidationError(message=f"Stack with id {name} does not exist")

    def create(self, name: str, revision: Revision, *, roll_back: bool = True, protected: bool = False) -> Any:
        """Create a stack; whether that worked is told in its status."""
        with _lock:
            if self.get(name):
                raise AlreadyExistsException(f"Stack [{name}] already exists")
            stack = self._new(name, revision)
            stack.enable_termination_protection = protected
            stack_operations.create(stack, self._settle_exports, roll_back=roll_back)
            self._changed(stack)
            return stack

    def update(self, name: str, revision: Revision) -> Any:
        """Update a stack; whether that worked is told in its status."""
        with _lock:
            stack = self.find(name)
            if stack.status in _NOT_UPDATABLE:
                raise ValidationError(
                    message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
                )
            if is_same(stack, revision):
                raise ValidationError(message=NOTHING_TO_DO)
            stack_operations.update(stack, revision, self._settle_exports)
            self._changed(stack)
            return stack

    def delete(self, name: str, leaving: Collection[str] = ()) -> None:
        """Delete a stack; whether that worked is told in its status. One that does not exist is deleted."""
        backend = _backend(self._context)
        with _lock:
            stack = self.get(name)
            if stack is None:
                return
            if stack.enable_termination_protection:
                raise ValidationError(
                    message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                )
            if leaving and stack.status != "DELETE_FAILED":
                raise ValidationError(
                    message=f"Invalid operation on stack [{stack.stack_id}]. To delete a stack while retaining "
                    "resources, the stack must be in DELETE_FAILED state."
                )
            names = [export.name for export in backend.exports.values() if export.exporting_stack_id == stack.stack_id]
            stack_operations.delete(stack, self._in_use(stack, names, "deleted"), leaving=leaving)
            if stack.status == "DELETE_COMPLETE":
                backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
                for export in names:
                    backend.exports.pop(export, None)
            self._changed(stack)

    def restore(self, kept: KeptStack) -> None:
        """Make a stack again as it was. Raises ResourceFailedError."""
        with _lock:
            document = models.Stack.parse_template(kept.template) if kept.template else {}
            stack = self._new(kept.name, Revision(kept.template, document, kept.parameters, kept.tags), kept.stack_id)
            stack.enable_termination_protection = kept.termination_protection
            resources: Resources = stack.resource_map
            resources.generations = dict(kept.generations)
            if kept.status == "DELETE_COMPLETE":
                backend = _backend(self._context)
                backend.deleted_stacks[kept.stack_id] = backend.stacks.pop(kept.stack_id)
            stack_operations.restore(stack, kept.resources, kept.status)
            self._settle_exports(stack)

    def why_failed(self, stack: Any) -> str:
        """The first resource that failed, with its reason; otherwise the stack's own reason."""
        failed = [event for event in stack.events if event.resource_status.endswith("_FAILED")]
        for event in failed:
            if event.physical_resource_id != stack.stack_id and event.resource_status_reason:
                what = {"CREATE_FAILED": "created", "UPDATE_FAILED": "updated"}.get(event.resource_status, "deleted")
                resource = f"{event.logical_resource_id} ({event.resource_type})"
                return f"{resource} cannot be {what}: {event.resource_status_reason}"
        return str(stack.status_reason or stack.status)

    def protect(self, name: str, *, protected: bool) -> Any:
        """Turn termination protection on or off."""
        stack = self.find(name)
        stack.enable_termination_protection = protected
        self._changed(stack)
        return stack

    def create_change_set(
        self, name: str, kind: str, stack_name: str, revision: Revision, description: str | None
    ) -> ChangeSet:
        """Say what `revision` would change. A change set of type CREATE makes a stack without resources, in review."""
        with _lock:
            stack = self._reviewed(stack_name, revision) if kind == "CREATE" else self.find(stack_name)
            if any(known.name == name and known.stack is stack for known in self._change_sets.values()):
                raise AlreadyExistsException(f"ChangeSet {name} already exists")
            found = changes(stack, revision)
            number = uuid.uuid5(uuid.NAMESPACE_URL, f"{stack.stack_id}/{name}/{len(stack.events)}")
            place = f"{self._context.region}:{self._context.account}"
            arn = f"arn:{self._context.partition}:cloudformation:{place}:changeSet/{name}/{number}"
            made = ChangeSet(arn, name, kind, stack, revision, description, found)
            if kind != "CREATE" and is_same(stack, revision):
                made.status, made.status_reason, made.execution_status = "FAILED", NO_CHANGES, "UNAVAILABLE"
            self._change_sets[arn] = made
            return made

    def change_set(self, name: str, stack_name: str | None) -> ChangeSet:
        """The change set of that ARN, or of that name and stack."""
        for found in self._change_sets.values():
            if name == found.change_set_id or (
                name == found.name and stack_name in (found.stack.name, found.stack.stack_id)
            ):
                return found
        raise cloudformation_api.ChangeSetNotFoundError(name)

    def change_sets(self, stack_name: str) -> list[ChangeSet]:
        """Those of one stack."""
        stack = self.find(stack_name)
        return [found for found in self._change_sets.values() if found.stack is stack]

    def delete_change_set(self, name: str, stack_name: str | None) -> None:
        """Forget a change set; one that is not there is gone already."""
        try:
            self._change_sets.pop(self.change_set(name, stack_name).change_set_id)
        except cloudformation_api.ChangeSetNotFoundError:
            return

    def execute_change_set(self, name: str, stack_name: str | None, *, roll_back: bool = True) -> None:
        """Do what the change set says. Those of the same stack that were not executed are then void."""
        with _lock:
            chosen = self.change_set(name, stack_name)
            if chosen.execution_status != "AVAILABLE":
                raise cloudformation_api.InvalidChangeSetStatusError(
                    f"ChangeSet [{chosen.change_set_id}] cannot be executed in its current status of [{chosen.status}]"
                )
            stack = chosen.stack
            if chosen.kind == "CREATE":
                chosen.revision.declare(stack)
                stack_operations.create(stack, self._settle_exports, roll_back=roll_back)
            else:
                stack_operations.update(stack, chosen.revision, self._settle_exports)
            for arn, found in list(self._change_sets.items()):
                if found.stack is stack:
                    del self._change_sets[arn]
            self._changed(stack)

    def _reviewed(self, name: str, revision: Revision) -> Any:
        present = self.get(name)
        if present is not None and present.status != _REVIEW:
            raise ValidationError(
                message=f"Stack [{name}] already exists and cannot be created again with the changeSet"
            )
        if present is not None:
            return present
        stack = self._new(name, Revision("", {}, {}, revision.tags))
        stack_operations.enter_review(stack)
        return stack

    def _new(self, name: str, revision: Revision, stack_id: str | None = None) -> Any:
        context, backend = self._context, _backend(self._context)
        if stack_id is None:
            before = sum(stack.name == name for stack in backend.deleted_stacks.values())
            number = uuid.uuid5(uuid.NAMESPACE_URL, f"{context.account}/{context.region}/{name}/{before}")
            place = f"{context.region}:{context.account}"
            stack_id = f"arn:{context.partition}:cloudformation:{place}:stack/{name}/{number}"
        make: Any = models.Stack
        stack = make(
            stack_id=stack_id,
            name=name,
            template=revision.template or {},
            parameters=dict(revision.parameters),
            account_id=context.account,
            region_name=context.region,
            tags=dict(revision.tags),
        )
        stack.status_reason, stack.last_updated_time = None, None
        backend.stacks[stack_id] = stack
        return stack

    def _settle_exports(self, stack: Any) -> str | None:
        """Make a stack's exports known; the reason when they cannot be."""
        exports = _backend(self._context).exports
        new = {export.name: export for export in stack.exports}
        for name in new:
            if name in exports and exports[name].exporting_stack_id != stack.stack_id:
                owner = self.find(exports[name].exporting_stack_id).name
                return f"Export with name {name} is already exported by stack {owner}."
        own = {name: export for name, export in exports.items() if export.exporting_stack_id == stack.stack_id}
        gone = [name for name in own if name not in new]
        differing = [name for name in own if name in new and own[name].value != new[name].value]
        if reason := self._in_use(stack, gone, "deleted") or self._in_use(stack, differing, "updated"):
            return reason
        for name in gone:
            del exports[name]
        exports.update(new)
        return None

    def _in_use(self, stack: Any, names: Collection[str], what: str) -> str | None:
        for name in names:
            users = self.importing(name, besides=stack)
            if users:
                return f"Export {name} cannot be {what} as it is in use by {' and '.join(users)}"
        return None

    def importing(self, name: str, *, besides: Any = None) -> list[str]:
        """Names of the stacks that import an export."""
        stacks = _backend(self._context).stacks.values()
        return [other.name for other in stacks if other is not besides and name in other.resource_map.imports()]

    def _changed(self, stack: Any) -> None:
        for watcher in _watchers:
            watcher(_kept(stack))


def _backend(context: Context) -> Any:
    return models.cloudformation_backends[context.account][context.region]


def _kept(stack: Any) -> KeptStack:
    resources: Resources = stack.resource_map
    return KeptStack(
        stack_id=stack.stack_id,
        name=stack.name,
        status=stack.status,
        template=stack.template if isinstance(stack.template, str) else "",
        parameters={name: str(value) for name, value in stack.parameters.items()},
        tags=dict(stack.tags),
        resources=tuple(resources.made),
        generations=dict(resources.generations),
        termination_protection=stack.enable_termination_protection,
    )
