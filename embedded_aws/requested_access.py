"""What a request asks for: IAM actions on resource ARNs, after the Service Authorization Reference.

https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

from embedded_aws.identity import access_key
from embedded_aws.requests import Access

Parameters = Mapping[str, Any]

# Where the name that signs requests is not the prefix of the IAM actions.
_PREFIXES = {"monitoring": "cloudwatch", "eventbridge": "events", "efs": "elasticfilesystem"}
# Operations that IAM knows by another name.
_ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction", "lambda:InvokeAsync": "lambda:InvokeFunction"}


@dataclass(frozen=True)
class Scope:
    """Whose resources a request speaks of."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


Resources = Callable[[Parameters, Scope], list[str]]


def requested(response: Any, s3_resource: str) -> list[Access]:
    """The accesses that a request asks for. `response` is moto's, `s3_resource` the ARN it has found if it is S3's."""
    authorization = response.headers.get("Authorization") or ""
    signed = authorization.partition("Credential=")[2].split(",")[0].split("/")
    service = signed[3] if len(signed) > 3 else (response.service_name or "")
    service = _PREFIXES.get(service, service)
    scope = Scope(response.partition, response.region, response.current_account)
    if service == "s3":
        return _of_s3(response, s3_resource)
    operation = _operation(response)
    action = _ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    resources = _resources(service, operation)
    if resources is None:
        return [Access(action, "*")]
    return [Access(action, arn) for arn in resources(_parameters(response), scope)]


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
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    parameters: dict[str, Any] = {}
    if isinstance(body, str) and body[:1] == "{":
        try:
            parameters = json.loads(body)
        except ValueError:
            parameters = {}
    if not parameters:
        parameters = {name: v[0] if isinstance(v, list) else v for name, v in response.querystring.items()}
    return {**parameters, **{name: unquote(str(v)) for name, v in (response.uri_match or {}).items()}}


# --- S3 -------------------------------------------------------------------------------------------------------------

_BUCKET_READS = {
    "uploads": "ListBucketMultipartUploads",
    "location": "GetBucketLocation",
    "lifecycle": "GetLifecycleConfiguration",
    "versioning": "GetBucketVersioning",
    "policy": "GetBucketPolicy",
    "policyStatus": "GetBucketPolicyStatus",
    "website": "GetBucketWebsite",
    "acl": "GetBucketAcl",
    "tagging": "GetBucketTagging",
    "logging": "GetBucketLogging",
    "cors": "GetBucketCORS",
    "notification": "GetBucketNotification",
    "accelerate": "GetAccelerateConfiguration",
    "versions": "ListBucketVersions",
    "encryption": "GetEncryptionConfiguration",
    "publicAccessBlock": "GetBucketPublicAccessBlock",
    "ownershipControls": "GetBucketOwnershipControls",
    "object-lock": "GetBucketObjectLockConfiguration",
    "replication": "GetReplicationConfiguration",
    "inventory": "GetInventoryConfiguration",
    "analytics": "GetAnalyticsConfiguration",
    "intelligent-tiering": "GetIntelligentTieringConfiguration",
}
_BUCKET_WRITES = {
    name: action.replace("Get", "Put", 1) for name, action in _BUCKET_READS.items() if action.startswith("Get")
}
_OBJECT_READS = {
    "uploadId": "ListMultipartUploadParts",
    "acl": "GetObjectAcl",
    "tagging": "GetObjectTagging",
    "attributes": "GetObjectAttributes",
    "retention": "GetObjectRetention",
    "legal-hold": "GetObjectLegalHold",
}
_OBJECT_WRITES = {
    "acl": "PutObjectAcl",
    "tagging": "PutObjectTagging",
    "retention": "PutObjectRetention",
    "legal-hold": "PutObjectLegalHold",
    "restore": "RestoreObject",
}
_OBJECT_DELETES = {"uploadId": "AbortMultipartUpload", "tagging": "DeleteObjectTagging"}


def _of_s3(response: Any, resource: str) -> list[Access]:
    query = response.normalized_request.args
    method = response.method
    bucket_arn, _, key = resource.partition("/")
    if resource.endswith(":*"):
        return [Access("s3:ListAllMyBuckets", "*")]
    if not key:
        return _of_bucket(response, method, query, bucket_arn)
    version = "Version" if "versionId" in query else ""
    if method in ("GET", "HEAD"):
        action = _first(_OBJECT_READS, query, f"GetObject{version}")
    elif method == "DELETE":
        action = _first(_OBJECT_DELETES, query, f"DeleteObject{version}")
    else:
        action = _first(_OBJECT_WRITES, query, "PutObject")
    accesses = [Access(f"s3:{action}", resource)]
    if source := response.headers.get("x-amz-copy-source"):
        accesses.append(
            Access("s3:GetObject", f"{bucket_arn.rpartition(':')[0]}:{unquote(source).lstrip('/').split('?')[0]}")
        )
    return accesses


