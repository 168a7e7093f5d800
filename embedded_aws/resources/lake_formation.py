"""Lake Formation."""

from collections.abc import Mapping
from typing import Any

from embedded_aws.resources.api_call import call, made_by_call
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType
from embedded_aws.resources.updating import put_again

# Properties that the API knows by another name.
_NAMES = {"Admins": "DataLakeAdmins", "Catalog": "CatalogId"}
_LISTS = ("DataLakeAdmins", "ReadOnlyAdmins")


def _put_settings(creation: Creation) -> Created:
    """APPEND adds administrators to those that there are; the default, REPLACE, puts the template's in their place."""
    properties = dict(creation.properties)
    mutation = properties.pop("MutationType", "REPLACE")
    told: dict[str, Any] = {_NAMES.get(name, name): value for name, value in properties.items()}
    given = _told("PutDataLakeSettings", creation.type, {"DataLakeSettings": told})["DataLakeSettings"]
    known = call("lakeformation", "GetDataLakeSettings")["DataLakeSettings"]
    settings = {**known, **given}
    if mutation == "APPEND":
        for name in _LISTS:
            before = known.get(name, [])
            settings[name] = [*before, *(each for each in settings.get(name, ()) if each not in before)]
    call("lakeformation", "PutDataLakeSettings", DataLakeSettings=settings)
    return Created(creation.identity)


def _grant(creation: Creation) -> Created:
    told = {_NAMES.get(name, name): value for name, value in creation.properties.items()}
    call("lakeformation", "GrantPermissions", **_told("GrantPermissions", creation.type, told))
    return Created(creation.identity, {"PrincipalIdentifier": told["Principal"]["DataLakePrincipalIdentifier"]})


def _revoke(existing: Existing) -> None:
    told = {_NAMES.get(name, name): value for name, value in existing.properties.items()}
    call("lakeformation", "RevokePermissions", **_told("RevokePermissions", existing.type, told))


def _told(operation: str, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return arguments("lakeformation", operation, properties, resource_type=kind)


TYPES: Mapping[str, ResourceType] = {
    "AWS::LakeFormation::DataLakeSettings": ResourceType(
        _put_settings, "lakeformation:PutDataLakeSettings", update=put_again(_put_settings)
    ),
    "AWS::LakeFormation::PrincipalPermissions": ResourceType(_grant, "lakeformation:GrantPermissions", delete=_revoke),
    "AWS::LakeFormation::Resource": made_by_call(
        "lakeformation",
        "RegisterResource",
        ref="=ResourceArn",
        delete=("DeregisterResource", "ResourceArn"),
    ),
}
