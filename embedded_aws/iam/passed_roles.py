"""Which requests hand a role to a service, for which the caller needs iam:PassRole.

IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from embedded_aws.requests import Access

# Action to the places of roles in its parameters, each with the service that takes the role there.
# A list's members are all meant.
_PASSED: Mapping[str, Sequence[tuple[str, str]]] = {
    "lambda:CreateFunction": (("Role", "lambda"),),
    "lambda:UpdateFunctionConfiguration": (("Role", "lambda"),),
    "glue:CreateJob": (("Role", "glue"),),
    "glue:UpdateJob": (("JobUpdate.Role", "glue"),),
    "glue:CreateCrawler": (("Role", "glue"),),
    "glue:UpdateCrawler": (("Role", "glue"),),
    "states:CreateStateMachine": (("roleArn", "states"),),
    "states:UpdateStateMachine": (("roleArn", "states"),),
    "batch:RegisterJobDefinition": (
        ("containerProperties.jobRoleArn", "ecs-tasks"),
        ("containerProperties.executionRoleArn", "ecs-tasks"),
    ),
    "batch:SubmitJob": (
        ("ecsPropertiesOverride.taskProperties.taskRoleArn", "ecs-tasks"),
        ("ecsPropertiesOverride.taskProperties.executionRoleArn", "ecs-tasks"),
    ),
    "batch:CreateComputeEnvironment": (("serviceRole", "batch"),),
    "batch:UpdateComputeEnvironment": (("serviceRole", "batch"),),
    "events:PutRule": (("RoleArn", "events"),),
    "events:PutTargets": (("Targets.RoleArn", "events"),),
    "scheduler:CreateSchedule": (("Target.RoleArn", "scheduler"),),
    "scheduler:UpdateSchedule": (("Target.RoleArn", "scheduler"),),
    "firehose:CreateDeliveryStream": (("ExtendedS3DestinationConfiguration.RoleARN", "firehose"),),
    "datasync:CreateLocationS3": (("S3Config.BucketAccessRoleArn", "datasync"),),
    "sagemaker:CreateModel": (("ExecutionRoleArn", "sagemaker"),),
    "sagemaker:CreateAutoMLJobV2": (("RoleArn", "sagemaker"),),
    "sagemaker:CreateTrainingJob": (("RoleArn", "sagemaker"),),
    "sagemaker:CreateHyperParameterTuningJob": (
        ("TrainingJobDefinition.RoleArn", "sagemaker"),
        ("TrainingJobDefinitions.RoleArn", "sagemaker"),
    ),
    "sagemaker:CreateNotebookInstance": (("RoleArn", "sagemaker"),),
    "iam:AddRoleToInstanceProfile": (("RoleName", "ec2"),),
    "ec2:CreateFlowLogs": (("DeliverLogsPermissionArn", "vpc-flow-logs"),),
    "cloudformation:CreateStack": (("RoleARN", "cloudformation"),),
    "cloudformation:UpdateStack": (("RoleARN", "cloudformation"),),
}


def passed(action: str, parameters: Mapping[str, Any], partition: str, account: str) -> Iterable[Access]:
    """An iam:PassRole for each role in the parameters of `action`."""
    for place, service in _PASSED.get(action, ()):
        for role in _found(parameters, place.split(".")):
            arn = role if role.startswith("arn:") else f"arn:{partition}:iam::{account}:role/{role}"
            yield Access("iam:PassRole", arn, {"iam:passedtoservice": (f"{service}.amazonaws.com",)})


def _found(value: Any, names: Sequence[str]) -> Iterable[str]:
    if isinstance(value, list):
        for item in value:
            yield from _found(item, names)
    elif not names:
        if isinstance(value, str) and value:
            yield value
    elif isinstance(value, Mapping):
        yield from _found(value.get(names[0]), names[1:])