def _of_bucket(response: Any, method: str, query: Mapping[str, str], arn: str) -> list[Access]:
    if method == "POST" and "delete" in query:
        keys = re.findall(rb"<Key>(.*?)</Key>", response.raw_body or b"", re.DOTALL)
        return [Access("s3:DeleteObject", f"{arn}/{_unescape(key.decode())}") for key in keys]
    if method in ("GET", "HEAD"):
        return [Access(f"s3:{_first(_BUCKET_READS, query, 'ListBucket')}", arn)]
    if method == "DELETE":
        return [Access(f"s3:{_first({**_BUCKET_WRITES, 'policy': 'DeleteBucketPolicy'}, query, 'DeleteBucket')}", arn)]
    return [Access(f"s3:{_first(_BUCKET_WRITES, query, 'PutObject' if method == 'POST' else 'CreateBucket')}", arn)]


def _first(actions: Mapping[str, str], query: Mapping[str, str], default: str) -> str:
    return next((action for name, action in actions.items() if name in query), default)


def _unescape(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


# --- every other service --------------------------------------------------------------------------------------------


def _named(service: str, prefix: str, *names: str) -> Resources:
    """The resource whose name, or ARN, stands in the first of the parameters `names` that is given."""

    def find(parameters: Parameters, scope: Scope) -> list[str]:
        value = next((parameters[name] for name in names if parameters.get(name)), None)
        if not isinstance(value, str):
            return ["*"]
        return [value if value.startswith("arn:") else scope.arn(service, prefix + value)]

    return find


def _all_of(*parts: Resources) -> Resources:
    return lambda parameters, scope: [arn for part in parts for arn in part(parameters, scope) if arn != "*"] or ["*"]


def _queue(parameters: Parameters, scope: Scope) -> list[str]:
    name = str(parameters.get("QueueUrl") or "").rsplit("/", 1)[-1] or parameters.get("QueueName")
    return [scope.arn("sqs", str(name))] if name else ["*"]


def _dynamodb_items(parameters: Parameters, scope: Scope) -> list[str]:
    if "RequestItems" in parameters:
        return [scope.arn("dynamodb", f"table/{name}") for name in parameters["RequestItems"]]
    tables = {
        part["TableName"]: None
        for item in parameters.get("TransactItems", ())
        for part in item.values()
        if isinstance(part, dict)
    }
    return [scope.arn("dynamodb", f"table/{name}") for name in tables] or ["*"]


def _dynamodb_table(parameters: Parameters, scope: Scope) -> list[str]:
    (arn,) = _named("dynamodb", "table/", "TableName", "ResourceArn")(parameters, scope)
    return [f"{arn}/index/{parameters['IndexName']}" if parameters.get("IndexName") else arn]


def _glue_catalog(parameters: Parameters, scope: Scope) -> list[str]:
    """Glue asks for the catalog, the database and the table, all three."""
    arns = [scope.arn("glue", "catalog")]
    name = parameters.get("Name")
    database = parameters.get("DatabaseName") or (parameters.get("DatabaseInput") or {}).get("Name") or name
    table = parameters.get("TableName") or (parameters.get("TableInput") or {}).get("Name")
    if not table and parameters.get("DatabaseName"):
        table = name
    if database:
        arns.append(scope.arn("glue", f"database/{database}"))
    if database and table:
        arns.append(scope.arn("glue", f"table/{database}/{table}"))
    return arns


def _log_group(parameters: Parameters, scope: Scope) -> list[str]:
    name = parameters.get("logGroupName")
    group = scope.arn("logs", f"log-group:{name}") if name else parameters.get("logGroupIdentifier")
    if not group:
        return ["*"]
    stream = parameters.get("logStreamName")
    return [f"{group}:log-stream:{stream}" if stream else f"{str(group).removesuffix(':*')}:*"]


def _event_buses(parameters: Parameters, scope: Scope) -> list[str]:
    buses = {str(entry.get("EventBusName") or "default"): None for entry in parameters.get("Entries", ())}
    return [arn for bus in buses for arn in _named("events", "event-bus/", "bus")({"bus": bus}, scope)] or ["*"]


def _iam(kind: str, name: str) -> Resources:
    def find(parameters: Parameters, scope: Scope) -> list[str]:
        value = parameters.get(name)
        return [f"arn:{scope.partition}:iam::{scope.account}:{kind}/{value}"] if value else ["*"]

    return find


def _execution(parameters: Parameters, scope: Scope) -> list[str]:
    return [str(parameters.get("executionArn") or "*")]


# The first match counts. None: the action has no resource level.
_RESOURCES: Mapping[str, tuple[tuple[str, Resources | None], ...]] = {
    "dynamodb": (
        ("Batch*Item", _dynamodb_items),
        ("Transact*", _dynamodb_items),
        ("ListTables", None),
        ("*", _dynamodb_table),
    ),
    "sqs": (("ListQueues", None), ("*", _queue)),
    "sns": (("ListTopics", None), ("*", _named("sns", "", "TopicArn", "TargetArn", "ResourceArn", "Name"))),
    "states": (
        ("SendTask*", None),
        ("ListStateMachines", None),
        ("StartExecution", _named("states", "stateMachine:", "stateMachineArn")),
        ("ListExecutions", _named("states", "stateMachine:", "stateMachineArn")),
        ("*Execution*", _execution),
        ("*", _named("states", "stateMachine:", "stateMachineArn", "resourceArn")),
    ),
    "batch": (
        (
            "SubmitJob",
            _all_of(_named("batch", "job-queue/", "jobQueue"), _named("batch", "job-definition/", "jobDefinition")),
        ),
        ("TerminateJob", _named("batch", "job/", "jobId")),
        ("CancelJob", _named("batch", "job/", "jobId")),
        ("*", None),
    ),
    "lambda": (
        ("*EventSourceMapping*", None),
        ("ListFunctions*", None),
        ("*", _named("lambda", "function:", "FunctionName")),
    ),
    "events": (
        ("PutEvents", _event_buses),
        ("ListRules", None),
        ("*Rule", _named("events", "rule/", "Name")),
        ("*Targets*", _named("events", "rule/", "Rule")),
        ("*", None),
    ),
    "logs": (("DescribeLogGroups", None), ("DescribeQueries", None), ("*", _log_group)),
    "glue": (
        ("*JobRun*", _named("glue", "job/", "JobName")),
        ("*Job*", _named("glue", "job/", "JobName", "Name")),
        ("*Crawler*", _named("glue", "crawler/", "Name")),
        ("*Workflow*", _named("glue", "workflow/", "Name")),
        ("*Trigger*", _named("glue", "trigger/", "Name")),
        ("*Database*", _glue_catalog),
        ("*Table*", _glue_catalog),
        ("*Partition*", _glue_catalog),
        ("*", None),
    ),
    "athena": (("List*", None), ("*", _named("athena", "workgroup/", "WorkGroup"))),
    "kms": (("ListKeys", None), ("ListAliases", None), ("CreateKey", None), ("*", _named("kms", "key/", "KeyId"))),
    "sts": (("AssumeRole*", _named("sts", "", "RoleArn")), ("*", None)),
    "iam": (
        ("*Role*", _iam("role", "RoleName")),
        ("*InstanceProfile*", _iam("instance-profile", "InstanceProfileName")),
        ("*", None),
    ),
    "ssm": (("*Parameter", _named("ssm", "parameter/", "Name")), ("*", None)),
    "elasticfilesystem": (("*", _named("elasticfilesystem", "file-system/", "FileSystemId")),),
    "cloudformation": (("*", _named("cloudformation", "stack/", "StackName")),),
}


@functools.lru_cache(maxsize=1024)
def _resources(service: str, operation: str) -> Resources | None:
    for pattern, resources in _RESOURCES.get(service, ()):
        if fnmatchcase(operation, pattern):
            return resources
    return None


def from_headers(method: str, headers: Mapping[str, str]) -> Access:
    """What can be said of a request that never reached a service: whose it was, and its target or method."""
    authorization = headers.get("Authorization") or ""
    signed = authorization.partition("Credential=")[2].split(",")[0].split("/")
    service = signed[3] if len(signed) > 3 and access_key(authorization) else "unknown"
    operation = (headers.get("X-Amz-Target") or method).rsplit(".", 1)[-1]
    return Access(f"{_PREFIXES.get(service, service)}:{operation}", "*")
