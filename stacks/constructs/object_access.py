"""Access to a bucket's objects below prefixes, and nowhere else in it."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.constructs.findings import acknowledge, objects_finding

_READ = ("Action::s3:GetObject*", "Action::s3:GetBucket*", "Action::s3:List*")
_WRITE = ("Action::s3:Abort*", "Action::kms:ReEncrypt*", "Action::kms:GenerateDataKey*")
_FAMILIES = "The bucket's grant names these families of calls; the statement's resources say on which objects."


def grant_read(bucket: s3.IBucket, role: iam.Role, *prefixes: str) -> None:
    """Let the role read (and list) objects below the prefixes; an absent one then answers 404, not 403."""
    for prefix in prefixes:
        bucket.grant_read(role, f"{prefix}*")
    acknowledge(role, "AwsSolutions-IAM5", _FAMILIES, *_READ)
    _acknowledge_objects(bucket, role, prefixes)


def grant_write(bucket: s3.IBucket, role: iam.Role, *prefixes: str) -> None:
    """Let the role write, but not delete, objects below the prefixes."""
    for prefix in prefixes:
        bucket.grant_put(role, f"{prefix}*")
    acknowledge(role, "AwsSolutions-IAM5", _FAMILIES, *_WRITE)
    _acknowledge_objects(bucket, role, prefixes)


def grant_delete(bucket: s3.IBucket, role: iam.Role, *prefixes: str) -> None:
    """Let the role delete objects below the prefixes."""
    for prefix in prefixes:
        bucket.grant_delete(role, f"{prefix}*")
    acknowledge(role, "AwsSolutions-IAM5", _FAMILIES, "Action::s3:DeleteObject*")
    _acknowledge_objects(bucket, role, prefixes)


def _acknowledge_objects(bucket: s3.IBucket, role: iam.Role, prefixes: tuple[str, ...]) -> None:
    for prefix in prefixes:
        reason = (
            f"Objects cannot be listed one by one in a policy; {prefix or 'the bucket'} holds what this role works on."
        )
        acknowledge(role, "AwsSolutions-IAM5", reason, objects_finding(bucket, f"{prefix}*", seen_from=role))
