"""SageMaker."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from embedded_aws.resources.api_call import call, made_by_call
from embedded_aws.resources.arguments import arguments
from embedded_aws.resources.resource_type import Created, Creation, Existing, ResourceError, ResourceType

_NO_NOTEBOOK_SERVER = "no notebook server is started; notebooks are opened on this machine"
_NO_SCRIPT = "what an instance of its own would install is on this machine already"


def _adopted(row: ResourceType, name: str, found: Callable[[str], Created]) -> ResourceType:
    """SageMaker outlives an instance: `found` tells of what is there under the name in the property `name`."""

    def create(creation: Creation) -> Created:
        told = {name: creation.name(longest=63), **creation.properties}
        try:
            return row.create(replace(creation, properties=told))
        except ResourceError as error:
            if creation.adopting and "already existing" in str(error):
                return found(str(told[name]))
            raise

    return replace(row, create=create)


def _group(name: str) -> Created:
    arn = call("sagemaker", "DescribeModelPackageGroup", ModelPackageGroupName=name)["ModelPackageGroupArn"]
    return Created(arn, {"ModelPackageGroupArn": arn})


def _instance(name: str) -> Created:
    arn = call("sagemaker", "DescribeNotebookInstance", NotebookInstanceName=name)["NotebookInstanceArn"]
    return Created(arn, {"NotebookInstanceName": name})


def _lifecycle(name: str) -> Created:
    told = call("sagemaker", "DescribeNotebookInstanceLifecycleConfig", NotebookInstanceLifecycleConfigName=name)
    return Created(told["NotebookInstanceLifecycleConfigArn"], {"NotebookInstanceLifecycleConfigName": name})


def _delete_group(existing: Existing) -> None:
    name = existing.created.physical_id.rpartition("/")[2]
    call("sagemaker", "DeleteModelPackageGroup", ModelPackageGroupName=name)


def _delete_instance(existing: Existing) -> None:
    name = existing.created.physical_id.rpartition("/")[2]
    told = call("sagemaker", "DescribeNotebookInstance", NotebookInstanceName=name)
    if told["NotebookInstanceStatus"] == "InService":
        call("sagemaker", "StopNotebookInstance", NotebookInstanceName=name)
    call("sagemaker", "DeleteNotebookInstance", NotebookInstanceName=name)


def _update_instance(existing: Existing, creation: Creation) -> Created:
    given = {name: creation.properties[name] for name in ("InstanceType", "RoleArn") if name in creation.properties}
    told = {"NotebookInstanceName": existing.created.physical_id.rpartition("/")[2], **given}
    operation = "UpdateNotebookInstance"
    call("sagemaker", operation, **arguments("sagemaker", operation, told, resource_type=creation.type))
    return existing.created


def _delete_lifecycle(existing: Existing) -> None:
    name = existing.created.physical_id.rpartition("/")[2]
    call("sagemaker", "DeleteNotebookInstanceLifecycleConfig", NotebookInstanceLifecycleConfigName=name)


def _update_lifecycle(existing: Existing, creation: Creation) -> Created:
    name = existing.created.physical_id.rpartition("/")[2]
    told = {**creation.properties, "NotebookInstanceLifecycleConfigName": name}
    told.pop("Tags", None)
    operation = "UpdateNotebookInstanceLifecycleConfig"
    call("sagemaker", operation, **arguments("sagemaker", operation, told, resource_type=creation.type))
    return existing.created


TYPES: Mapping[str, ResourceType] = {
    "AWS::SageMaker::ModelPackageGroup": _adopted(
        replace(
            made_by_call(
                "sagemaker",
                "CreateModelPackageGroup",
                ref="ModelPackageGroupArn",
                attributes={"ModelPackageGroupArn": "ModelPackageGroupArn"},
            ),
            delete=_delete_group,
        ),
        "ModelPackageGroupName",
        _group,
    ),
    "AWS::SageMaker::NotebookInstanceLifecycleConfig": _adopted(
        replace(
            made_by_call(
                "sagemaker",
                "CreateNotebookInstanceLifecycleConfig",
                ref="NotebookInstanceLifecycleConfigArn",
                attributes={"NotebookInstanceLifecycleConfigName": "=NotebookInstanceLifecycleConfigName"},
                inert=_NO_SCRIPT,
            ),
            delete=_delete_lifecycle,
            update=_update_lifecycle,
        ),
        "NotebookInstanceLifecycleConfigName",
        _lifecycle,
    ),
    "AWS::SageMaker::NotebookInstance": _adopted(
        replace(
            made_by_call(
                "sagemaker",
                "CreateNotebookInstance",
                ref="NotebookInstanceArn",
                attributes={"NotebookInstanceName": "=NotebookInstanceName"},
                inert=_NO_NOTEBOOK_SERVER,
            ),
            delete=_delete_instance,
            update=_update_instance,
        ),
        "NotebookInstanceName",
        _instance,
    ),
}
