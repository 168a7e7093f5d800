"""Ways of changing a resource in place, for the rows of the table.

Which properties are changed in place and which need a new resource is what each type's page in the CloudFormation
Template Reference says of them ("Update requires: No interruption" or "Replacement"), as AWS's schemas have it.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from embedded_aws.resources.api_call import call
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Create, Created, Creation, Existing, Update

Records = Callable[[Creation], MutableMapping[str, Any]]


def put_again(create: Create) -> Update:
    """Of what is made by a call that also overwrites."""
    return lambda existing, creation: create(creation)


def remade(create: Create, records: Records, *, keeping: tuple[str, ...] = ()) -> Update:
    """Of a service that moto cannot have update: a new record takes the old one's place in `records`.

    `keeping` are the old one's attributes that stay, such as its runs.
    """

    def update(existing: Existing, creation: Creation) -> Created:
        found = records(creation)
        old = found.pop(existing.created.physical_id)
        try:
            created = create(creation)
        except BaseException:
            found[existing.created.physical_id] = old
            raise
        for name in keeping:
            setattr(found[created.physical_id], name, getattr(old, name))
        return created

    return update


def told_by(service: str, operation: str, *, resource: str, never: tuple[str, ...] = (), **renamed: str) -> Update:
    """One call with every property but those in `never`; `resource` is the argument that takes Ref's value.

    `renamed` maps properties to arguments. Tags are for `retag`.
    """

    def update(existing: Existing, creation: Creation) -> Created:
        told = {
            renamed.get(name, name): value
            for name, value in creation.properties.items()
            if name not in never and name != "Tags"
        }
        told[resource] = existing.created.physical_id
        call(service, operation, **arguments(service, operation, told, resource_type=creation.type))
        return existing.created

    return update


def tags_of(properties: Mapping[str, Any], name: str = "Tags") -> dict[str, str]:
    """A resource's tags, given as a list or as a map."""
    given = properties.get(name) or {}
    pairs = given.items() if isinstance(given, Mapping) else ((tag["Key"], tag["Value"]) for tag in given)
    return {key: str(value) for key, value in pairs}


def retag(
    existing: Existing,
    creation: Creation,
    service: str,
    *,
    resource: str,
    value: str | None = None,
    put: tuple[str, str] = ("TagResource", "Tags"),
    remove: tuple[str, str] = ("UntagResource", "TagKeys"),
    name: str = "Tags",
) -> None:
    """Bring tags to what the template now says.

    `resource` is the argument that says whose, `value` what it takes (Ref's value if not given); `put` and `remove` are
    operations, each with the argument that takes the tags or their keys.
    """
    before, after = tags_of(existing.properties, name), tags_of(creation.properties, name)
    whose = {resource: value or existing.created.physical_id}
    if gone := sorted(set(before) - set(after)):
        call(service, remove[0], **whose, **{remove[1]: gone})
    if new := {key: tag for key, tag in after.items() if before.get(key) != tag}:
        told = arguments(service, put[0], {**whose, put[1]: new}, resource_type=creation.type)
        call(service, put[0], **told)


def with_properties(creation: Creation, properties: Mapping[str, Any]) -> Creation:
    """The same resource, made of other properties."""
    return replace(creation, properties=properties)
