"""The condition keys of a request: those that every one has, and what a service's parameters say.

IAM User Guide, "AWS global condition context keys"; Service Authorization Reference, each service's condition keys.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends

from embedded_aws.context import Context
from embedded_aws.iam.encryption import encryption_context
from embedded_aws.iam.identity import Kind, Principal
from embedded_aws.iam.resource_policies import role_of
from embedded_aws.requests import Access

_Values = Sequence[str]


@dataclass(frozen=True)
class RequestKeys:
    """Looks up condition keys by their names in lower case. `own` are those of the call; a service gives its own."""

    context: Context
    principal: Principal
    access: Access
    own: Mapping[str, _Values]

    def __call__(self, name: str) -> _Values | None:
        """The values of a key; None where the request has no such key."""
        if (given := self.access.keys.get(name) or self.own.get(name)) is not None:
            return given
        if find := _GLOBAL.get(name):
            value = find(self)
            return None if value is None else (value,)
        if name.startswith("aws:principaltag/"):
            return self._principal_tag(name.partition("/")[2])
        if name.startswith("aws:resourcetag/"):
            return self._resource_tag(name.partition("/")[2])
        return None

    def _principal_tag(self, tag: str) -> _Values | None:
        role = role_of(self.context, self.principal.arn) if self.principal.kind is Kind.ROLE else None
        return _tag(role.tags.values() if isinstance(role.tags, dict) else role.tags, tag) if role else None

    def _resource_tag(self, tag: str) -> _Values | None:
        backend = resourcegroupstaggingapi_backends[self.context.account][self.context.region]
        arn = self.access.resource
        _, found = backend.get_resources(resource_arn_list=[arn])
        return next((_tag(each.tags, tag) for each in found), None)


def _tag(tags: Any, name: str) -> _Values | None:
    return next(((tag["Value"],) for tag in tags or () if tag["Key"].lower() == name), None)


def _is_human(keys: RequestKeys) -> bool:
    return keys.principal.kind in (Kind.ROLE, Kind.USER)


_TYPES = {Kind.ROLE: "AssumedRole", Kind.USER: "User", Kind.ANONYMOUS: "Anonymous", Kind.OPERATOR: "User"}
_GLOBAL: Mapping[str, Callable[[RequestKeys], str | None]] = {
    # The loopback interface stands for TLS: nobody else can listen.
    "aws:securetransport": lambda keys: "true",
    "aws:principalarn": lambda keys: keys.principal.arn or None,
    "aws:principalaccount": lambda keys: keys.context.account if _is_human(keys) else None,
    "aws:principaltype": lambda keys: _TYPES.get(keys.principal.kind),
    "aws:principalisawsservice": lambda keys: str(keys.principal.kind is Kind.SERVICE).lower(),
    "aws:principalservicename": lambda keys: keys.principal.service or None,
    "aws:username": lambda keys: keys.principal.name if keys.principal.kind is Kind.USER else None,
    "aws:requestedregion": lambda keys: keys.context.region,
    "aws:resourceaccount": lambda keys: keys.context.account,
    "s3:resourceaccount": lambda keys: keys.context.account if keys.access.action.startswith("s3:") else None,
    "s3:tlsversion": lambda keys: "1.3" if keys.access.action.startswith("s3:") else None,
    "aws:sourceip": lambda keys: "127.0.0.1" if _is_human(keys) else None,
    "aws:viaawsservice": lambda keys: "false",
    "aws:currenttime": lambda keys: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "aws:epochtime": lambda keys: str(int(time.time())),
    "aws:multifactorauthpresent": lambda keys: "false" if keys.principal.kind is Kind.ROLE else None,
}


def of_call(context: Context, action: str, parameters: Mapping[str, Any]) -> dict[str, _Values]:
    """The keys that a call's parameters give."""
    keys = _tag_keys(parameters)
    service = action.partition(":")[0]
    if service == "dynamodb":
        keys |= _of_items(context, action, parameters)
    elif service == "kms" and isinstance(parameters.get("EncryptionContext"), Mapping):
        keys |= encryption_context(parameters["EncryptionContext"])
    elif service == "events" and parameters.get("Entries"):
        entries = [entry for entry in parameters["Entries"] if isinstance(entry, Mapping)]
        keys["events:source"] = tuple(entry.get("Source", "") for entry in entries)
        keys["events:detail-type"] = tuple(entry.get("DetailType", "") for entry in entries)
    for name, parameter in _NAMED.get(action, ()):
        if isinstance(value := parameters.get(parameter), str | int | bool):
            keys[name] = (str(value),)
    return keys


