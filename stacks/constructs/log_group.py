"""A log group that keeps its events for a set time."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct


def log_group(scope: Construct, construct_id: str, *, retention_days: int) -> logs.LogGroup:
    """Logs tell what happened; they are no data, so they go with their stack."""
    group = logs.LogGroup(scope, construct_id, removal_policy=cdk.RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - narrows a type
    resource.retention_in_days = retention_days
    return group
