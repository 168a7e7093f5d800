"""The resources that an operation's parameters name, after the tables of the Service Authorization Reference."""

import base64
import functools
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.athena.models import athena_backends
from moto.iam.models import iam_backends
from moto.kms.utils import _deserialize_ciphertext_blob
from moto.secretsmanager.models import secretsmanager_backends

from embedded_aws.context import Context
from embedded_aws.iam.resource_policies import key_of

Parameters = Mapping[str, Any]


Resources = Callable[[Parameters, Context], list[str]]


def resources_of(service: str, operation: str, parameters: Parameters, scope: Context) -> list[str]:
    """The ARNs of what an operation is about; `*` where policies cannot name it."""
    find = _finder(service, operation)
    return ["*"] if find is None else find(parameters, scope)


def _named(service: str, prefix: str, *names: str) -> Resources:
    """The resource whose name, or ARN, stands in the first of the parameters `names` that is given."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        value = next((parameters[name] for name in names if parameters.get(name)), None)
        if not isinstance(value, str):
            return ["*"]
        return [value if value.startswith("arn:") else scope.arn(service, prefix + value)]

    return find


def _listed(service: str, prefix: str, name: str) -> Resources:
    """Each of the resources whose names stand in the list `name`."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        values = parameters.get(name)
        found = values if isinstance(values, list) else [values] if values else []
        return [arn for value in found for arn in _named(service, prefix, "one")({"one": value}, scope)] or ["*"]

    return find


def _all_of(*parts: Resources) -> Resources:
    return lambda parameters, scope: [arn for part in parts for arn in part(parameters, scope) if arn != "*"] or ["*"]


def _queue(parameters: Parameters, scope: Context) -> list[str]:
    if source := parameters.get("SourceArn"):
        return [str(source)]
    name = str(parameters.get("QueueUrl") or "").rsplit("/", 1)[-1] or parameters.get("QueueName")
    return [scope.arn("sqs", str(name))] if name else ["*"]


def _dynamodb_items(parameters: Parameters, scope: Context) -> list[str]:
    named = dict.fromkeys(parameters.get("RequestItems") or ())
    named |= {
        part["TableName"]: None
        for item in parameters.get("TransactItems", ())
        for part in item.values()
        if isinstance(part, dict)
    }
    return [arn for name in named for arn in _dynamodb_table({"TableName": name}, scope)] or ["*"]


def _dynamodb_table(parameters: Parameters, scope: Context) -> list[str]:
    (arn,) = _named("dynamodb", "table/", "TableName", "ResourceArn", "TableArn")(parameters, scope)
    return [f"{arn}/index/{parameters['IndexName']}" if parameters.get("IndexName") else arn]


def _glue_catalog(parameters: Parameters, scope: Context) -> list[str]:
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


def _glue_tables(parameters: Parameters, scope: Context) -> list[str]:
    """BatchDeleteTable: each table that it lists."""
    database = parameters.get("DatabaseName")
    tables = parameters.get("TablesToDelete") or ()
    return _glue_catalog({"DatabaseName": database}, scope) + [
        scope.arn("glue", f"table/{database}/{table}") for table in tables
    ]


def _log_group(parameters: Parameters, scope: Context) -> list[str]:
    """As in the denials of CloudWatch Logs, a group's ARN ends with `:log-stream:` and the stream, if one is named."""
    listed = parameters.get("logGroupNames") or parameters.get("logGroupIdentifiers") or []
    name = parameters.get("logGroupName") or parameters.get("logGroupIdentifier")
    names = [str(each) for each in (listed if isinstance(listed, list) else [listed])] or ([str(name)] if name else [])
    stream = parameters.get("logStreamName") or ""
    groups = [each if each.startswith("arn:") else scope.arn("logs", f"log-group:{each}") for each in names]
    return [f"{group.removesuffix(':*')}:log-stream:{stream}" for group in groups] or ["*"]


def _event_buses(parameters: Parameters, scope: Context) -> list[str]:
    buses = {str(entry.get("EventBusName") or "default"): None for entry in parameters.get("Entries", ())}
    return [arn for bus in buses for arn in _named("events", "event-bus/", "bus")({"bus": bus}, scope)] or ["*"]


