"""The resources and outputs of one stack: what its template says of them, and what has been made of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import Export
from moto.ssm.models import ssm_backends

from embedded_aws.cloudformation.derived_ids import derived_from
from embedded_aws.cloudformation.template import (
    NotYetKnownError,
    Resolver,
    Template,
    TemplateError,
    imported_in,
    in_order,
    refer_to_nothing,
)
from embedded_aws.context import Context
from embedded_aws.resources import TABLE
from embedded_aws.resources.property_validation import UNRESOLVED, message, violations
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceError
from embedded_aws.resources.schemas import create_only, differ, name_property

KEEPING_POLICIES = ("Retain", "RetainExceptOnCreate")
_POLICIES = ("Delete", *KEEPING_POLICIES)
_TYPE_CHANGED = (
    "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]"
)


@dataclass(frozen=True)
class StackResource:
    """A resource of a stack, under the names that moto's API looks for. A change makes another of it."""

    logical_resource_id: str
    cf_resource_type: str
    created: Created
    properties: Mapping[str, Any]
    generation: int
    status: str
    status_reason: str | None = None
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"

    @property
    def physical_resource_id(self) -> str:
        """What Ref gives."""
        return self.created.physical_id

    def existing(self, context: Context) -> Existing:
        """As the table's functions take it."""
        return Existing(self.cf_resource_type, self.logical_resource_id, self.created, self.properties, context)


class ResourceFailedError(RuntimeError):
    """A resource could not be made, changed or deleted; the message says why, as CloudFormation words it."""


