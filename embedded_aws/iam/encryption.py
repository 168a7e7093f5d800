"""What a customer's KMS key asks of whoever uses what is encrypted with it: `kms:...`, called via the service.

Each as its service documents it: S3 User Guide, "Using server-side encryption with AWS KMS keys"; SQS Developer Guide,
"Key management"; SNS Developer Guide, "Key management"; DynamoDB Developer Guide, "DynamoDB encryption at rest";
Secrets Manager User Guide, "Secret encryption and decryption in AWS Secrets Manager".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from embedded_aws.context import Context
from embedded_aws.iam.resource_policies import is_customer_managed, key_of
from embedded_aws.requests import Access

_DECRYPT, _GENERATE = "kms:Decrypt", "kms:GenerateDataKey"
_OF_QUEUES = {"sqs:SendMessage": (_GENERATE, _DECRYPT), "sqs:ReceiveMessage": (_DECRYPT,)}
_OF_TOPICS = {"sns:Publish": (_GENERATE, _DECRYPT)}
_OF_SECRETS = {
    "secretsmanager:GetSecretValue": (_DECRYPT,),
    "secretsmanager:PutSecretValue": (_GENERATE, _DECRYPT),
    "secretsmanager:UpdateSecret": (_GENERATE, _DECRYPT),
}
_OF_TABLES = frozenset(
    f"dynamodb:{name}"
    for name in (
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchGetItem",
        "BatchWriteItem",
        "ConditionCheckItem",
        "Query",
        "Scan",
    )
)


def implied(context: Context, access: Access) -> Iterable[Access]:
    """The use of keys that an access to a queue, a topic, a secret or a table brings with it."""
    name = access.resource.rsplit(":", 1)[-1]
    if actions := _OF_QUEUES.get(access.action):
        queue: Any = sqs_backends[context.account][context.region].queues.get(name)
        key = getattr(queue, "kms_master_key_id", None)
        yield from _uses(context, "sqs", key, actions, {"aws:sqs:arn": access.resource})
    elif actions := _OF_TOPICS.get(access.action):
        topic = sns_backends[context.account][context.region].topics.get(access.resource)
        key = topic.kms_master_key_id if topic else None
        yield from _uses(context, "sns", key, actions, {"aws:sns:topicArn": access.resource})
    elif actions := _OF_SECRETS.get(access.action):
        secret = secretsmanager_backends[context.account][context.region].secrets.get(access.resource)
        key = getattr(secret, "kms_key_id", None)
        yield from _uses(context, "secretsmanager", key, actions, {"SecretARN": access.resource})
    elif access.action in _OF_TABLES:
        table_name = access.resource.split("/")[1] if "/" in access.resource else ""
        table = dynamodb_backends[context.account][context.region].tables.get(table_name)
        key = ((table.sse_specification or {}) if table else {}).get("KMSMasterKeyId")
        told = {"aws:dynamodb:tableName": table_name, "aws:dynamodb:subscriberId": context.account}
        yield from _uses(context, "dynamodb", key, (_DECRYPT,), told)


def of_object_read(context: Context, bucket: Any, stored: Any) -> Iterable[Access]:
    """To read an object that lies in S3."""
    if (stored.encryption or "").startswith("aws:kms"):
        yield from _of_object(context, bucket, stored.name, stored.kms_key_id, _DECRYPT)


def of_object_write(
    context: Context, bucket: Any, key_name: str, headers: Mapping[str, str], *, is_part: bool
) -> Iterable[Access]:
    """To write an object: with the key that the request names, or with the bucket's own.

    To add a part to a multipart upload takes the data key that was made when the upload began.
    """
    rule = (bucket.encryption or {}).get("Rule") or {}
    default = (rule[0] if isinstance(rule, list) else rule).get("ApplyServerSideEncryptionByDefault", {})
    algorithm = headers.get("x-amz-server-side-encryption") or default.get("SSEAlgorithm") or ""
    if algorithm.startswith("aws:kms"):
        key = headers.get("x-amz-server-side-encryption-aws-kms-key-id") or default.get("KMSMasterKeyID")
        yield from _of_object(context, bucket, key_name, key, _DECRYPT if is_part else _GENERATE)


def bucket_of(context: Context, arn: str) -> Any | None:
    """The bucket in moto that an ARN of S3 speaks of."""
    return s3_backends[context.account][context.partition].buckets.get(arn.split(":", 5)[-1].partition("/")[0])


def _of_object(context: Context, bucket: Any, key_name: str, key: str | None, action: str) -> Iterable[Access]:
    return _uses(context, "s3", key, (action,), {"aws:s3:arn": f"{bucket.arn}/{key_name}"})


def _uses(
    context: Context, service: str, identifier: str | None, actions: Iterable[str], told: Mapping[str, str]
) -> Iterable[Access]:
    key = key_of(context, identifier) if identifier else None
    if key is None or not is_customer_managed(key):
        return
    keys = {
        "kms:viaservice": (f"{service}.{context.region}.amazonaws.com",),
        "aws:calledvia": (f"{service}.amazonaws.com",),
        "aws:viaawsservice": ("true",),
        "kms:calleraccount": (context.account,),
        **encryption_context(told),
    }
    for action in actions:
        yield Access(action, key.arn, keys)


def encryption_context(told: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The condition keys of a KMS encryption context."""
    return {
        **{f"kms:encryptioncontext:{name.lower()}": (str(value),) for name, value in told.items()},
        "kms:encryptioncontextkeys": tuple(told),
    }
