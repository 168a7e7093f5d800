"""Who lets a rule, a schedule or a bucket deliver: the role it was given, or the target's own policy.

EventBridge User Guide, "Using resource-based policies for Amazon EventBridge"; Scheduler User Guide, "Execution role";
S3 User Guide, "Granting permissions to publish event notification messages to a destination".
"""

from collections.abc import Mapping
from typing import Any

from embedded_aws.iam import authorization, identity
from embedded_aws.iam.denials import AccessDeniedError
from embedded_aws.requests import Access

_ACTIONS = {
    "sqs": "sqs:SendMessage",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "logs": "logs:PutLogEvents",
    "states": "states:StartExecution",
    "events": "events:PutEvents",
    "glue": "glue:notifyEvent",
}
# Targets that have no policy of their own to let EventBridge in.
_BY_ROLE_ONLY = ("states", "glue")


def require(source_arn: str, target: Mapping[str, Any]) -> None:
    """Check and log that what has the ARN `source_arn` may deliver to the target. Raises AccessDeniedError."""
    arn = str(target["Arn"])
    service = arn.split(":")[2]
    sender = source_arn.split(":")[2]
    role = target.get("RoleArn")
    if role is None and (service in _BY_ROLE_ONLY or sender == "scheduler"):
        raise AccessDeniedError(f"{source_arn} has no role with which to call {_ACTIONS[service]} on {arn}")
    if role is None and service == "events":
        return  # within an account, a bus takes events from another without a role
    if role is not None:
        authorization.require(identity.service(sender), [Access("sts:AssumeRole", role)], by=sender)
    resource = f"{arn.removesuffix(':*')}:log-stream:{sender}" if service == "logs" else arn
    authorization.require(
        identity.role(role, sender) if role else identity.service(sender),
        [Access(_ACTIONS[service], resource)],
        by=sender,
        source_arn=source_arn,
    )
