"""Compliance findings that are accepted: each beside its resource, with the reason a reviewer would be given."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import IConstruct


def acknowledge(resource: IConstruct, rule: str, reason: str, *findings: str) -> None:
    """Accept a cdk-nag rule on one resource; with `findings`, only those details of it (`Action::…`, `Resource::…`)."""
    ids = [f"{rule}[{finding}]" for finding in findings] or [rule]
    cdk.Validations.of(resource).acknowledge(*(cdk.Acknowledgment(id=name, reason=reason) for name in ids))


def objects_finding(bucket: s3.IBucket, pattern: str, *, seen_from: IConstruct) -> str:
    """How cdk-nag spells the finding that a policy of `seen_from`'s stack names the bucket's objects by `pattern`."""
    return f"Resource::{_spelled(bucket.bucket_arn, owner=bucket, seen_from=seen_from)}/{pattern}"


def resource_finding(arn: str, suffix: str, *, owner: IConstruct, seen_from: IConstruct) -> str:
    """The finding that a policy of `seen_from`'s stack names `arn` followed by `suffix`, which holds a wildcard."""
    return f"Resource::{_spelled(arn, owner=owner, seen_from=seen_from)}{suffix}"


def _spelled(arn: str, *, owner: IConstruct, seen_from: IConstruct) -> str:
    home, here = cdk.Stack.of(owner), cdk.Stack.of(seen_from)
    if home is here or home.node.path == here.node.path:
        logical_id, attribute = home.resolve(arn)["Fn::GetAtt"]
        return f"<{logical_id}.{attribute}>"
    # Another stack's attribute arrives as an import, under the name of the export that CDK makes for it.
    return str(home.resolve(home.export_value(arn))["Fn::ImportValue"])
