"""What a request asks for: IAM actions on resource ARNs, after the Service Authorization Reference.

https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

import functools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

from embedded_aws.context import Context
from embedded_aws.iam import condition_keys, passed_roles
from embedded_aws.iam.identity import access_key
from embedded_aws.iam.requested_objects import of_s3
from embedded_aws.iam.requested_resources import resources_of
from embedded_aws.iam.resource_finders import Parameters
from embedded_aws.requests import Access

# Where the name that signs requests is not the prefix of the IAM actions.
_PREFIXES = {"monitoring": "cloudwatch", "eventbridge": "events", "efs": "elasticfilesystem"}
# Operations that IAM knows by other names, and those that are several actions.
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "lambda:Invoke": ("InvokeFunction",),
    "lambda:InvokeAsync": ("InvokeFunction",),
    "lambda:InvokeWithResponseStream": ("InvokeFunction",),
    "sqs:SendMessageBatch": ("SendMessage",),
    "sqs:DeleteMessageBatch": ("DeleteMessage",),
    "sqs:ChangeMessageVisibilityBatch": ("ChangeMessageVisibility",),
    "sns:PublishBatch": ("Publish",),
    "dynamodb:TransactGetItems": ("GetItem",),
    "lakeformation:GetTemporaryGlueTableCredentials": ("GetDataAccess",),
    "kms:ReEncrypt": ("ReEncryptFrom", "ReEncryptTo"),
}


def requested(context: Context, response: Any, s3_resource: str) -> list[Access]:
    """The accesses that a request asks for. `response` is moto's, `s3_resource` the ARN it has found if it is S3's."""
    service = signing_service(response.headers.get("Authorization") or "") or response.service_name or ""
    service = _PREFIXES.get(service, service)
    if service == "s3":
        return of_s3(context, response, s3_resource)
    operation = _operation(response)
    return requested_of(context, service, operation, _parameters(response))


def requested_of(context: Context, service: str, operation: str, parameters: Parameters) -> list[Access]:
    """The accesses of an operation other than S3's with parameters under the names of the API."""
    keys = condition_keys.of_call(context, f"{service}:{operation}", parameters)
    accesses = [
        Access(f"{service}:{action}", arn, keys) for action, arn in _actions(service, operation, parameters, context)
    ]
    accesses += passed_roles.passed(f"{service}:{operation}", parameters, context.partition, context.account)
    return accesses


def signing_service(authorization: str) -> str:
    """The service that a request was signed for, or an empty string."""
    signed = authorization.partition("Credential=")[2].split(",")[0].split("/")
    return signed[3] if len(signed) > 3 else ""


def _actions(service: str, operation: str, parameters: Parameters, context: Context) -> list[tuple[str, str]]:
    if operation == "TransactWriteItems":
        return [
            (
                "ConditionCheckItem" if name == "ConditionCheck" else f"{name}Item",
                context.arn("dynamodb", f"table/{part['TableName']}"),
            )
            for item in parameters.get("TransactItems", ())
            for name, part in item.items()
        ]
    resources = resources_of(service, operation, parameters, context)
    if operation == "SubmitJob" and parameters.get("tags"):
        # AWS Batch User Guide, "Tag your resources": who tags what they create needs batch:TagResource too.
        return [*((operation, arn) for arn in resources), ("TagResource", context.arn("batch", "job/*"))]
    names = _ACTIONS.get(f"{service}:{operation}", (operation,))
    if operation == "ReEncrypt":
        source = parameters.get("SourceKeyId") or "*"
        return [
            (names[0], resources_of(service, "DescribeKey", {"KeyId": source}, context)[0]),
            (names[1], resources[0]),
        ]
    return [(name, arn) for name in names for arn in resources]


def _operation(response: Any) -> str:
    name = response._get_action()
    name = name[0] if isinstance(name, list) else name or ""
    # moto knows some services' operations by the URL only, in lower case.
    return _operations(response.boto3_service_name).get(name.lower(), name)


@functools.cache
def _operations(service: str) -> Mapping[str, str]:
    try:
        model = get_service_model(service)
    except UnknownServiceError:
        return {}
    return {name.lower(): name for name in model.operation_names}


def _parameters(response: Any) -> Parameters:
    """Request parameters under the names of the API, whatever the protocol."""
    body = response.raw_body
    parameters: dict[str, Any] = {}
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    if isinstance(body, str) and body[:1] == "{":
        try:
            parameters = json.loads(body)
        except ValueError:
            parameters = {}
    if not parameters:
        parameters = {name: v[0] if isinstance(v, list) else v for name, v in response.querystring.items()}
    return {**parameters, **{name: unquote(str(v)) for name, v in (response.uri_match or {}).items()}}


def from_headers(method: str, headers: Mapping[str, str]) -> Access:
    """What can be said of a request that never reached a service: whose it was, and its target or method."""
    authorization = headers.get("Authorization") or ""
    service = (access_key(authorization) and signing_service(authorization)) or "unknown"
    operation = (headers.get("X-Amz-Target") or method).rsplit(".", 1)[-1]
    return Access(f"{_PREFIXES.get(service, service)}:{operation}", "*")