class Resources(Mapping[str, StackResource]):
    """The resources of one stack: what moto calls its ResourceMap.

    `exported` gives the value of another stack's export, or raises KeyError.
    """

    context: Context
    exported: Callable[[str], Any]

    def __init__(self, stack_id: str, stack_name: str, parameters: Mapping[str, Any], template: Template) -> None:
        self.stack_id, self.stack_name = stack_id, stack_name
        self.made: dict[str, StackResource] = {}
        # How often a resource was made under a logical id before the one that is there, or was there last.
        self.generations: dict[str, int] = {}
        # Outputs exist when everything does.
        self.complete = False
        self.no_echo_parameter_keys: list[str] = []
        self.template: Template = {}
        self.declare(template, parameters)

    def __getitem__(self, logical_id: str) -> StackResource:
        return self.made[logical_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)

    def declare(self, template: Template, parameters: Mapping[str, Any]) -> None:
        """From now on these are the stack's template and parameters. Raises moto's ValidationError for bad ones."""
        template = template or {"Resources": {}}
        try:
            _check(self.stack_name, template)
            self._check_types(template)
            resolver = self._resolver_of(template, parameters)
        except TemplateError as error:
            raise ValidationError(self.stack_id, message=str(error)) from error
        self.template, self.input_parameters, self.resolver = template, dict(parameters), resolver

    def _check_types(self, template: Template) -> None:
        declared = template["Resources"]
        changed = [
            name
            for name, found in self.made.items()
            if declared.get(name, {}).get("Type", found.cf_resource_type) != found.cf_resource_type
        ]
        if changed:
            raise TemplateError(_TYPE_CHANGED.format(", ".join(changed)))

    @property
    def resolved_parameters(self) -> dict[str, Any]:
        """The template's parameters with their values."""
        return self.resolver.parameters

    def imports(self) -> set[str]:
        """Names of other stacks' exports that the template uses."""
        parts = (self.template["Resources"], self.template.get("Outputs", {}))
        return {str(self.resolver.resolve(name)) for name in imported_in(parts)}

    def wanted(self) -> list[str]:
        """Logical ids that the template has, and whose conditions are met, each after those that it needs."""
        declared = self.template["Resources"]
        return [
            name
            for name in in_order(self.template)
            if "Condition" not in declared[name] or self.resolver.holds(declared[name]["Condition"])
        ]

    def refused(self) -> dict[str, str]:
        """Logical ids of what cannot be made as the template has it, as far as is known before, with the reason."""
        found = {}
        for logical_id in self.wanted():
            declaration = self.template["Resources"][logical_id]
            try:
                properties = self.resolver.outline(declaration.get("Properties") or {}, UNRESOLVED)
            except TemplateError as error:
                found[logical_id] = str(error)
                continue
            present = self.made.get(logical_id)
            if present and present.properties == properties:
                continue
            if said := violations(declaration["Type"], properties):
                found[logical_id] = message(logical_id, said)
        return found

    def creation(self, logical_id: str, *, generation: int = 0) -> Creation:
        """What the template says of a resource, with every function replaced. Raises ResourceFailedError."""
        declaration = self.template["Resources"][logical_id]
        try:
            properties = self.resolver.resolve(declaration.get("Properties") or {})
        except (TemplateError, NotYetKnownError) as error:
            raise ResourceFailedError(str(error)) from error
        kind = declaration["Type"]
        return Creation(kind, logical_id, self.stack_name, self.stack_id, properties, self.context, generation)

    def recreation(self, resource: StackResource) -> Creation:
        """What would make `resource` as it is."""
        kind, name = resource.cf_resource_type, resource.logical_resource_id
        return Creation(
            kind, name, self.stack_name, self.stack_id, resource.properties, self.context, resource.generation
        )

    def next_generation(self, logical_id: str) -> int:
        """The number of the resource that is to be made under this logical id: no name is given twice."""
        return self.generations.get(logical_id, -1) + 1

    def create(self, creation: Creation) -> StackResource:
        """Make a resource, which then is the stack's. Raises ResourceFailedError."""
        kind, logical_id = creation.type, creation.logical_id
        self.generations[logical_id] = creation.generation
        if said := violations(kind, creation.properties):
            raise ResourceFailedError(message(logical_id, said))
        progress(f"{self.stack_name}: {logical_id} ({kind})")
        with derived_from(creation.identity), _failures():
            created = TABLE[kind].create(creation)
        status = "UPDATE_COMPLETE" if logical_id in self.made else "CREATE_COMPLETE"
        made = StackResource(logical_id, kind, created, creation.properties, creation.generation, status)
        self.made[logical_id] = made
        self.read_policies(logical_id)
        return made

    def replaces(self, creation: Creation) -> bool:
        """Whether what `creation` changes of the present resource needs a new one. Raises ResourceFailedError."""
        present, row = self.made[creation.logical_id], TABLE[creation.type]
        before, after = present.properties, creation.properties
        with _failures():
            needed = (
                row.update is None
                or any(differ(before, after, path) for path in create_only(creation.type))
                or row.replaces(before, after)
            )
        name = name_property(creation.type)
        if needed and name and name in after and before.get(name) == after[name]:
            raise ResourceFailedError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {after[name]} and update the stack again."
            )
        return needed

    def change(self, creation: Creation) -> StackResource:
        """Give the present resource other properties. Raises ResourceFailedError."""
        present = self.made[creation.logical_id]
        update = TABLE[creation.type].update
        assert update is not None  # noqa: S101 `replaces` has said so
        if said := violations(creation.type, creation.properties):
            raise ResourceFailedError(message(creation.logical_id, said))
        with _failures():
            created = update(present.existing(self.context), replace(creation, generation=present.generation))
        changed = replace(
            present,
            created=created,
            properties=creation.properties,
            status="UPDATE_COMPLETE",
            timestamp=datetime.now(UTC),
        )
        self.made[creation.logical_id] = changed
        return changed

    def delete(self, resource: StackResource) -> None:
        """Delete what plays `resource`, whether it still is the stack's or not. Raises ResourceFailedError."""
        with _failures():
            try:
                TABLE[resource.cf_resource_type].delete(resource.existing(self.context))
            except ResourceError as error:
                # What is gone already is deleted.
                if error.code != "NotFound":
                    raise
        if self.made.get(resource.logical_resource_id) is resource:
            del self.made[resource.logical_resource_id]

    def read_policies(self, logical_id: str) -> None:
        """Note what the template says is to become of a resource that is deleted or replaced."""
        declaration = self.template["Resources"].get(logical_id)
        if declaration is not None and logical_id in self.made:
            self.made[logical_id] = replace(
                self.made[logical_id],
                deletion_policy=declaration.get("DeletionPolicy", "Delete"),
                update_replace_policy=declaration.get("UpdateReplacePolicy", "Delete"),
            )

    def _resolver_of(self, template: Template, parameters: Mapping[str, Any]) -> Resolver:
        context = self.context
        return Resolver(
            template,
            reference=lambda name: self._needed(name).physical_resource_id,
            attribute=self._attribute,
            exported=self._exported,
            parameter=self._ssm_parameter,
            parameters=parameters,
            pseudo_parameters={
                "AWS::AccountId": context.account,
                "AWS::Region": context.region,
                "AWS::Partition": context.partition,
                "AWS::URLSuffix": "amazonaws.com",
                "AWS::StackId": self.stack_id,
                "AWS::StackName": self.stack_name,
                "AWS::NotificationARNs": [],
            },
        )

    def _needed(self, logical_id: str) -> StackResource:
        if logical_id not in self.made:
            raise NotYetKnownError(f"Unresolved resource dependencies [{logical_id}] in the template")
        return self.made[logical_id]

    def _attribute(self, logical_id: str, name: str) -> Any:
        resource = self._needed(logical_id)
        try:
            return resource.created.attributes[name]
        except KeyError as error:
            kind = resource.cf_resource_type
            raise TemplateError(f"Requested attribute {name} does not exist in schema for {kind}") from error

    def _exported(self, name: str) -> Any:
        try:
            return self.exported(name)
        except KeyError:
            raise TemplateError(f"No export named {name} found.") from None

    def _ssm_parameter(self, name: str) -> str:
        parameter = ssm_backends[self.context.account][self.context.region].get_parameter(name)
        if parameter is None:
            raise TemplateError(f"Unable to fetch parameters [{name}] from parameter store for this account.")
        return str(parameter.value)