_NAMED: Mapping[str, Sequence[tuple[str, str]]] = {
    "sts:AssumeRole": (
        ("sts:externalid", "ExternalId"),
        ("sts:rolesessionname", "RoleSessionName"),
        ("sts:sourceidentity", "SourceIdentity"),
    ),
    "cloudwatch:PutMetricData": (("cloudwatch:namespace", "Namespace"),),
    "iam:AttachRolePolicy": (("iam:policyarn", "PolicyArn"),),
    "iam:DetachRolePolicy": (("iam:policyarn", "PolicyArn"),),
    "iam:CreateRole": (("iam:permissionsboundary", "PermissionsBoundary"),),
    "sns:Subscribe": (("sns:protocol", "Protocol"), ("sns:endpoint", "Endpoint")),
    "lambda:CreateEventSourceMapping": (("lambda:functionarn", "FunctionName"),),
    "lambda:AddPermission": (("lambda:principal", "Principal"),),
    "events:PutRule": (("events:eventpattern", "EventPattern"),),
}


def _of_items(context: Context, action: str, parameters: Mapping[str, Any]) -> dict[str, _Values]:
    """What is asked of which partition keys. DynamoDB Developer Guide, "Using IAM policy conditions"."""
    keys: dict[str, _Values] = {}
    for name in ("Select", "ReturnValues"):
        if name in parameters:
            keys[f"dynamodb:{name.lower()}"] = (str(parameters[name]),)
    table = dynamodb_backends[context.account][context.region].tables.get(str(parameters.get("TableName")))
    if table is not None:
        item = parameters.get("Key") or parameters.get("Item") or {}
        value = item.get(table.hash_key_attr)
        if isinstance(value, Mapping) and value:
            keys["dynamodb:leadingkeys"] = (str(next(iter(value.values()))),)
        elif condition := parameters.get("KeyConditionExpression"):
            keys |= _of_expression(table.hash_key_attr, str(condition), parameters)
    return keys


def _of_expression(key: str, condition: str, parameters: Mapping[str, Any]) -> dict[str, _Values]:
    """The partition key that a query's `key = :value` asks for."""
    names = parameters.get("ExpressionAttributeNames") or {}
    values = parameters.get("ExpressionAttributeValues") or {}
    words = condition.replace("(", " ").replace(")", " ").replace("=", " = ").split()
    for left, sign, right in zip(words, words[1:], words[2:], strict=False):
        if sign == "=" and names.get(left, left) == key and isinstance(values.get(right), Mapping):
            return {"dynamodb:leadingkeys": (str(next(iter(values[right].values()))),)}
    return {}


def _tag_keys(parameters: Mapping[str, Any]) -> dict[str, _Values]:
    tags = next((parameters[name] for name in ("Tags", "tags", "TagList") if parameters.get(name)), None)
    if isinstance(tags, list):
        tags = {
            str(tag.get("Key") or tag.get("TagKey") or tag.get("key")): tag.get("Value") or tag.get("TagValue") or ""
            for tag in tags
            if isinstance(tag, Mapping)
        }
    if not isinstance(tags, Mapping):
        return {}
    return {
        "aws:tagkeys": tuple(tags),
        **{f"aws:requesttag/{name.lower()}": (str(value),) for name, value in tags.items()},
    }
