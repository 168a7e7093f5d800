"""Rows of the table for types that one API call makes."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws import clients
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceError, ResourceType, Update, leave


def call(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an API (operation in PascalCase) as the deployer; a refusal is a ResourceError with the service's words."""
    try:
        answer: dict[str, Any] = getattr(clients.client(service), xform_name(operation))(**parameters)
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        said = error.response["Error"].get("Message") or str(error)
        raise ResourceError(f"{said} (Service: {service}, Status Code: {status})", code=_handler_code(code)) from error
    except BotoCoreError as error:
        raise ResourceError(f"{error} (Service: {service})") from error
    return answer


def _handler_code(code: str) -> str:
    """A service's error code as one of those that CloudFormation has for all."""
    return next((name for pattern, name in _HANDLER_CODES if re.search(pattern, code)), "GeneralServiceException")


_HANDLER_CODES = (
    (r"Already|Duplicate|ResourceInUse|ResourceConflict", "AlreadyExists"),
    (r"NotFound|NoSuch|NonExistent|^404$", "NotFound"),
    (r"AccessDenied|Unauthorized|Forbidden", "AccessDenied"),
    (r"Throttl|TooManyRequests", "Throttling"),
    (r"Validation|Invalid|Malformed|Client", "InvalidRequest"),
)


def made_or_adopted(creation: Creation, make: Callable[[], object]) -> None:
    """Make something, or, in the instance's next life, find that it is there."""
    try:
        make()
    except ResourceError as error:
        if not (creation.adopting and error.code == "AlreadyExists"):
            raise


def made_by_call(  # noqa: PLR0913 what can differ between types
    service: str,
    operation: str,
    *,
    ref: str,
    name: str | None = None,
    longest_name: int = 128,
    attributes: Mapping[str, str] | None = None,
    renamed: Mapping[str, str] | None = None,
    dropped: Mapping[str, str] | None = None,
    fixed: Mapping[str, Any] | None = None,
    delete: tuple[str, str] | None = None,
    update: Update | Literal["again"] | None = None,
    inert: str | None = None,
) -> ResourceType:
    """A type that `operation` makes.

    `name` is the property that names it, given a made-up name where the template has none. `ref` and the values of
    `attributes` are dotted paths into the answer, or into the arguments where they start with `=`. `renamed` maps
    properties to arguments (dotted below the first level), `dropped` properties to the reason why the API is not told,
    and `fixed` adds arguments. `delete` is the operation that removes it and the argument that takes Ref's value.
    `update` changes it in place; "again" says that the same call does.
    """

    def create(creation: Creation) -> Created:
        properties = {n: value for n, value in creation.properties.items() if n not in (dropped or {})}
        if name and name not in properties:
            properties[name] = creation.name(longest=longest_name)
        told: dict[str, Any] = dict(fixed or {})
        for property_name, value in properties.items():
            _put(told, (renamed or {}).get(property_name, property_name).split("."), value)
        parameters = arguments(service, operation, told, resource_type=creation.type)
        answer = call(service, operation, **parameters)
        values = {n: _value(path, answer, parameters) for n, path in (attributes or {}).items()}
        return Created(str(_value(ref, answer, parameters)), values)

    def remove(existing: Existing) -> None:
        assert delete is not None  # noqa: S101 used only then
        call(service, delete[0], **{delete[1]: existing.created.physical_id})

    change: Update | None = (lambda _, creation: create(creation)) if update == "again" else update
    return ResourceType(
        create, f"{service}:{operation}", delete=remove if delete else leave, update=change, inert=inert
    )


def tags(properties: Mapping[str, Any], *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The resource's tags with the API's own names for key and value."""
    return [{key: tag["Key"], value: str(tag["Value"])} for tag in properties.get("Tags", ())]


def tag_map(properties: Mapping[str, Any]) -> dict[str, str]:
    """The resource's tags as a map."""
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags", ())}


def refuse_unknown(creation: Creation, known: Sequence[str]) -> None:
    """Raise for properties that the row does not carry to the service."""
    if unknown := [name for name in creation.properties if name not in known]:
        raise ResourceError(f"{creation.type}: the table does not say what becomes of {', '.join(unknown)}")


def _put(target: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = value


def _value(path: str, answer: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    found: Any = parameters if path.startswith("=") else answer
    for name in path.removeprefix("=").split("."):
        found = found[name]
    return found