class _failures:  # noqa: N801 used as a statement
    """Turns whatever the table's functions raise into a failure with CloudFormation's words."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ResourceError):
            raise ResourceFailedError(
                f'Resource handler returned message: "{error}" (HandlerErrorCode: {error.code})'
            ) from error
        if isinstance(error, Exception):
            reason = f"{type(error).__name__}: {error}"
            raise ResourceFailedError(
                f'Resource handler returned message: "{reason}" (HandlerErrorCode: InternalFailure)'
            ) from error


def _check(stack_name: str, template: Template) -> None:
    """Refuse a template that cannot be carried out whatever the services say. Raises TemplateError."""
    if unknown := unknown_types({stack_name: template}):
        raise TemplateError(unknown)
    if lost := refer_to_nothing(template):
        names = ", ".join(lost)
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{names}] in the Resources block of the template"
        )
    in_order(template)
    for logical_id, declaration in template.get("Resources", {}).items():
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            policy, kind = declaration.get(attribute, "Delete"), declaration["Type"]
            if policy == "Snapshot":
                raise TemplateError(f"Template error: resource type {kind} does not support deletion policy Snapshot")
            if policy not in _POLICIES:
                raise TemplateError(
                    f"Template format error: Unrecognized {attribute} {policy} for resource {logical_id}"
                )


def unknown_types(templates: Mapping[str, Template]) -> str:
    """What to say when templates (by stack name) hold types that the table lacks; an empty string when they do not."""
    places: dict[str, list[str]] = {}
    for stack, template in templates.items():
        for logical_id, resource in template.get("Resources", {}).items():
            if resource["Type"] not in TABLE:
                places.setdefault(resource["Type"], []).append(f"{stack}/{logical_id}")
    named = "; ".join(f"{kind} ({', '.join(where)})" for kind, where in sorted(places.items()))
    return f"resource types unknown to the embedded AWS: {named}" if named else ""


@dataclass(frozen=True)
class Output:
    """One output of a stack, under the names that moto's API looks for."""

    key: str
    value: Any
    description: str | None
    export_name: str | None


class Outputs(Mapping[str, Output]):
    """The outputs of one stack: what moto calls its OutputMap."""

    def __init__(self, resources: Resources, stack_id: str) -> None:
        self._resources, self._stack_id = resources, stack_id

    def __getitem__(self, name: str) -> Output:
        declared, resolver = self._declared[name], self._resources.resolver
        export = declared.get("Export", {}).get("Name")
        return Output(
            name, resolver.resolve(declared["Value"]), declared.get("Description"), export and resolver.resolve(export)
        )

    def __iter__(self) -> Iterator[str]:
        if not self._resources.complete:
            return iter(())
        holds = self._resources.resolver.holds
        return (
            n for n, declared in self._declared.items() if "Condition" not in declared or holds(declared["Condition"])
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def _declared(self) -> Mapping[str, Any]:
        return self._resources.template.get("Outputs") or {}

    @property
    def exports(self) -> list[Export]:
        """Those of the outputs that other stacks may import."""
        named = (output for output in self.values() if output.export_name)
        return [Export(self._stack_id, str(output.export_name), output.value) for output in named]


_told: list[Callable[[str], None]] = []


def tell_progress(told: Callable[[str], None]) -> None:
    """Call `told` with a line for each resource that is about to be made."""
    _told.append(told)


def progress(line: str) -> None:
    """Tell everyone who wants to know."""
    for told in _told:
        told(line)
