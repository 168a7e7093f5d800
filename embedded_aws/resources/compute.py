"""Lambda, ECR, Batch and Step Functions."""

from collections.abc import Mapping
from typing import Any

from moto.batch import models as batch_models

from embedded_aws.resources.api_call import call, made_by_call, tag_map, tags
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import (
    Created,
    Creation,
    Existing,
    ResourceError,
    ResourceType,
    recorded,
)


def _create_function(creation: Creation) -> Created:
    properties = {
        "FunctionName": creation.name(longest=64),
        **creation.properties,
        "Tags": tag_map(creation.properties),
    }
    concurrency = properties.pop("ReservedConcurrentExecutions", None)
    properties.setdefault("PackageType", "Zip")
    told = arguments("lambda", "CreateFunction", properties, resource_type=creation.type)
    made = call("lambda", "CreateFunction", **told)
    if concurrency is not None:
        name, number = made["FunctionName"], int(concurrency)
        call("lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=number)
    return Created(made["FunctionName"], {"Arn": made["FunctionArn"]})


def _create_permission(creation: Creation) -> Created:
    properties = {"StatementId": creation.name(longest=100), **creation.properties}
    told = arguments("lambda", "AddPermission", properties, resource_type=creation.type)
    call("lambda", "AddPermission", **told)
    return Created(told["StatementId"], {"Id": told["StatementId"]})


def _delete_permission(existing: Existing) -> None:
    function = existing.properties["FunctionName"]
    call("lambda", "RemovePermission", FunctionName=function, StatementId=existing.created.physical_id)


def _create_invoke_config(creation: Creation) -> Created:
    told = arguments("lambda", "PutFunctionEventInvokeConfig", creation.properties, resource_type=creation.type)
    call("lambda", "PutFunctionEventInvokeConfig", **told)
    return Created(f"{told['FunctionName']}|{told.get('Qualifier', '$LATEST')}")


def _create_compute_environment(creation: Creation) -> Created:
    """Put into moto's backend as it stands: moto's own call knows few instance types and starts instances."""
    properties: dict[str, Any] = {"ComputeEnvironmentName": creation.name(longest=128), **creation.properties}
    # These say how CloudFormation is to update it.
    properties.pop("ReplaceComputeEnvironment", None)
    properties.pop("UpdatePolicy", None)
    compute = dict(properties.get("ComputeResources", {}))
    compute.pop("UpdateToLatestImageVersion", None)
    properties["ComputeResources"] = compute
    told = arguments("batch", "CreateComputeEnvironment", properties, resource_type=creation.type)
    backend = _batch(creation)
    if backend.get_compute_environment_by_name(told["computeEnvironmentName"]) is not None:
        raise ResourceError(f"Object already exists: {told['computeEnvironmentName']}")
    model: Any = batch_models.ComputeEnvironment
    made = model(
        told["computeEnvironmentName"],
        told["type"].upper(),
        told.get("state", "ENABLED"),
        told.get("computeResources"),
        told.get("serviceRole"),
        account_id=creation.context.account,
        region_name=creation.context.region,
    )
    backend._compute_environments[made.arn] = made
    if given := told.get("tags"):
        backend.tag_resource(made.arn, given)
    return Created(made.arn, {"ComputeEnvironmentArn": made.arn})


def _batch(resource: Creation | Existing) -> Any:
    return batch_models.batch_backends[resource.context.account][resource.context.region]


def _delete_compute_environment(existing: Existing) -> None:
    _batch(existing)._compute_environments.pop(existing.created.physical_id, None)


def _delete_job_queue(existing: Existing) -> None:
    queue = existing.created.physical_id
    call("batch", "UpdateJobQueue", jobQueue=queue, state="DISABLED")
    call("batch", "DeleteJobQueue", jobQueue=queue)


def _create_state_machine(creation: Creation) -> Created:
    properties = dict(creation.properties)
    name = properties.pop("StateMachineName", None) or creation.name(longest=80)
    told: dict[str, Any] = {"name": name, "definition": _definition(properties), "tags": tags(properties)}
    told["type"] = properties.pop("StateMachineType", "STANDARD")
    told |= {key: value for key, value in properties.items() if key != "Tags"}
    parameters = arguments("stepfunctions", "CreateStateMachine", told, resource_type=creation.type)
    arn = call("stepfunctions", "CreateStateMachine", **parameters)["stateMachineArn"]
    return Created(arn, {"Arn": arn, "Name": name, "StateMachineRevisionId": "INITIAL"})


def _definition(properties: dict[str, Any]) -> str:
    """The definition's text, wherever it stands, with its substitutions made. Takes its properties out."""
    text = properties.pop("DefinitionString", None)
    if location := properties.pop("DefinitionS3Location", None):
        answer = call("s3", "GetObject", Bucket=location["Bucket"], Key=location["Key"])
        text = answer["Body"].read().decode()
    document = properties.pop("Definition", None)
    if text is None:
        text = arguments("stepfunctions", "CreateStateMachine", {"definition": document}, resource_type="")[
            "definition"
        ]
    for name, value in properties.pop("DefinitionSubstitutions", {}).items():
        text = text.replace("${" + name + "}", str(value))
    return str(text)


TYPES: Mapping[str, ResourceType] = {
    "AWS::Lambda::Function": ResourceType(
        _create_function,
        "lambda:CreateFunction",
        delete=lambda existing: _call_off("lambda", "DeleteFunction", "FunctionName", existing),
    ),
    "AWS::Lambda::Permission": ResourceType(_create_permission, "lambda:AddPermission", delete=_delete_permission),
    "AWS::Lambda::EventSourceMapping": made_by_call(
        "lambda",
        "CreateEventSourceMapping",
        ref="UUID",
        attributes={"Id": "UUID", "EventSourceMappingArn": "UUID"},
        delete=("DeleteEventSourceMapping", "UUID"),
    ),
    "AWS::Lambda::EventInvokeConfig": ResourceType(_create_invoke_config, "lambda:PutFunctionEventInvokeConfig"),
    "AWS::Lambda::Version": made_by_call(
        "lambda",
        "PublishVersion",
        ref="FunctionArn",
        attributes={"Version": "Version", "FunctionArn": "FunctionArn"},
    ),
    "AWS::Lambda::Alias": made_by_call("lambda", "CreateAlias", ref="AliasArn", attributes={"AliasArn": "AliasArn"}),
    "AWS::Lambda::LayerVersion": made_by_call(
        "lambda",
        "PublishLayerVersion",
        name="LayerName",
        ref="LayerVersionArn",
        attributes={"LayerVersionArn": "LayerVersionArn"},
    ),
    "AWS::ECR::Repository": made_by_call(
        "ecr",
        "CreateRepository",
        name="RepositoryName",
        longest_name=256,
        ref="repository.repositoryName",
        attributes={"Arn": "repository.repositoryArn", "RepositoryUri": "repository.repositoryUri"},
        delete=("DeleteRepository", "repositoryName"),
        inert="the folder that an image is built from plays it; none is stored",
    ),
    "AWS::Batch::ComputeEnvironment": ResourceType(
        _create_compute_environment, "moto's batch backend", delete=_delete_compute_environment
    ),
    "AWS::Batch::JobQueue": ResourceType(
        made_by_call(
            "batch",
            "CreateJobQueue",
            name="JobQueueName",
            ref="jobQueueArn",
            attributes={"JobQueueArn": "jobQueueArn"},
            fixed={"State": "ENABLED"},
        ).create,
        "batch:CreateJobQueue",
        delete=_delete_job_queue,
    ),
    "AWS::Batch::JobDefinition": made_by_call(
        "batch",
        "RegisterJobDefinition",
        name="JobDefinitionName",
        ref="jobDefinitionArn",
        attributes={"JobDefinitionArn": "jobDefinitionArn"},
        delete=("DeregisterJobDefinition", "jobDefinition"),
    ),
    "AWS::Batch::SchedulingPolicy": recorded(
        "jobs of a queue start in the order of their submission",
        ref=lambda creation: creation.arn("batch", f"scheduling-policy/{creation.name(longest=128)}"),
        attributes={"Arn": "{id}"},
    ),
    "AWS::StepFunctions::StateMachine": ResourceType(
        _create_state_machine,
        "stepfunctions:CreateStateMachine",
        delete=lambda existing: _call_off("stepfunctions", "DeleteStateMachine", "stateMachineArn", existing),
    ),
}


def _call_off(service: str, operation: str, parameter: str, existing: Existing) -> None:
    call(service, operation, **{parameter: existing.created.physical_id})
