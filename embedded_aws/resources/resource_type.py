"""What the table of CloudFormation types says of each: how a resource is made and deleted, and what it does."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.context import Context

_NAME_SUFFIX_LENGTH = 12


class ResourceError(RuntimeError):
    """A resource cannot be made, changed or deleted; the message says why, `code` in which of CloudFormation's words.

    The codes are those of "Handler error codes" in the CloudFormation CLI User Guide.
    """

    def __init__(self, message: str, *, code: str = "InvalidRequest") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Creation:
    """A resource to be made. `properties` are those of the template with every function replaced.

    `generation` counts the resources that were made before it under its logical id. When `adopting`, what the service
    already has under the name is taken over as it is: it has outlived the instance.
    """

    type: str
    logical_id: str
    stack_name: str
    stack_id: str
    properties: Mapping[str, Any]
    context: Context
    generation: int = 0
    adopting: bool = False

    @property
    def identity(self) -> str:
        """What tells this resource from every other, in every life of an instance."""
        again = f"/{self.generation}" if self.generation else ""
        return f"{self.context.account}/{self.stack_id}/{self.logical_id}{again}"

    def name(self, *, longest: int = 64, lower: bool = False) -> str:
        """The name that CloudFormation makes up: stack, logical id and a suffix that is always the same for them."""
        digest = hashlib.sha256(self.identity.encode()).hexdigest()
        suffix = digest[:_NAME_SUFFIX_LENGTH].upper()
        room = longest - len(suffix) - 2
        logical_id = self.logical_id[: max(room - len(self.stack_name), room // 2)]
        name = f"{self.stack_name[: room - len(logical_id)].rstrip('-')}-{logical_id}-{suffix}"
        return name.lower() if lower else name

    def arn(self, service: str, resource: str, *, regional: bool = True, account: bool = True) -> str:
        """ARN of a resource of this account."""
        where = f"{self.context.region if regional else ''}:{self.context.account if account else ''}"
        return f"arn:{self.context.partition}:{service}:{where}:{resource}"


@dataclass(frozen=True)
class Created:
    """A resource that was made: what Ref and GetAtt give, and what deleting it needs to know beside them."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Existing:
    """A resource that is there, with the properties it was made from."""

    type: str
    logical_id: str
    created: Created
    properties: Mapping[str, Any]
    context: Context


Create = Callable[[Creation], Created]
Update = Callable[[Existing, Creation], Created]
Delete = Callable[[Existing], None]
# Properties before and after; may raise ResourceError for what can be changed in no way.
Replaces = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]


def leave(existing: Existing) -> None:
    """Deletes nothing, for what goes with another resource or is only recorded."""


def never(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Replaces in no case but those that the type's schema names."""
    return False


def changed(*names: str) -> Replaces:
    """Replaces when one of these properties differs."""
    return lambda before, after: any(before.get(name) != after.get(name) for name in names)


@dataclass(frozen=True)
class ResourceType:
    """One row of the table. `made_by` says how; `inert` is the reason why the resource does nothing, where it does not.

    A changed resource is replaced by a new one when a property differs that the type's schema has as create-only, when
    `replaces` says so of its properties before and after, or when there is no `update`; otherwise `update` changes it.
    """

    create: Create
    made_by: str
    delete: Delete = leave
    update: Update | None = None
    replaces: Replaces = never
    inert: str | None = None

    @property
    def service(self) -> str | None:
        """Whose API makes it, where one does."""
        service, separator, _ = self.made_by.partition(":")
        return service if separator else None


class _Known(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return ""


def recorded(
    inert: str, *, ref: Callable[[Creation], str] | None = None, attributes: Mapping[str, str] | None = None
) -> ResourceType:
    """A type of which only the record is kept.

    `attributes` are GetAtt's values, in which {id} stands for Ref's and {Name} for a property's.
    """

    def made(physical_id: str, properties: Mapping[str, Any]) -> Created:
        known = _Known({**properties, "id": physical_id})
        return Created(physical_id, {name: text.format_map(known) for name, text in (attributes or {}).items()})

    def create(creation: Creation) -> Created:
        return made(ref(creation) if ref else creation.name(), creation.properties)

    def update(existing: Existing, creation: Creation) -> Created:
        return made(existing.created.physical_id, creation.properties)

    return ResourceType(create, made_by="recorded only", update=update, inert=inert)
