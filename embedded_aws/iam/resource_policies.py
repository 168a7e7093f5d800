"""The policies that resources carry: buckets, keys, queues, topics, functions, roles' trust, file systems."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.utils import get_backend
from moto.efs.models import efs_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from embedded_aws.context import Context
from embedded_aws.iam.policies.documents import document_of
from embedded_aws.iam.policies.evaluation import Policy
from embedded_aws.requests import Access

_OPEN_FILE_SYSTEM = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Default",
                "Effect": "Allow",
                "Principal": "*",
                "Action": [f"elasticfilesystem:Client{right}" for right in ("Mount", "Write", "RootAccess")],
            }
        ],
    }
)
_TRUST_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


def policy_on(context: Context, access: Access) -> tuple[Policy | None, bool]:
    """The policy of the resource, if it has one, and whether nothing is allowed without it."""
    service = access.action.partition(":")[0]
    if access.action.startswith(_TRUST_ACTIONS):
        role = role_of(context, access.resource)
        return (_policy("trust policy", role.assume_role_policy_document) if role else None), role is not None
    if service == "kms":
        key = key_of(context, access.resource)
        return (_policy("key policy", key.policy) if key else None), key is not None
    find = _POLICIES.get(service)
    text = find(context, access.resource) if find else None
    return (_policy(f"{service} policy", text) if text else None), False


def role_of(context: Context, arn: str) -> Any | None:
    """The role in moto with this ARN."""
    name = arn.rsplit("/", 1)[-1]
    for role in list(iam_backends[context.account][context.partition].roles.values()):
        if role.name == name and role.arn == arn:
            return role
    return None


def key_of(context: Context, identifier: str) -> Any | None:
    """The KMS key in moto with this id, ARN, alias or alias' ARN."""
    backend = kms_backends[context.account][context.region]
    name = identifier.split(":", 5)[-1] if identifier.startswith("arn:") else identifier
    if name.startswith("alias/"):
        return next((key for key in list(backend.keys.values()) if name in key.aliases), None)
    return backend.keys.get(name.removeprefix("key/"))


def is_customer_managed(key: Any) -> bool:
    """Whether its owner decides who may use it; AWS's own keys serve whoever may use the service they belong to."""
    return not any(alias.startswith("alias/aws/") for alias in key.aliases)


def _policy(name: str, text: str | bytes) -> Policy:
    return Policy(name, document_of(text))


def _of_bucket(context: Context, arn: str) -> bytes | None:
    bucket = s3_backends[context.account][context.partition].buckets.get(arn.split(":", 5)[-1].partition("/")[0])
    return bucket.policy if bucket else None


def _of_queue(context: Context, arn: str) -> str | None:
    queue = sqs_backends[context.account][context.region].queues.get(arn.rsplit(":", 1)[-1])
    return str(queue.policy) if queue and queue.policy else None


def _of_topic(context: Context, arn: str) -> str | None:
    topic = sns_backends[context.account][context.region].topics.get(arn)
    return str(topic.policy) if topic else None


def _of_function(context: Context, arn: str) -> str | None:
    functions = get_backend(context.account, context.region)._lambdas._functions
    found = functions.get(arn.split(":")[6] if arn.count(":") >= 6 else arn)
    policy = found["latest"].policy if found else None
    return json.dumps({"Version": "2012-10-17", "Statement": policy.statements}) if policy else None


def _of_file_system(context: Context, arn: str) -> str:
    """EFS User Guide, "Default EFS file system policy": without one, whoever reaches the file system is a client."""
    found = efs_backends[context.account][context.region].file_systems_by_id.get(arn.rsplit("/", 1)[-1])
    return (found.file_system_policy if found else None) or _OPEN_FILE_SYSTEM


def _of_log_groups(context: Context, arn: str) -> str | None:
    """The log groups of a region have their policies in common."""
    kept = list(logs_backends[context.account][context.region].resource_policies.values())
    statements = [statement for each in kept for statement in json.loads(each.policy_document)["Statement"]]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None


_POLICIES: Mapping[str, Callable[[Context, str], str | bytes | None]] = {
    "s3": _of_bucket,
    "sqs": _of_queue,
    "sns": _of_topic,
    "lambda": _of_function,
    "elasticfilesystem": _of_file_system,
    "logs": _of_log_groups,
}
