"""IAM and KMS."""

from collections.abc import Mapping
from typing import Any

from embedded_aws.resources.api_call import call, made_by_call, refuse_unknown, tags
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceError, ResourceType
from embedded_aws.resources.updating import retag, told_by

_ROLE_ONLY = (
    "RoleName",
    "AssumeRolePolicyDocument",
    "Path",
    "Description",
    "MaxSessionDuration",
    "PermissionsBoundary",
    "Tags",
)


def _create_role(creation: Creation) -> Created:
    refuse_unknown(creation, (*_ROLE_ONLY, "ManagedPolicyArns", "Policies"))
    properties = {"RoleName": creation.name(longest=64), **creation.properties}
    told = {name: properties[name] for name in _ROLE_ONLY if name in properties}
    role = call("iam", "CreateRole", **arguments("iam", "CreateRole", told, resource_type=creation.type))["Role"]
    name = role["RoleName"]
    for arn in properties.get("ManagedPolicyArns", ()):
        call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)
    for policy in properties.get("Policies", ()):
        told = {"RoleName": name, **policy}
        call("iam", "PutRolePolicy", **arguments("iam", "PutRolePolicy", told, resource_type=creation.type))
    return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update_role(existing: Existing, creation: Creation) -> Created:
    refuse_unknown(creation, (*_ROLE_ONLY, "ManagedPolicyArns", "Policies"))
    name, before, after = existing.created.physical_id, existing.properties, creation.properties
    trust = {"RoleName": name, "PolicyDocument": after["AssumeRolePolicyDocument"]}
    told = arguments("iam", "UpdateAssumeRolePolicy", trust, resource_type=creation.type)
    call("iam", "UpdateAssumeRolePolicy", **told)
    session = int(after.get("MaxSessionDuration", 3600))
    call("iam", "UpdateRole", RoleName=name, Description=after.get("Description", ""), MaxSessionDuration=session)
    old, new = set(before.get("ManagedPolicyArns", ())), set(after.get("ManagedPolicyArns", ()))
    for arn in sorted(old - new):
        call("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
    for arn in sorted(new - old):
        call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)
    named = {policy["PolicyName"] for policy in after.get("Policies", ())}
    for policy in before.get("Policies", ()):
        if policy["PolicyName"] not in named:
            call("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy["PolicyName"])
    for policy in after.get("Policies", ()):
        told = arguments("iam", "PutRolePolicy", {"RoleName": name, **policy}, resource_type=creation.type)
        call("iam", "PutRolePolicy", **told)
    _set_boundary(name, before.get("PermissionsBoundary"), after.get("PermissionsBoundary"))
    retag(existing, creation, "iam", resource="RoleName", put=("TagRole", "Tags"), remove=("UntagRole", "TagKeys"))
    return existing.created


def _set_boundary(role: str, before: str | None, after: str | None) -> None:
    if after and before != after:
        call("iam", "PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=after)
    elif before and not after:
        call("iam", "DeleteRolePermissionsBoundary", RoleName=role)


def _delete_role(existing: Existing) -> None:
    name = existing.created.physical_id
    for policy in call("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]:
        call("iam", "DetachRolePolicy", RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in call("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]:
        call("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy_name)
    call("iam", "DeleteRole", RoleName=name)


def _create_policy(creation: Creation) -> Created:
    refuse_unknown(creation, ("PolicyName", "PolicyDocument", "Roles"))
    name = creation.properties["PolicyName"]
    for role in creation.properties.get("Roles", ()):
        told = {"RoleName": role, "PolicyName": name, "PolicyDocument": creation.properties["PolicyDocument"]}
        call("iam", "PutRolePolicy", **arguments("iam", "PutRolePolicy", told, resource_type=creation.type))
    return Created(creation.name(), {"Id": creation.name()})


def _update_policy(existing: Existing, creation: Creation) -> Created:
    """Roles and even the policy's name are changed without interruption."""
    created = _create_policy(creation)
    before, after = existing.properties, creation.properties
    renamed = before["PolicyName"] != after["PolicyName"]
    for role in before.get("Roles", ()):
        if renamed or role not in after.get("Roles", ()):
            call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=before["PolicyName"])
    return created


def _delete_policy(existing: Existing) -> None:
    for role in existing.properties.get("Roles", ()):
        call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=existing.properties["PolicyName"])


def _create_managed_policy(creation: Creation) -> Created:
    refuse_unknown(creation, ("ManagedPolicyName", "PolicyDocument", "Path", "Description", "Roles"))
    properties = creation.properties
    told = {
        "PolicyName": properties.get("ManagedPolicyName") or creation.name(),
        **{name: properties[name] for name in ("PolicyDocument", "Path", "Description") if properties.get(name)},
    }
    arn = call("iam", "CreatePolicy", **arguments("iam", "CreatePolicy", told, resource_type=creation.type))["Policy"][
        "Arn"
    ]
    for role in properties.get("Roles", ()):
        call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)
    return Created(arn, {"PolicyArn": arn})


def _update_managed_policy(existing: Existing, creation: Creation) -> Created:
    arn, before, after = existing.created.physical_id, existing.properties, creation.properties
    if before["PolicyDocument"] != after["PolicyDocument"]:
        # Five versions may be kept; the stack needs one.
        told = {"PolicyArn": arn, "PolicyDocument": after["PolicyDocument"], "SetAsDefault": True}
        call("iam", "CreatePolicyVersion", **arguments("iam", "CreatePolicyVersion", told, resource_type=creation.type))
        for version in call("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
    old, new = set(before.get("Roles", ())), set(after.get("Roles", ()))
    for role in sorted(old - new):
        call("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn)
    for role in sorted(new - old):
        call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)
    return existing.created


def _delete_managed_policy(existing: Existing) -> None:
    arn = existing.created.physical_id
    for role in call("iam", "ListEntitiesForPolicy", PolicyArn=arn)["PolicyRoles"]:
        call("iam", "DetachRolePolicy", RoleName=role["RoleName"], PolicyArn=arn)
    call("iam", "DeletePolicy", PolicyArn=arn)


def _create_instance_profile(creation: Creation) -> Created:
    refuse_unknown(creation, ("InstanceProfileName", "Path", "Roles"))
    name = creation.properties.get("InstanceProfileName") or creation.name()
    path = creation.properties.get("Path", "/")
    profile = call("iam", "CreateInstanceProfile", InstanceProfileName=name, Path=path)["InstanceProfile"]
    for role in creation.properties["Roles"]:
        call("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    return Created(name, {"Arn": profile["Arn"]})


def _update_instance_profile(existing: Existing, creation: Creation) -> Created:
    name, old, new = existing.created.physical_id, existing.properties["Roles"], creation.properties["Roles"]
    for role in old:
        if role not in new:
            call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
    for role in new:
        if role not in old:
            call("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    return existing.created


def _delete_instance_profile(existing: Existing) -> None:
    name = existing.created.physical_id
    for role in existing.properties["Roles"]:
        call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
    call("iam", "DeleteInstanceProfile", InstanceProfileName=name)


_KEY_PROPERTIES = ("Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin")


def _create_key(creation: Creation) -> Created:
    properties = dict(creation.properties)
    rotates = properties.pop("EnableKeyRotation", False)
    refuse_unknown(
        creation,
        (*_KEY_PROPERTIES, "KeyPolicy", "Enabled", "EnableKeyRotation", "PendingWindowInDays", "Tags"),
    )
    told: dict[str, Any] = {name: properties[name] for name in _KEY_PROPERTIES if name in properties}
    told |= {"Policy": properties["KeyPolicy"], "Tags": tags(properties, key="TagKey", value="TagValue")}
    key = call("kms", "CreateKey", **arguments("kms", "CreateKey", told, resource_type=creation.type))["KeyMetadata"]
    if _true(rotates):
        call("kms", "EnableKeyRotation", KeyId=key["KeyId"])
    return Created(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _update_key(existing: Existing, creation: Creation) -> Created:
    key, before, after = existing.created.physical_id, existing.properties, creation.properties
    if before.get("KeyPolicy") != after["KeyPolicy"]:
        told = {"KeyId": key, "PolicyName": "default", "Policy": after["KeyPolicy"]}
        call("kms", "PutKeyPolicy", **arguments("kms", "PutKeyPolicy", told, resource_type=creation.type))
    if before.get("Description") != after.get("Description"):
        call("kms", "UpdateKeyDescription", KeyId=key, Description=after.get("Description", ""))
    if _true(before.get("EnableKeyRotation")) != _true(after.get("EnableKeyRotation")):
        call("kms", "EnableKeyRotation" if _true(after.get("EnableKeyRotation")) else "DisableKeyRotation", KeyId=key)
    if _true(before.get("Enabled", True)) != _true(after.get("Enabled", True)):
        call("kms", "EnableKey" if _true(after.get("Enabled", True)) else "DisableKey", KeyId=key)
    retag(existing, creation, "kms", resource="KeyId")
    return existing.created


def _replaces_key(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Never: changing what a key is makes the update fail, lest a key be deleted by accident (AWS::KMS::Key)."""
    if fixed := [name for name in _KEY_PROPERTIES[1:] if before.get(name) != after.get(name)]:
        raise ResourceError(f"Properties {', '.join(fixed)} of a KMS key cannot be changed", code="NotUpdatable")
    return False


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _delete_key(existing: Existing) -> None:
    days = int(existing.properties.get("PendingWindowInDays", 30))
    call("kms", "ScheduleKeyDeletion", KeyId=existing.created.physical_id, PendingWindowInDays=days)


TYPES: Mapping[str, ResourceType] = {
    "AWS::IAM::Role": ResourceType(_create_role, "iam:CreateRole", delete=_delete_role, update=_update_role),
    "AWS::IAM::Policy": ResourceType(_create_policy, "iam:PutRolePolicy", delete=_delete_policy, update=_update_policy),
    "AWS::IAM::ManagedPolicy": ResourceType(
        _create_managed_policy, "iam:CreatePolicy", delete=_delete_managed_policy, update=_update_managed_policy
    ),
    "AWS::IAM::InstanceProfile": ResourceType(
        _create_instance_profile,
        "iam:CreateInstanceProfile",
        delete=_delete_instance_profile,
        update=_update_instance_profile,
        inert="Batch jobs run as processes of this machine; no instance takes the profile",
    ),
    "AWS::KMS::Key": ResourceType(
        _create_key,
        "kms:CreateKey",
        delete=_delete_key,
        update=_update_key,
        replaces=_replaces_key,
    ),
    "AWS::KMS::Alias": made_by_call(
        "kms",
        "CreateAlias",
        ref="=AliasName",
        delete=("DeleteAlias", "AliasName"),
        update=told_by("kms", "UpdateAlias", resource="AliasName"),
    ),
}
