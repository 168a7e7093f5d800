"""Creating, updating and deleting a stack: its resources one after the other, its events, and the way back.

Statuses and reasons are those of the CloudFormation User Guide ("Understand CloudFormation stack creation events",
"Stack status codes"). An operation has ended when its call returns.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from moto.cloudformation.models import Event

from embedded_aws.cloudformation.stack_resources import KEEPING_POLICIES, ResourceFailedError, Resources, StackResource
from embedded_aws.cloudformation.template import NotYetKnownError, TemplateError, dependencies
from embedded_aws.resources.resource_type import Created

_BY_USER = "User Initiated"
_CANCELLED = "Resource creation cancelled"


@dataclass(frozen=True)
class Revision:
    """What a stack is told to be. `template` is its text, `document` what that says."""

    template: str
    document: Mapping[str, Any]
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]

    @classmethod
    def of(cls, stack: Any) -> "Revision":
        """What it is now."""
        return cls(stack.template, stack.template_dict, stack.parameters, stack.tags)

    def declare(self, stack: Any) -> None:
        """Make the stack this. Raises moto's ValidationError, with nothing changed, when it cannot be."""
        stack.resource_map.declare(self.document, self.parameters)
        stack.template, stack.template_dict = self.template, dict(self.document)
        stack.parameters, stack.tags = dict(self.parameters), dict(self.tags)
        stack.description = self.document.get("Description")


class _StackFailedError(RuntimeError):
    """The operation cannot go on; the message is the stack's status reason."""


# Raises _StackFailedError when the exports that a stack has, or is about to have, stand in the way.
ExportCheck = Callable[[Any], str | None]


