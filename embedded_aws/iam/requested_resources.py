"""The resources that an operation's parameters name, after the tables of the Service Authorization Reference."""

import functools
from collections.abc import Mapping
from fnmatch import fnmatchcase

from embedded_aws.context import Context
from embedded_aws.iam.resource_finders import (
    Parameters,
    Resources,
    all_of,
    by_name,
    by_names,
    data_catalog,
    dynamodb_items,
    dynamodb_table,
    event_buses,
    event_rule,
    glue_catalog,
    glue_tables,
    identity,
    kms_key,
    log_group,
    message_queue,
    model_package,
    ssm_parameter,
    stored_secret,
    work_group,
)


def resources_of(service: str, operation: str, parameters: Parameters, scope: Context) -> list[str]:
    """The ARNs of what an operation is about; `*` where policies cannot name it."""
    find = _finder(service, operation)
    return ["*"] if find is None else find(parameters, scope)


_SAGEMAKER_ENDPOINT = by_name("sagemaker", "endpoint/", "EndpointName")
_SAGEMAKER_ENDPOINT_CONFIG = by_name("sagemaker", "endpoint-config/", "EndpointConfigName")
_STATE_MACHINE = by_name("states", "stateMachine:", "stateMachineArn", "name", "resourceArn")

# The first match counts. None: the action has no resource level.
_RESOURCES: Mapping[str, tuple[tuple[str, Resources | None], ...]] = {
    "dynamodb": (
        ("Batch*Item", dynamodb_items),
        ("Transact*", dynamodb_items),
        ("ListTables", None),
        ("*", dynamodb_table),
    ),
    "sqs": (("ListQueues", None), ("*", message_queue)),
    "sns": (
        ("ListTopics", None),
        ("Unsubscribe", None),
        ("*", by_name("sns", "", "TopicArn", "TargetArn", "ResourceArn", "Name")),
    ),
    "states": (
        ("SendTask*", None),
        ("ListStateMachines", None),
        ("ListActivities", None),
        ("ValidateStateMachineDefinition", None),
        ("TestState", None),
        ("*Activity*", by_name("states", "activity:", "activityArn", "name")),
        ("Start*Execution", _STATE_MACHINE),
        ("ListExecutions", _STATE_MACHINE),
        ("*MapRun*", by_name("states", "mapRun:", "mapRunArn", "executionArn")),
        ("*Execution*", by_name("states", "execution:", "executionArn")),
        ("*", _STATE_MACHINE),
    ),
    "batch": (
        (
            "SubmitJob",
            all_of(by_name("batch", "job-queue/", "jobQueue"), by_name("batch", "job-definition/", "jobDefinition")),
        ),
        ("TerminateJob", by_name("batch", "job/", "jobId")),
        ("CancelJob", by_name("batch", "job/", "jobId")),
        ("RegisterJobDefinition", by_name("batch", "job-definition/", "jobDefinitionName")),
        ("DeregisterJobDefinition", by_name("batch", "job-definition/", "jobDefinition")),
        ("Describe*", None),
        ("ListJobs*", None),
        ("*JobQueue", by_name("batch", "job-queue/", "jobQueue", "jobQueueName")),
        (
            "*ComputeEnvironment",
            by_name("batch", "compute-environment/", "computeEnvironment", "computeEnvironmentName"),
        ),
        ("*", by_name("batch", "", "resourceArn")),
    ),
    "lambda": (
        ("CreateEventSourceMapping", None),
        ("ListEventSourceMappings", None),
        ("*EventSourceMapping", by_name("lambda", "event-source-mapping:", "UUID")),
        ("ListFunctions*", None),
        ("*Layer*", by_name("lambda", "layer:", "LayerName")),
        ("*", by_name("lambda", "function:", "FunctionName", "Resource")),
    ),
    "events": (
        ("PutEvents", event_buses),
        ("ListRules", None),
        ("*Rule", event_rule("Name")),
        ("*Targets*", event_rule("Rule")),
        ("*EventBus", by_name("events", "event-bus/", "Name")),
        ("*Resource", by_name("events", "", "ResourceARN")),
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
    "logs": (("DescribeLogGroups", None), ("DescribeQueries", None), ("*", log_group)),
    "glue": (
        ("*JobRun*", by_name("glue", "job/", "JobName")),
        ("*JobBookmark*", by_name("glue", "job/", "JobName")),
        ("BatchGetJobs", by_names("glue", "job/", "JobNames")),
        ("*Job*", by_name("glue", "job/", "JobName", "Name")),
        ("*Crawler*", by_name("glue", "crawler/", "Name", "CrawlerName")),
        ("*Workflow*", by_name("glue", "workflow/", "Name")),
        ("*Trigger*", by_name("glue", "trigger/", "Name")),
        ("BatchDeleteTable", glue_tables),
        ("*Database*", glue_catalog),
        ("*Table*", glue_catalog),
        ("*Partition*", glue_catalog),
        ("*", by_name("glue", "", "ResourceArn")),
    ),
    "athena": (
        ("ListWorkGroups", None),
        ("ListDataCatalogs", None),
        ("*DataCatalog", data_catalog),
        ("*Database*", data_catalog),
        ("*Table*", data_catalog),
        ("*Resource", by_name("athena", "", "ResourceARN")),
        ("*", work_group),
    ),
    "kms": (
        ("ListKeys", None),
        ("ListAliases", None),
        ("CreateKey", None),
        ("GenerateRandom", None),
        ("*Alias", all_of(by_name("kms", "", "AliasName"), kms_key)),
        ("*", kms_key),
    ),
    "sts": (("AssumeRole*", by_name("sts", "", "RoleArn")), ("*", None)),
    "iam": (
        ("ListRoles", None),
        ("*RoleToInstanceProfile", identity("instance-profile", "InstanceProfileName")),
        ("*RoleFromInstanceProfile", identity("instance-profile", "InstanceProfileName")),
        ("*Role*", identity("role", "RoleName")),
        ("*InstanceProfile*", identity("instance-profile", "InstanceProfileName")),
        ("*Group*", identity("group", "GroupName")),
        ("*User*", identity("user", "UserName")),
        ("*AccessKey*", identity("user", "UserName")),
        ("CreatePolicy", identity("policy", "PolicyName")),
        ("*Policy*", identity("policy", "PolicyArn")),
        ("*", None),
    ),
    "ssm": (
        ("DescribeParameters", None),
        ("GetParametersByPath", ssm_parameter("Path")),
        ("*Parameter*", ssm_parameter("Name", "Names")),
        ("*", None),
    ),
    "ecr": (
        ("GetAuthorizationToken", None),
        ("*", by_name("ecr", "repository/", "repositoryName", "resourceArn")),
    ),
    "cloudwatch": (
        ("PutMetricData", None),
        ("GetMetric*", None),
        ("ListMetrics", None),
        ("*Dashboard*", by_name("cloudwatch", "dashboard/", "DashboardName")),
        ("PutMetricAlarm", by_name("cloudwatch", "alarm:", "AlarmName")),
        ("*Alarm*", by_names("cloudwatch", "alarm:", "AlarmNames")),
        ("*", None),
    ),
    "secretsmanager": (("ListSecrets", None), ("*", stored_secret)),
    "datasync": (
        ("ListTaskExecutions", by_name("datasync", "", "TaskArn")),
        ("ListTagsForResource", by_name("datasync", "", "ResourceArn")),
        ("List*", None),
        ("*", by_name("datasync", "", "TaskExecutionArn", "TaskArn", "LocationArn", "ResourceArn")),
    ),
    "sagemaker": (
        ("ListTags", by_name("sagemaker", "", "ResourceArn")),
        ("*Tags", by_name("sagemaker", "", "ResourceArn")),
        ("ListCandidatesForAutoMLJob", by_name("sagemaker", "automl-job/", "AutoMLJobName")),
        (
            "ListTrainingJobsForHyperParameterTuningJob",
            by_name("sagemaker", "hyper-parameter-tuning-job/", "HyperParameterTuningJobName"),
        ),
        ("ListModelPackages", model_package),
        ("List*", None),
        ("InvokeEndpoint*", by_name("sagemaker", "endpoint/", "EndpointName", "name")),
        ("CreateEndpoint", all_of(_SAGEMAKER_ENDPOINT, _SAGEMAKER_ENDPOINT_CONFIG)),
        ("UpdateEndpoint", all_of(_SAGEMAKER_ENDPOINT, _SAGEMAKER_ENDPOINT_CONFIG)),
        ("*EndpointConfig", _SAGEMAKER_ENDPOINT_CONFIG),
        ("*Endpoint", _SAGEMAKER_ENDPOINT),
        ("*AutoMLJob*", by_name("sagemaker", "automl-job/", "AutoMLJobName")),
        (
            "*HyperParameterTuningJob",
            by_name("sagemaker", "hyper-parameter-tuning-job/", "HyperParameterTuningJobName"),
        ),
        ("*TrainingJob", by_name("sagemaker", "training-job/", "TrainingJobName")),
        ("*TransformJob", by_name("sagemaker", "transform-job/", "TransformJobName")),
        ("*ModelPackageGroup", by_name("sagemaker", "model-package-group/", "ModelPackageGroupName")),
        ("*ModelPackage", model_package),
        ("*Model", by_name("sagemaker", "model/", "ModelName")),
        (
            "*LifecycleConfig",
            by_name("sagemaker", "notebook-instance-lifecycle-config/", "NotebookInstanceLifecycleConfigName"),
        ),
        ("*NotebookInstance*", by_name("sagemaker", "notebook-instance/", "NotebookInstanceName")),
        ("*", None),
    ),
    "elasticfilesystem": (
        (
            "*AccessPoint",
            all_of(
                by_name("elasticfilesystem", "access-point/", "AccessPointId"),
                by_name("elasticfilesystem", "file-system/", "FileSystemId"),
            ),
        ),
        ("*", by_name("elasticfilesystem", "file-system/", "FileSystemId", "ResourceId")),
    ),
    "cloudformation": (("ListStacks", None), ("*", by_name("cloudformation", "stack/", "StackName"))),
    "ec2": (
        ("*SecurityGroup*gress", by_name("ec2", "security-group/", "GroupId")),
        ("*", None),
    ),
}


@functools.lru_cache(maxsize=1024)
def _finder(service: str, operation: str) -> Resources | None:
    for pattern, resources in _RESOURCES.get(service, ()):
        if fnmatchcase(operation, pattern):
            return resources
    return None