def _rule(*names: str) -> Resources:
    """A rule's ARN has the name of its bus, unless that is the default one."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        bus = str(parameters.get("EventBusName") or "default").rpartition("/")[2]
        return _named("events", "rule/" if bus == "default" else f"rule/{bus}/", *names)(parameters, scope)

    return find


def _identity(kind: str, name: str) -> Resources:
    """A role, user, group, policy or profile of IAM, whose path belongs to its ARN."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        value = parameters.get(name)
        if not value or str(value).startswith("arn:"):
            return [str(value or "*")]
        own = scope
        backend = iam_backends[own.account][own.partition]
        known: Any = {"role": backend.roles, "user": backend.users, "group": backend.groups}.get(kind, {})
        existing: Any = next((each for each in list(known.values()) if each.name == value), None)
        path = existing.path if existing else parameters.get("Path") or "/"
        return [f"arn:{own.partition}:iam::{own.account}:{kind}{path}{value}"]

    return find


def _key(parameters: Parameters, scope: Context) -> list[str]:
    """A key's ARN, also where its alias is named."""
    named = parameters.get("KeyId") or parameters.get("TargetKeyId") or parameters.get("DestinationKeyId")
    if not named and (blob := parameters.get("CiphertextBlob")):
        named = _deserialize_ciphertext_blob(base64.b64decode(blob)).key_id
    if not named:
        return ["*"]
    key = key_of(scope, str(named))
    return [key.arn] if key else _named("kms", "key/", "KeyId")({"KeyId": named}, scope)


def _parameter(*names: str) -> Resources:
    """A parameter's name may begin with a slash, which its ARN has but once."""

    def find(parameters: Parameters, scope: Context) -> list[str]:
        value = next((parameters[name] for name in names if parameters.get(name)), None)
        listed = value if isinstance(value, list) else [value] if value else []
        return [
            name if name.startswith("arn:") else scope.arn("ssm", f"parameter/{name.removeprefix('/')}")
            for name in map(str, listed)
        ] or ["*"]

    return find


def _work_group(parameters: Parameters, scope: Context) -> list[str]:
    """Athena asks for the workgroup, also where an execution or a saved query of it is named."""
    # Athena's engine takes half a second to load; whoever names an execution has started one.
    from embedded_aws import athena  # noqa: PLC0415

    own = scope
    group = parameters.get("WorkGroup") or parameters.get("Name")
    if identifier := parameters.get("QueryExecutionId"):
        group = athena.installed().work_group_of(str(identifier))
        if group is None:
            return ["*"]
    elif identifier := parameters.get("NamedQueryId"):
        saved = athena_backends[own.account][own.region].named_queries.get(str(identifier))
        group = saved.workgroup.name if saved else None
    return [scope.arn("athena", f"workgroup/{group or 'primary'}")]


def _data_catalog(parameters: Parameters, scope: Context) -> list[str]:
    name = parameters.get("CatalogName") or parameters.get("Name") or "AwsDataCatalog"
    return [scope.arn("athena", f"datacatalog/{name}")]


def _secret(parameters: Parameters, scope: Context) -> list[str]:
    """Of a secret that is there its ARN, which ends with six characters that nobody chooses, however it is named."""
    (named,) = _named("secretsmanager", "secret:", "SecretId", "Name")(parameters, scope)
    secret = secretsmanager_backends[scope.account][scope.region].secrets.get(str(parameters.get("SecretId") or ""))
    return [secret.arn if secret else named]


def _model_package(parameters: Parameters, scope: Context) -> list[str]:
    """A package has its group's name and its version in its ARN; one yet to be made, the group's alone."""
    named = parameters.get("ModelPackageName") or parameters.get("ModelPackageArn")
    if not named and (group := str(parameters.get("ModelPackageGroupName") or "").rpartition("/")[2]):
        named = f"{group}/*"
    return _named("sagemaker", "model-package/", "name")({"name": named}, scope)


_SAGEMAKER_ENDPOINT = _named("sagemaker", "endpoint/", "EndpointName")
_SAGEMAKER_ENDPOINT_CONFIG = _named("sagemaker", "endpoint-config/", "EndpointConfigName")
_STATE_MACHINE = _named("states", "stateMachine:", "stateMachineArn", "name", "resourceArn")

