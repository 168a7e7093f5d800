"""Compliance findings that are accepted: each beside its resource, with the reason a reviewer would be given."""

import json
import re

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import IConstruct


def acknowledge(resource: IConstruct, rule: str, reason: str, *findings: str) -> None:
    """Accept a cdk-nag rule on one resource; with `findings`, only those details of it (`Action::…`, `Resource::…`)."""
    ids = [f"{rule}[{finding}]" for finding in findings] or [rule]
    cdk.Validations.of(resource).acknowledge(*(cdk.Acknowledgment(id=name, reason=reason) for name in ids))


def objects_finding(bucket: s3.IBucket, pattern: str, *, seen_from: IConstruct) -> str:
    """How cdk-nag spells the finding that a policy of `seen_from`'s stack names the bucket's objects by `pattern`."""
    home, here = cdk.Stack.of(bucket), cdk.Stack.of(seen_from)
    arn: object = home.resolve(bucket.bucket_arn)
    if home.node.path != here.node.path:
        # Another stack's attribute arrives as an import, under the name of the export that CDK makes for it.
        arn = home.resolve(home.export_value(bucket.bucket_arn))
    return f"Resource::{_spelled(arn)}/{pattern}"


def resource_finding(arn: str, *, seen_from: IConstruct) -> str:
    """How cdk-nag spells the finding that a policy names `arn`, of the same stack and with a wildcard in it."""
    return f"Resource::{_spelled(cdk.Stack.of(seen_from).resolve(arn))}"


def _spelled(value: object) -> str:
    match value:
        case str():
            return value
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_spelled(part) for part in parts)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return _spelled(name)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", r"<\1>", text)
        case {"Fn::Select": _}:
            return json.dumps(value, separators=(",", ":"))
    raise TypeError(f"{value!r} is no reference that a policy can hold")
