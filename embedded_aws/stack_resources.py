"""The resources and outputs of one stack, carried out after the table in `resources`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import Export
from moto.ssm.models import ssm_backends

from embedded_aws.context import Context
from embedded_aws.resources import TABLE
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceError
from embedded_aws.template import Resolver, Template, TemplateError, in_order


@dataclass
class StackResource:
    """A resource of a stack, under the names that moto's API looks for."""

    logical_resource_id: str
    cf_resource_type: str
    created: Created
    properties: Mapping[str, Any]
    retained: bool = False

    @property
    def physical_resource_id(self) -> str:
        """What Ref gives."""
        return self.created.physical_id

    def is_created(self) -> bool:
        """Always: what is here has been made."""
        return True

    def existing(self, context: Context) -> Existing:
        """As the table's functions take it."""
        return Existing(self.cf_resource_type, self.logical_resource_id, self.created, self.properties, context)


class StackFailedError(RuntimeError):
    """A stack's resource could not be made; the message names it, with the reason."""


class Resources(Mapping[str, StackResource]):
    """The resources of one stack: what moto calls its ResourceMap."""

    context: Context

    def __init__(
        self,
        stack_id: str,
        stack_name: str,
        parameters: Mapping[str, Any],
        template: Template,
        exports: Mapping[str, Any],
    ) -> None:
        self.stack_id, self.stack_name = stack_id, stack_name
        self.input_parameters, self._exports = dict(parameters), exports
        self._template: Template = template or {"Resources": {}}
        self._made: dict[str, StackResource] = {}
        # Outputs exist when everything does.
        self.complete = False
        self.no_echo_parameter_keys: list[str] = []
        self._resolver: Resolver | None = None

    def __getitem__(self, logical_id: str) -> StackResource:
        return self._made[logical_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    @property
    def resolved_parameters(self) -> dict[str, Any]:
        """The template's parameters with their values."""
        return self.resolver.parameters

    def load(self) -> None:
        """Refuse what cannot be carried out before anything is."""
        if unknown := unknown_types({self.stack_name: self._template}):
            raise ValidationError(self.stack_id, message=unknown)
        try:
            in_order(self._template)
        except TemplateError as error:
            raise ValidationError(self.stack_id, message=str(error)) from error

    def creation_complete(self) -> bool:
        """Always: resources are made before the call returns."""
        return True

    def create(self, template: Template) -> bool:
        """Make every resource, each after what it depends on; what was made is removed again when one fails."""
        self._template, self._resolver = template, None
        try:
            for logical_id in in_order(template):
                self._create(logical_id)
        except StackFailedError as failure:
            try:
                self.delete()
            except StackFailedError as error:
                raise StackFailedError(f"{failure}; and rolling back: {error}") from failure
            raise
        self.complete = True
        return True

    def update(self, template: Template, parameters: Mapping[str, Any] | None = None) -> None:
        """Carry out a changed template: make what is new, change what differs, delete what is gone."""
        before, self.complete = self._template, False
        self._template, self._resolver = template, None
        self.input_parameters = dict(parameters or self.input_parameters)
        self.load()
        for logical_id in in_order(template):
            if logical_id in self._made:
                self._update(logical_id)
            else:
                self._create(logical_id)
        wanted = template["Resources"]
        for logical_id in reversed(in_order(before)):
            if logical_id in self._made and logical_id not in wanted:
                self._delete(logical_id)
        self.complete = True

    def delete(self) -> None:
        """Delete every resource that is not to be retained, in the opposite order."""
        self.complete = False
        for logical_id in reversed(list(self._made)):
            self._delete(logical_id)

    def build_change_set_actions(self, template: Template) -> dict[str, dict[str, dict[str, str]]]:
        """What a changed template would add, modify and remove."""
        old, new = self._template.get("Resources", {}), template["Resources"]
        actions: dict[str, Iterable[str]] = {
            "Add": [name for name in new if name not in self._made],
            "Modify": [name for name in new if name in self._made and new[name] != old.get(name)],
            "Remove": [name for name in self._made if name not in new],
        }
        kinds = {**{name: old[name]["Type"] for name in old}, **{name: new[name]["Type"] for name in new}}
        return {
            action: {name: {"LogicalResourceId": name, "ResourceType": kinds[name]} for name in names}
            for action, names in actions.items()
        }

    @property
    def resolver(self) -> Resolver:
        """Resolves functions against what has been made so far."""
        if self._resolver is None:
            context = self.context
            self._resolver = Resolver(
                self._template,
                reference=lambda name: self._needed(name).physical_resource_id,
                attribute=self._attribute,
                exported=self._exported,
                parameter=self._ssm_parameter,
                parameters=self.input_parameters,
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
        return self._resolver

    def _needed(self, logical_id: str) -> StackResource:
        if logical_id not in self._made:
            raise TemplateError(f"Unresolved resource dependencies [{logical_id}] in the template")
        return self._made[logical_id]

    def _attribute(self, logical_id: str, name: str) -> Any:
        resource = self._needed(logical_id)
        try:
            return resource.created.attributes[name]
        except KeyError as error:
            kind = resource.cf_resource_type
            raise TemplateError(f"Requested attribute {name} does not exist in schema for {kind}") from error

    def _exported(self, name: str) -> Any:
        if name not in self._exports:
            raise TemplateError(f"No export named {name} found.")
        return self._exports[name].value

    def _ssm_parameter(self, name: str) -> str:
        parameter = ssm_backends[self.context.account][self.context.region].get_parameter(name)
        if parameter is None:
            raise TemplateError(f"Unable to fetch parameters [{name}] from parameter store for this account.")
        return str(parameter.value)

    def _creation(self, logical_id: str) -> Creation:
        declaration = self._template["Resources"][logical_id]
        properties = self.resolver.resolve(declaration.get("Properties", {}))
        kind = declaration["Type"]
        return Creation(kind, logical_id, self.stack_name, self.stack_id, properties, self.context)

    def _create(self, logical_id: str) -> None:
        declaration = self._template["Resources"][logical_id]
        kind = declaration["Type"]
        try:
            if "Condition" in declaration and not self.resolver.holds(declaration["Condition"]):
                return
            creation = self._creation(logical_id)
            progress(f"{self.stack_name}: {logical_id} ({kind})")
            created = TABLE[kind].create(creation)
        except (ResourceError, TemplateError) as error:
            raise StackFailedError(f"{self.stack_name}: {logical_id} ({kind}) cannot be created: {error}") from error
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise StackFailedError(f"{self.stack_name}: {logical_id} ({kind}) cannot be created: {reason}") from error
        retained = declaration.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
        self._made[logical_id] = StackResource(logical_id, kind, created, creation.properties, retained)

    def _update(self, logical_id: str) -> None:
        resource, creation = self._made[logical_id], self._creation(logical_id)
        if creation.properties == resource.properties:
            return
        update = TABLE[creation.type].update
        if update is None:
            raise StackFailedError(f"{self.stack_name}: {logical_id} ({creation.type}) cannot be changed in place")
        resource.created = update(resource.existing(self.context), creation)
        resource.properties = creation.properties

    def _delete(self, logical_id: str) -> None:
        resource = self._made[logical_id]
        if not resource.retained:
            try:
                TABLE[resource.cf_resource_type].delete(resource.existing(self.context))
            except ResourceError as error:
                kind = resource.cf_resource_type
                raise StackFailedError(
                    f"{self.stack_name}: {logical_id} ({kind}) cannot be deleted: {error}"
                ) from error
        del self._made[logical_id]


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

    def __init__(self, resources: Resources, template: Template, stack_id: str) -> None:
        self._resources, self._stack_id = resources, stack_id
        self._declared: Mapping[str, Any] = template.get("Outputs") or {}

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