# The first match counts. None: the action has no resource level.
_RESOURCES: Mapping[str, tuple[tuple[str, Resources | None], ...]] = {
    "dynamodb": (
        ("Batch*Item", _dynamodb_items),
        ("Transact*", _dynamodb_items),
        ("ListTables", None),
        ("*", _dynamodb_table),
    ),
    "sqs": (("ListQueues", None), ("*", _queue)),
    "sns": (
        ("ListTopics", None),
        ("Unsubscribe", None),
        ("*", _named("sns", "", "TopicArn", "TargetArn", "ResourceArn", "Name")),
    ),
    "states": (
        ("SendTask*", None),
        ("ListStateMachines", None),
        ("ListActivities", None),
        ("ValidateStateMachineDefinition", None),
        ("TestState", None),
        ("*Activity*", _named("states", "activity:", "activityArn", "name")),
        ("Start*Execution", _STATE_MACHINE),
        ("ListExecutions", _STATE_MACHINE),
        ("*MapRun*", _named("states", "mapRun:", "mapRunArn", "executionArn")),
        ("*Execution*", _named("states", "execution:", "executionArn")),
        ("*", _STATE_MACHINE),
    ),
    "batch": (
        (
            "SubmitJob",
            _all_of(_named("batch", "job-queue/", "jobQueue"), _named("batch", "job-definition/", "jobDefinition")),
        ),
        ("TerminateJob", _named("batch", "job/", "jobId")),
        ("CancelJob", _named("batch", "job/", "jobId")),
        ("RegisterJobDefinition", _named("batch", "job-definition/", "jobDefinitionName")),
        ("DeregisterJobDefinition", _named("batch", "job-definition/", "jobDefinition")),
        ("Describe*", None),
        ("ListJobs*", None),
        ("*JobQueue", _named("batch", "job-queue/", "jobQueue", "jobQueueName")),
        (
            "*ComputeEnvironment",
            _named("batch", "compute-environment/", "computeEnvironment", "computeEnvironmentName"),
        ),
        ("*", _named("batch", "", "resourceArn")),
    ),
    "lambda": (
        ("CreateEventSourceMapping", None),
        ("ListEventSourceMappings", None),
        ("*EventSourceMapping", _named("lambda", "event-source-mapping:", "UUID")),
        ("ListFunctions*", None),
        ("*Layer*", _named("lambda", "layer:", "LayerName")),
        ("*", _named("lambda", "function:", "FunctionName", "Resource")),
    ),
    "events": (
        ("PutEvents", _event_buses),
        ("ListRules", None),
        ("*Rule", _rule("Name")),
        ("*Targets*", _rule("Rule")),
        ("*EventBus", _named("events", "event-bus/", "Name")),
        ("*Resource", _named("events", "", "ResourceARN")),
        ("*", None),
    ),
    "scheduler": (
        ("ListSchedule*", None),
        (
            "*",
            lambda told, scope: [
                scope.arn("scheduler", f"schedule/{told.get('GroupName', 'default')}/{told.get('Name')}")
            ],
        ),
    ),
    "logs": (("DescribeLogGroups", None), ("DescribeQueries", None), ("*", _log_group)),
    "glue": (
        ("*JobRun*", _named("glue", "job/", "JobName")),
        ("*JobBookmark*", _named("glue", "job/", "JobName")),
        ("BatchGetJobs", _listed("glue", "job/", "JobNames")),
        ("*Job*", _named("glue", "job/", "JobName", "Name")),
        ("*Crawler*", _named("glue", "crawler/", "Name", "CrawlerName")),
        ("*Workflow*", _named("glue", "workflow/", "Name")),
        ("*Trigger*", _named("glue", "trigger/", "Name")),
        ("BatchDeleteTable", _glue_tables),
        ("*Database*", _glue_catalog),
        ("*Table*", _glue_catalog),
        ("*Partition*", _glue_catalog),
        ("*", _named("glue", "", "ResourceArn")),
    ),
    "athena": (
        ("ListWorkGroups", None),
        ("ListDataCatalogs", None),
        ("*DataCatalog", _data_catalog),
        ("*Database*", _data_catalog),
        ("*Table*", _data_catalog),
        ("*Resource", _named("athena", "", "ResourceARN")),
        ("*", _work_group),
    ),
    "kms": (
        ("ListKeys", None),
        ("ListAliases", None),
        ("CreateKey", None),
        ("GenerateRandom", None),
        ("*Alias", _all_of(_named("kms", "", "AliasName"), _key)),
        ("*", _key),
    ),
    "sts": (("AssumeRole*", _named("sts", "", "RoleArn")), ("*", None)),
    "iam": (
        ("ListRoles", None),
        ("*RoleToInstanceProfile", _identity("instance-profile", "InstanceProfileName")),
        ("*RoleFromInstanceProfile", _identity("instance-profile", "InstanceProfileName")),
        ("*Role*", _identity("role", "RoleName")),
        ("*InstanceProfile*", _identity("instance-profile", "InstanceProfileName")),
        ("*Group*", _identity("group", "GroupName")),
        ("*User*", _identity("user", "UserName")),
        ("*AccessKey*", _identity("user", "UserName")),
        ("CreatePolicy", _identity("policy", "PolicyName")),
        ("*Policy*", _identity("policy", "PolicyArn")),
        ("*", None),
    ),
    "ssm": (
        ("DescribeParameters", None),
        ("GetParametersByPath", _parameter("Path")),
        ("*Parameter*", _parameter("Name", "Names")),
        ("*", None),
    ),
    "ecr": (
        ("GetAuthorizationToken", None),
        ("*", _named("ecr", "repository/", "repositoryName", "resourceArn")),
    ),
    "cloudwatch": (
        ("PutMetricData", None),
        ("GetMetric*", None),
        ("ListMetrics", None),
        ("*Dashboard*", _named("cloudwatch", "dashboard/", "DashboardName")),
        ("PutMetricAlarm", _named("cloudwatch", "alarm:", "AlarmName")),
        ("*Alarm*", _listed("cloudwatch", "alarm:", "AlarmNames")),
        ("*", None),
    ),
    "secretsmanager": (("ListSecrets", None), ("*", _secret)),
    "datasync": (
        ("ListTaskExecutions", _named("datasync", "", "TaskArn")),
        ("ListTagsForResource", _named("datasync", "", "ResourceArn")),
        ("List*", None),
        ("*", _named("datasync", "", "TaskExecutionArn", "TaskArn", "LocationArn", "ResourceArn")),
    ),
    "sagemaker": (
        ("ListTags", _named("sagemaker", "", "ResourceArn")),
        ("*Tags", _named("sagemaker", "", "ResourceArn")),
        ("ListCandidatesForAutoMLJob", _named("sagemaker", "automl-job/", "AutoMLJobName")),
        (
            "ListTrainingJobsForHyperParameterTuningJob",
            _named("sagemaker", "hyper-parameter-tuning-job/", "HyperParameterTuningJobName"),
        ),
        ("ListModelPackages", _model_package),
        ("List*", None),
        ("InvokeEndpoint*", _named("sagemaker", "endpoint/", "EndpointName", "name")),
        ("CreateEndpoint", _all_of(_SAGEMAKER_ENDPOINT, _SAGEMAKER_ENDPOINT_CONFIG)),
        ("UpdateEndpoint", _all_of(_SAGEMAKER_ENDPOINT, _SAGEMAKER_ENDPOINT_CONFIG)),
        ("*EndpointConfig", _SAGEMAKER_ENDPOINT_CONFIG),
        ("*Endpoint", _SAGEMAKER_ENDPOINT),
        ("*AutoMLJob*", _named("sagemaker", "automl-job/", "AutoMLJobName")),
        (
            "*HyperParameterTuningJob",
            _named("sagemaker", "hyper-parameter-tuning-job/", "HyperParameterTuningJobName"),
        ),
        ("*TrainingJob", _named("sagemaker", "training-job/", "TrainingJobName")),
        ("*TransformJob", _named("sagemaker", "transform-job/", "TransformJobName")),
        ("*ModelPackageGroup", _named("sagemaker", "model-package-group/", "ModelPackageGroupName")),
        ("*ModelPackage", _model_package),
        ("*Model", _named("sagemaker", "model/", "ModelName")),
        (
            "*LifecycleConfig",
            _named("sagemaker", "notebook-instance-lifecycle-config/", "NotebookInstanceLifecycleConfigName"),
        ),
        ("*NotebookInstance*", _named("sagemaker", "notebook-instance/", "NotebookInstanceName")),
        ("*", None),
    ),
    "elasticfilesystem": (
        (
            "*AccessPoint",
            _all_of(
                _named("elasticfilesystem", "access-point/", "AccessPointId"),
                _named("elasticfilesystem", "file-system/", "FileSystemId"),
            ),
        ),
        ("*", _named("elasticfilesystem", "file-system/", "FileSystemId", "ResourceId")),
    ),
    "cloudformation": (("ListStacks", None), ("*", _named("cloudformation", "stack/", "StackName"))),
    "ec2": (
        ("*SecurityGroup*gress", _named("ec2", "security-group/", "GroupId")),
        ("*", None),
    ),
}


@functools.lru_cache(maxsize=1024)
def _finder(service: str, operation: str) -> Resources | None:
    for pattern, resources in _RESOURCES.get(service, ()):
        if fnmatchcase(operation, pattern):
            return resources
    return None
