"""IAM and KMS."""

from collections.abc import Mapping
from typing import Any

from embedded_aws.resources.api_call import call, made_by_call, refuse_unknown, tags
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceType

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
    if str(rotates).lower() == "true":
        call("kms", "EnableKeyRotation", KeyId=key["KeyId"])
    return Created(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _delete_key(existing: Existing) -> None:
    days = int(existing.properties.get("PendingWindowInDays", 30))
    call("kms", "ScheduleKeyDeletion", KeyId=existing.created.physical_id, PendingWindowInDays=days)


TYPES: Mapping[str, ResourceType] = {
    "AWS::IAM::Role": ResourceType(_create_role, "iam:CreateRole", delete=_delete_role),
    "AWS::IAM::Policy": ResourceType(_create_policy, "iam:PutRolePolicy", delete=_delete_policy),
    "AWS::IAM::ManagedPolicy": ResourceType(_create_managed_policy, "iam:CreatePolicy", delete=_delete_managed_policy),
    "AWS::IAM::InstanceProfile": ResourceType(
        _create_instance_profile,
        "iam:CreateInstanceProfile",
        delete=_delete_instance_profile,
        inert="Batch jobs run as processes of this machine; no instance takes the profile",
    ),
    "AWS::KMS::Key": ResourceType(_create_key, "kms:CreateKey", delete=_delete_key),
    "AWS::KMS::Alias": made_by_call(
        "kms",
        "CreateAlias",
        ref="=AliasName",
        renamed={"TargetKeyId": "TargetKeyId"},
        delete=("DeleteAlias", "AliasName"),
    ),
}
