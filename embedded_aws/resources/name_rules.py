"""Rules for names and ranges that services have and AWS's schemas do not tell, each with the page that does."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Mapping[str, Any]], str | None]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def _bucket_name(properties: Mapping[str, Any]) -> str | None:
    """Amazon S3 User Guide, "General purpose bucket naming rules"."""
    name = properties.get("BucketName")
    if not isinstance(name, str):
        return None
    if name != name.lower():
        return "#/BucketName: Bucket name should not contain uppercase characters"
    if not _BUCKET.fullmatch(name) or ".." in name or _is_address(name):
        return f"#/BucketName: The specified bucket is not valid: {name}"
    if name.startswith(_RESERVED_STARTS) or name.endswith(_RESERVED_ENDS):
        return f"#/BucketName: The specified bucket is not valid: {name}"
    return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _queue_name(properties: Mapping[str, Any]) -> str | None:
    """Amazon SQS API Reference, "CreateQueue": QueueName."""
    name = properties.get("QueueName")
    if not isinstance(name, str):
        return None
    fifo = str(properties.get("FifoQueue", False)).lower() == "true"
    if fifo and not name.endswith(".fifo"):
        return "#/QueueName: The name of a FIFO queue must end with the .fifo suffix"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name.removesuffix(".fifo") if fifo else name):
        return "#/QueueName: can only include alphanumeric characters, hyphens, or underscores; 1 to 80 in length"
    return None


def _range(name: str, least: int, most: int, *, below: str | None = None) -> Rule:
    """A whole number, of the property itself or of one below it."""

    def rule(properties: Mapping[str, Any]) -> str | None:
        holder = properties.get(name, {}) if below else properties
        value = holder.get(below or name) if isinstance(holder, Mapping) else None
        if isinstance(value, bool) or not isinstance(value, int | str):
            return None
        where = f"#/{name}/{below}" if below else f"#/{name}"
        if not str(value).lstrip("-").isdigit():
            return f"{where}: expected type: Integer, found: String"
        if int(value) < least:
            return f"{where}: {value} is not greater or equal to {least}"
        return f"{where}: {value} is not less or equal to {most}" if int(value) > most else None

    return rule


def _pattern(name: str, pattern: str) -> Rule:
    compiled = re.compile(pattern)

    def rule(properties: Mapping[str, Any]) -> str | None:
        value = properties.get(name)
        fits = not isinstance(value, str) or compiled.fullmatch(value)
        return None if fits else f"#/{name}: failed validation constraint for keyword [pattern]"

    return rule


NAME_RULES: Mapping[str, tuple[Rule, ...]] = {
    "AWS::S3::Bucket": (_bucket_name,),
    "AWS::SQS::Queue": (
        _queue_name,
        # Amazon SQS API Reference, "SetQueueAttributes": valid values of each.
        _range("DelaySeconds", 0, 900),
        _range("KmsDataKeyReusePeriodSeconds", 60, 86_400),
        _range("MaximumMessageSize", 1024, 1_048_576),
        _range("MessageRetentionPeriod", 60, 1_209_600),
        _range("ReceiveMessageWaitTimeSeconds", 0, 20),
        _range("VisibilityTimeout", 0, 43_200),
    ),
    # Amazon DynamoDB API Reference, "CreateTable": TableName.
    "AWS::DynamoDB::Table": (_pattern("TableName", r"[a-zA-Z0-9_.-]{3,255}"),),
    "AWS::DynamoDB::GlobalTable": (_pattern("TableName", r"[a-zA-Z0-9_.-]{3,255}"),),
    # IAM API Reference, "CreateRole": RoleName; "CreatePolicy": PolicyName.
    "AWS::IAM::Role": (_pattern("RoleName", r"[\w+=,.@-]{1,64}"),),
    "AWS::IAM::ManagedPolicy": (_pattern("ManagedPolicyName", r"[\w+=,.@-]{1,128}"),),
    "AWS::IAM::Policy": (_pattern("PolicyName", r"[\w+=,.@-]{1,128}"),),
    # AWS Batch API Reference, "RegisterJobDefinition", "CreateJobQueue", "CreateComputeEnvironment": names.
    "AWS::Batch::JobDefinition": (
        _pattern("JobDefinitionName", r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"),
        # The same, "RetryStrategy" and "JobTimeout".
        _range("RetryStrategy", 1, 10, below="Attempts"),
        _range("Timeout", 60, 2**31 - 1, below="AttemptDurationSeconds"),
    ),
    "AWS::Batch::JobQueue": (_pattern("JobQueueName", r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"),),
    "AWS::Batch::ComputeEnvironment": (_pattern("ComputeEnvironmentName", r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"),),
    # AWS Lambda API Reference, "CreateFunction": FunctionName.
    "AWS::Lambda::Function": (
        _pattern(
            "FunctionName",
            r"(arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?[a-zA-Z0-9_-]{1,64}",
        ),
        # AWS Lambda Developer Guide, "Lambda quotas": function timeout and memory allocation.
        _range("Timeout", 1, 900),
        _range("MemorySize", 128, 10_240),
    ),
    # AWS Step Functions API Reference, "CreateStateMachine": name.
    "AWS::StepFunctions::StateMachine": (
        _pattern("StateMachineName", r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f]{1,80}"),
    ),
    # The same, "CreateActivity": name.
    "AWS::StepFunctions::Activity": (_pattern("Name", r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f]{1,80}"),),
}
