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
from embedded_aws.resources.schemas import conditionally_create_only, differ
from embedded_aws.resources.updating import put_again, retag, told_by


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


# What Lambda takes for a property that the template no longer has.
_FUNCTION_DEFAULTS: Mapping[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "Layers": [],
}
_FUNCTION_ELSEWHERE = ("Code", "Tags", "ReservedConcurrentExecutions", "PackageType", "Architectures", "FunctionName")


def _update_function(existing: Existing, creation: Creation) -> Created:
    name, before, after = existing.created.physical_id, existing.properties, creation.properties
    architectures = {"Architectures": after["Architectures"]} if "Architectures" in after else {}
    if before["Code"] != after["Code"] or before.get("Architectures") != after.get("Architectures"):
        told = {"FunctionName": name, **after["Code"], **architectures}
        call(
            "lambda",
            "UpdateFunctionCode",
            **arguments("lambda", "UpdateFunctionCode", told, resource_type=creation.type),
        )
    gone = {key: default for key, default in _FUNCTION_DEFAULTS.items() if key in before and key not in after}
    settings = {key: value for key, value in after.items() if key not in _FUNCTION_ELSEWHERE}
    if gone or settings != {key: value for key, value in before.items() if key not in _FUNCTION_ELSEWHERE}:
        told = {"FunctionName": name, **gone, **settings}
        told = arguments("lambda", "UpdateFunctionConfiguration", told, resource_type=creation.type)
        call("lambda", "UpdateFunctionConfiguration", **told)
    concurrency = after.get("ReservedConcurrentExecutions")
    if concurrency is not None:
        number = int(concurrency)
        call("lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=number)
    elif "ReservedConcurrentExecutions" in before:
        call("lambda", "DeleteFunctionConcurrency", FunctionName=name)
    retag(existing, creation, "lambda", resource="Resource", value=existing.created.attributes["Arn"])
    return existing.created


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


def _delete_invoke_config(existing: Existing) -> None:
    told = {name: existing.properties[name] for name in ("FunctionName", "Qualifier")}
    call("lambda", "DeleteFunctionEventInvokeConfig", **told)


def _delete_version(existing: Existing) -> None:
    name, number = existing.created.attributes["FunctionArn"].rsplit(":", 1)
    call("lambda", "DeleteFunction", FunctionName=name, Qualifier=number)


def _delete_layer_version(existing: Existing) -> None:
    name, number = existing.created.physical_id.rsplit(":", 2)[1:]
    call("lambda", "DeleteLayerVersion", LayerName=name, VersionNumber=int(number))


def _delete_alias(existing: Existing) -> None:
    told = {name: existing.properties[name] for name in ("FunctionName", "Name")}
    call("lambda", "DeleteAlias", **told)


def _update_alias(existing: Existing, creation: Creation) -> Created:
    told = arguments("lambda", "UpdateAlias", creation.properties, resource_type=creation.type)
    call("lambda", "UpdateAlias", **told)
    return existing.created


def _create_compute_environment(creation: Creation) -> Created:
    """Put into moto's backend as it stands: moto's own call knows few instance types and starts instances."""
    told = _compute_environment_arguments(creation)
    backend = _batch(creation)
    if backend.get_compute_environment_by_name(told["computeEnvironmentName"]) is not None:
        name = told["computeEnvironmentName"]
        raise ResourceError(f"Object already exists: {name}", code="AlreadyExists")
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


def _update_compute_environment(existing: Existing, creation: Creation) -> Created:
    """Jobs that run go on; those that start from now on find the changed environment."""
    told = _compute_environment_arguments(creation)
    made = _batch(creation)._compute_environments[existing.created.physical_id]
    made.state = told.get("state", "ENABLED")
    made.compute_resources = told.get("computeResources")
    made.service_role = told.get("serviceRole")
    return existing.created


def _compute_environment_arguments(creation: Creation) -> dict[str, Any]:
    properties: dict[str, Any] = {"ComputeEnvironmentName": creation.name(longest=128), **creation.properties}
    # These say how CloudFormation is to update it.
    properties.pop("ReplaceComputeEnvironment", None)
    properties.pop("UpdatePolicy", None)
    compute = dict(properties.get("ComputeResources", {}))
    compute.pop("UpdateToLatestImageVersion", None)
    properties["ComputeResources"] = compute
    return arguments("batch", "CreateComputeEnvironment", properties, resource_type=creation.type)


def _replaces_compute_environment(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Unless ReplaceComputeEnvironment is false, what an infrastructure update could change is replaced instead."""
    if str(after.get("ReplaceComputeEnvironment", True)).lower() == "false":
        return False
    kind = "AWS::Batch::ComputeEnvironment"
    return any(differ(before, after, path) for path in conditionally_create_only(kind))


_NEW_REVISION = made_by_call(
    "batch",
    "RegisterJobDefinition",
    name="JobDefinitionName",
    ref="jobDefinitionArn",
    attributes={"JobDefinitionArn": "jobDefinitionArn"},
    dropped={"ResourceRetentionPolicy": "it says what becomes of the revision before"},
    delete=("DeregisterJobDefinition", "jobDefinition"),
)


def _update_job_definition(existing: Existing, creation: Creation) -> Created:
    """A new revision; the one before is deregistered, unless "SkipDeregisterOnUpdate" says that it stays."""
    created = _NEW_REVISION.create(creation)
    policy = creation.properties.get("ResourceRetentionPolicy", {})
    if str(policy.get("SkipDeregisterOnUpdate", False)).lower() != "true":
        _NEW_REVISION.delete(existing)
    return created


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


def _update_state_machine(existing: Existing, creation: Creation) -> Created:
    """Executions that run go on with the definition that they were started with."""
    properties = dict(creation.properties)
    told: dict[str, Any] = {"stateMachineArn": existing.created.physical_id, "definition": _definition(properties)}
    unchangeable = ("StateMachineName", "StateMachineType", "Tags")
    told |= {key: value for key, value in properties.items() if key not in unchangeable}
    answer = call(
        "stepfunctions",
        "UpdateStateMachine",
        **arguments("stepfunctions", "UpdateStateMachine", told, resource_type=creation.type),
    )
    retag(
        existing,
        creation,
        "stepfunctions",
        resource="resourceArn",
        put=("TagResource", "tags"),
        remove=("UntagResource", "tagKeys"),
    )
    attributes = existing.created.attributes
    revision = answer.get("revisionId", attributes["StateMachineRevisionId"])
    return Created(existing.created.physical_id, {**attributes, "StateMachineRevisionId": revision})


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
        update=_update_function,
    ),
    "AWS::Lambda::Permission": ResourceType(_create_permission, "lambda:AddPermission", delete=_delete_permission),
    "AWS::Lambda::EventSourceMapping": made_by_call(
        "lambda",
        "CreateEventSourceMapping",
        ref="UUID",
        attributes={"Id": "UUID", "EventSourceMappingArn": "UUID"},
        delete=("DeleteEventSourceMapping", "UUID"),
        update=told_by(
            "lambda",
            "UpdateEventSourceMapping",
            resource="UUID",
            never=("EventSourceArn", "StartingPosition", "StartingPositionTimestamp", "Queues", "Topics"),
        ),
    ),
    "AWS::Lambda::EventInvokeConfig": ResourceType(
        _create_invoke_config,
        "lambda:PutFunctionEventInvokeConfig",
        delete=_delete_invoke_config,
        update=put_again(_create_invoke_config),
    ),
    "AWS::Lambda::Version": ResourceType(
        made_by_call(
            "lambda",
            "PublishVersion",
            ref="FunctionArn",
            attributes={"Version": "Version", "FunctionArn": "FunctionArn"},
        ).create,
        "lambda:PublishVersion",
        delete=_delete_version,
    ),
    "AWS::Lambda::Alias": ResourceType(
        made_by_call("lambda", "CreateAlias", ref="AliasArn", attributes={"AliasArn": "AliasArn"}).create,
        "lambda:CreateAlias",
        delete=_delete_alias,
        update=_update_alias,
    ),
    "AWS::Lambda::LayerVersion": ResourceType(
        made_by_call(
            "lambda",
            "PublishLayerVersion",
            name="LayerName",
            ref="LayerVersionArn",
            attributes={"LayerVersionArn": "LayerVersionArn"},
        ).create,
        "lambda:PublishLayerVersion",
        delete=_delete_layer_version,
    ),
    "AWS::ECR::Repository": made_by_call(
        "ecr",
        "CreateRepository",
        name="RepositoryName",
        longest_name=256,
        ref="repository.repositoryName",
        attributes={"Arn": "repository.repositoryArn", "RepositoryUri": "repository.repositoryUri"},
        dropped=dict.fromkeys(("LifecyclePolicy", "EmptyOnDelete"), "no image is stored that could expire or be left"),
        delete=("DeleteRepository", "repositoryName"),
        update=lambda existing, creation: existing.created,
        inert="the folder that an image is built from plays it; none is stored",
    ),
    "AWS::Batch::ComputeEnvironment": ResourceType(
        _create_compute_environment,
        "moto's batch backend",
        delete=_delete_compute_environment,
        update=_update_compute_environment,
        replaces=_replaces_compute_environment,
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
        update=told_by("batch", "UpdateJobQueue", resource="jobQueue", never=("JobQueueName",)),
    ),
    "AWS::Batch::JobDefinition": ResourceType(
        _NEW_REVISION.create,
        _NEW_REVISION.made_by,
        delete=_NEW_REVISION.delete,
        update=_update_job_definition,
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
        update=_update_state_machine,
    ),
    "AWS::StepFunctions::Activity": made_by_call(
        "stepfunctions",
        "CreateActivity",
        name="Name",
        longest_name=80,
        ref="activityArn",
        attributes={"Arn": "activityArn", "Name": "=name"},
        delete=("DeleteActivity", "activityArn"),
    ),
}


def _call_off(service: str, operation: str, parameter: str, existing: Existing) -> None:
    call(service, operation, **{parameter: existing.created.physical_id})