def create(stack: Any, check_exports: ExportCheck, *, roll_back: bool = True) -> None:
    """Make everything in the stack's template. A failure is told in the status; what was made is removed again."""
    resources: Resources = stack.resource_map
    _enter(stack, "CREATE_IN_PROGRESS", _BY_USER)
    try:
        _refuse(stack, "CREATE")
        for logical_id in resources.wanted():
            _create(stack, logical_id)
        _finish_outputs(stack, check_exports)
    except _StackFailedError as failure:
        if not roll_back:
            _enter(stack, "CREATE_FAILED", str(failure))
            return
        _enter(stack, "ROLLBACK_IN_PROGRESS", f"{failure} Rollback requested by user.")
        left = _delete_all(stack, keeping=lambda resource: resource.deletion_policy == "Retain")
        _enter(stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", left or str(failure))
        return
    _enter(stack, "CREATE_COMPLETE")


def restore(stack: Any, logical_ids: Collection[str], status: str) -> None:
    """Make resources again as they were, adopting what is still there. Raises ResourceFailedError."""
    resources: Resources = stack.resource_map
    for logical_id in logical_ids:
        creation = resources.creation(logical_id, generation=resources.generations[logical_id])
        resources.create(replace(creation, adopting=True))
    resources.complete = bool(logical_ids)
    _enter(stack, status)


def enter_review(stack: Any) -> None:
    """A stack of which there is only a change set so far."""
    _enter(stack, "REVIEW_IN_PROGRESS", _BY_USER)


def update(stack: Any, revision: Revision, check_exports: ExportCheck) -> None:
    """Carry out a changed template. A failure is told in the status; everything is then as it was before.

    Raises moto's ValidationError, with nothing changed, for a template that cannot be carried out at all.
    """
    before = Revision.of(stack)
    revision.declare(stack)
    changes = _Changes(stack)
    stack.last_updated_time = datetime.now(UTC)
    _enter(stack, "UPDATE_IN_PROGRESS", _BY_USER)
    try:
        _refuse(stack, "UPDATE")
        for logical_id in stack.resource_map.wanted():
            changes.bring(logical_id)
        _finish_outputs(stack, check_exports)
    except _StackFailedError as failure:
        _enter(stack, "UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
        before.declare(stack)
        left = changes.take_back()
        stack.resource_map.complete = True
        if left:
            _enter(stack, "UPDATE_ROLLBACK_FAILED", left)
            return
        _enter(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        _enter(stack, "UPDATE_ROLLBACK_COMPLETE", str(failure), event_reason=None)
        return
    _enter(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    changes.clean_up()
    _enter(stack, "UPDATE_COMPLETE")


def delete(stack: Any, in_use: str | None, *, leaving: Collection[str] = ()) -> None:
    """Delete everything that is not to be retained. A failure is told in the status.

    `in_use` is why the stack must stay; `leaving` names resources that are left although nothing retains them.
    """
    _enter(stack, "DELETE_IN_PROGRESS", _BY_USER)
    if in_use:
        _enter(stack, "DELETE_FAILED", in_use)
        return
    left = _delete_all(
        stack,
        keeping=lambda resource: (
            resource.deletion_policy in KEEPING_POLICIES or resource.logical_resource_id in leaving
        ),
    )
    _enter(stack, "DELETE_FAILED" if left else "DELETE_COMPLETE", left)


class _Changes:
    """What an update has done so far, and how it is undone."""

    def __init__(self, stack: Any) -> None:
        self._stack = stack
        self._resources: Resources = stack.resource_map
        self._before = dict(self._resources.made)
        self._undo: list[Callable[[], None]] = []
        self._replaced: list[StackResource] = []

    def bring(self, logical_id: str) -> None:
        """Make a resource what the template says. Raises _StackFailedError."""
        present = self._resources.made.get(logical_id)
        if present is None:
            # Noted before, for what fails half-way.
            self._undo.append(lambda: self._discard_new(logical_id))
            _create(self._stack, logical_id)
            return
        try:
            creation = self._resources.creation(logical_id)
            if creation.properties == present.properties:
                self._resources.read_policies(logical_id)
                return
            if not self._resources.replaces(creation):
                _tell(self._stack, present, "UPDATE_IN_PROGRESS")
                self._undo.append(lambda: self._restore(present, creation.properties))
                self._resources.change(creation)
            else:
                _tell(
                    self._stack,
                    present,
                    "UPDATE_IN_PROGRESS",
                    "Requested update requires the creation of a new physical resource; hence creating one.",
                )
                self._undo.append(lambda: self._put_back(present))
                self._resources.create(replace(creation, generation=self._resources.next_generation(logical_id)))
                self._replaced.append(present)
        except ResourceFailedError as error:
            _tell(self._stack, present, "UPDATE_FAILED", str(error))
            raise _StackFailedError(f"The following resource(s) failed to update: [{logical_id}].") from error
        self._resources.read_policies(logical_id)
        _tell(self._stack, self._resources[logical_id], "UPDATE_COMPLETE")

    def clean_up(self) -> None:
        """Delete what was replaced and what the template no longer has; what cannot be deleted is left."""
        resources, wanted = self._resources, set(self._resources.wanted())
        replaced = [
            replace(old, deletion_policy=resources[old.logical_resource_id].update_replace_policy)
            for old in self._replaced
        ]
        removed = [resource for name, resource in self._before.items() if name not in wanted]
        for resource in [*reversed(replaced), *reversed(removed)]:
            _delete(self._stack, resource, keep=resource.deletion_policy in KEEPING_POLICIES)
            if resource in removed:
                resources.made.pop(resource.logical_resource_id, None)

    def take_back(self) -> str | None:
        """Undo everything, last first; the reason when that fails."""
        failed: list[str] = []
        for undo in reversed(self._undo):
            try:
                undo()
            except ResourceFailedError as error:
                failed.append(str(error))
        return " ".join(failed) or None

    def _discard_new(self, logical_id: str) -> None:
        if made := self._resources.made.get(logical_id):
            _delete(self._stack, made, keep=made.deletion_policy == "Retain")
            self._resources.made.pop(logical_id, None)

    def _restore(self, before: StackResource, tried: Mapping[str, Any]) -> None:
        made = self._resources.made
        logical_id = before.logical_resource_id
        made[logical_id] = replace(made[logical_id], properties=tried)
        _tell(self._stack, before, "UPDATE_IN_PROGRESS")
        restored = self._resources.change(self._resources.recreation(before))
        made[logical_id] = replace(restored, status=before.status)
        _tell(self._stack, restored, "UPDATE_COMPLETE")

    def _put_back(self, before: StackResource) -> None:
        logical_id = before.logical_resource_id
        new = self._resources.made[logical_id]
        self._resources.made[logical_id] = before
        if new is not before:
            _delete(self._stack, new, keep=False)


def _refuse(stack: Any, doing: str) -> None:
    """Fail with all that is known to be impossible before anything is made."""
    refused = stack.resource_map.refused()
    for logical_id, reason in refused.items():
        _tell(stack, _declared(stack, logical_id), f"{doing}_IN_PROGRESS")
        _tell(stack, _declared(stack, logical_id), f"{doing}_FAILED", reason)
    if refused:
        _cancel_others(stack, set(refused))
        raise _StackFailedError(f"The following resource(s) failed to {doing.lower()}: [{', '.join(refused)}].")


def _create(stack: Any, logical_id: str) -> None:
    resources: Resources = stack.resource_map
    declared = _declared(stack, logical_id)
    try:
        creation = resources.creation(logical_id, generation=resources.next_generation(logical_id))
        _tell(stack, replace(declared, properties=creation.properties), "CREATE_IN_PROGRESS")
        made = resources.create(creation)
    except ResourceFailedError as error:
        _tell(stack, declared, "CREATE_FAILED", str(error))
        _cancel_others(stack, {logical_id})
        raise _StackFailedError(f"The following resource(s) failed to create: [{logical_id}].") from error
    _tell(stack, made, "CREATE_IN_PROGRESS", "Resource creation Initiated")
    _tell(stack, made, "CREATE_COMPLETE")


def _cancel_others(stack: Any, failed: set[str]) -> None:
    """On AWS what needs nothing that is not there yet is being made at the same time, and is then cancelled."""
    resources: Resources = stack.resource_map
    declared = resources.template["Resources"]
    waiting = set(declared) - set(resources.made)
    for logical_id in resources.wanted():
        if logical_id in waiting - failed and not waiting & set(dependencies(declared[logical_id])):
            _tell(stack, _declared(stack, logical_id), "CREATE_FAILED", _CANCELLED)


def _delete_all(stack: Any, keeping: Callable[[StackResource], bool]) -> str | None:
    """Delete in the opposite order; what something that stays depends on stays. Returns why, when anything stays so."""
    resources: Resources = stack.resource_map
    resources.complete = False
    declared = resources.template.get("Resources", {})
    failed: list[str] = []
    needed: set[str] = set()
    for logical_id, resource in reversed(list(resources.made.items())):
        needs = set(dependencies(declared.get(logical_id, {})))
        keep = keeping(resource)
        if logical_id in needed:
            needed |= needs
            continue
        if not _delete(stack, resource, keep=keep):
            failed.append(logical_id)
            needed |= needs
        elif keep:
            del resources.made[logical_id]
    return f"The following resource(s) failed to delete: [{', '.join(failed)}]. " if failed else None


def _delete(stack: Any, resource: StackResource, *, keep: bool) -> bool:
    """Delete one resource, or leave it; False when it cannot be deleted."""
    if keep:
        _tell(stack, resource, "DELETE_SKIPPED")
        return True
    _tell(stack, resource, "DELETE_IN_PROGRESS")
    try:
        stack.resource_map.delete(resource)
    except ResourceFailedError as error:
        _tell(stack, resource, "DELETE_FAILED", str(error))
        return False
    _tell(stack, resource, "DELETE_COMPLETE")
    return True


def _finish_outputs(stack: Any, check_exports: ExportCheck) -> None:
    stack.resource_map.complete = True
    try:
        if reason := check_exports(stack):
            raise _StackFailedError(reason)
        # Outputs are made when they are asked for; now they must be possible.
        list(stack.output_map.values())
    except (TemplateError, NotYetKnownError) as error:
        raise _StackFailedError(str(error)) from error


def _declared(stack: Any, logical_id: str) -> StackResource:
    """A resource that is not there yet, to tell of."""
    present = stack.resource_map.made.get(logical_id)
    kind = stack.resource_map.template["Resources"][logical_id]["Type"]
    return present or StackResource(logical_id, kind, Created(""), {}, 0, "")


_KEEP = object()


def _enter(stack: Any, status: str, reason: str | None = None, *, event_reason: Any = _KEEP) -> None:
    stack.status, stack.status_reason = status, reason
    stack._add_stack_event(status, resource_status_reason=reason if event_reason is _KEEP else event_reason)


def _tell(stack: Any, resource: StackResource, status: str, reason: str | None = None) -> None:
    event: Any = Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=resource.logical_resource_id,
        physical_resource_id=resource.physical_resource_id,
        resource_type=resource.cf_resource_type,
        resource_status=status,
        resource_status_reason=reason,
        resource_properties=json.dumps(resource.properties, default=str) if resource.properties else None,
    )
    stack.events.append(event)
