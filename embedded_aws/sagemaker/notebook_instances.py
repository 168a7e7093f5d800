"""Notebook instances and their lifecycle configurations: their states only.

No notebook server is started, and no lifecycle script is run: notebooks are executed on this machine by whoever opens
them, with the credentials they choose.
"""

import base64
import binascii

from embedded_aws.context import Context
from embedded_aws.sagemaker.operations import Answer, Parameters, Shelf, invalid, named, some
from embedded_aws.sagemaker.records import Document, Records

_KEPT = (
    "InstanceType",
    "SubnetId",
    "RoleArn",
    "KmsKeyId",
    "DirectInternetAccess",
    "VolumeSizeInGB",
    "AcceleratorTypes",
    "DefaultCodeRepository",
    "AdditionalCodeRepositories",
    "RootAccess",
    "PlatformIdentifier",
    "InstanceMetadataServiceConfiguration",
)
_LONGEST_SCRIPT = 16384


class NotebookInstances:
    """The operations."""

    def __init__(self, context: Context, records: Records) -> None:
        self._context = context
        self._instances = Shelf(context, records, "NotebookInstance")
        self._configurations = Shelf(context, records, "NotebookInstanceLifecycleConfig")

    def create_notebook_instance(self, parameters: Parameters) -> Answer:
        """CreateNotebookInstance."""
        name = named(parameters.get("NotebookInstanceName"))
        if configuration := parameters.get("LifecycleConfigName"):
            self._configurations.get(configuration)
        self._instances.add(name, parameters, status="InService")
        return {"NotebookInstanceArn": self._instances.arn(name)}

    def describe_notebook_instance(self, parameters: Parameters) -> Answer:
        """DescribeNotebookInstance."""
        name = str(parameters.get("NotebookInstanceName"))
        instance = self._instances.get(name)
        given = instance["given"]
        return {
            **self._summary(name, instance),
            **some(given, *_KEPT),
            "SecurityGroups": given.get("SecurityGroupIds") or [],
        }

    def list_notebook_instances(self, parameters: Parameters) -> Answer:
        """ListNotebookInstances."""
        return self._instances.list(parameters, "NotebookInstances", self._summary)

    def start_notebook_instance(self, parameters: Parameters) -> Answer:
        """StartNotebookInstance."""
        return self._turn(parameters, "Stopped", "InService")

    def stop_notebook_instance(self, parameters: Parameters) -> Answer:
        """StopNotebookInstance."""
        return self._turn(parameters, "InService", "Stopped")

    def update_notebook_instance(self, parameters: Parameters) -> Answer:
        """UpdateNotebookInstance."""
        name = str(parameters.get("NotebookInstanceName"))
        told = dict(parameters)
        if told.pop("DisassociateLifecycleConfig", False):
            told["LifecycleConfigName"] = None
        self._instances.change(name, given={**self._instances.get(name)["given"], **told})
        return {}

    def delete_notebook_instance(self, parameters: Parameters) -> Answer:
        """DeleteNotebookInstance. CloudFormation stops it first, as AWS's does."""
        name = str(parameters.get("NotebookInstanceName"))
        if self._instances.get(name)["status"] != "Stopped":
            raise invalid(
                f"Status (InService) not in ([Stopped, Failed]). Unable to transition to (Deleting) for {name}."
            )
        self._instances.remove(name)
        return {}

    def create_notebook_instance_lifecycle_config(self, parameters: Parameters) -> Answer:
        """CreateNotebookInstanceLifecycleConfig. Scripts are checked, as AWS checks them: base64, 16,384 characters."""
        name = named(parameters.get("NotebookInstanceLifecycleConfigName"))
        for kind in ("OnCreate", "OnStart"):
            for script in parameters.get(kind) or ():
                _check(kind, str(script.get("Content") or ""))
        self._configurations.add(name, parameters)
        return {"NotebookInstanceLifecycleConfigArn": self._configurations.arn(name)}

    def describe_notebook_instance_lifecycle_config(self, parameters: Parameters) -> Answer:
        """DescribeNotebookInstanceLifecycleConfig."""
        name = str(parameters.get("NotebookInstanceLifecycleConfigName"))
        found = self._configurations.get(name)
        return {
            "NotebookInstanceLifecycleConfigName": name,
            "NotebookInstanceLifecycleConfigArn": self._configurations.arn(name),
            **some(found["given"], "OnCreate", "OnStart"),
            "CreationTime": found["created"],
            "LastModifiedTime": found["modified"],
        }

    def update_notebook_instance_lifecycle_config(self, parameters: Parameters) -> Answer:
        """UpdateNotebookInstanceLifecycleConfig."""
        name = str(parameters.get("NotebookInstanceLifecycleConfigName"))
        given = self._configurations.get(name)["given"]
        self._configurations.change(name, given={**given, **some(parameters, "OnCreate", "OnStart")})
        return {}

    def delete_notebook_instance_lifecycle_config(self, parameters: Parameters) -> Answer:
        """DeleteNotebookInstanceLifecycleConfig."""
        name = str(parameters.get("NotebookInstanceLifecycleConfigName"))
        self._configurations.get(name)
        self._configurations.remove(name)
        return {}

    def _turn(self, parameters: Parameters, before: str, after: str) -> Answer:
        name = str(parameters.get("NotebookInstanceName"))
        status = self._instances.get(name)["status"]
        if status != before:
            raise invalid(f"Status ({status}) not in ([{before}]). Unable to transition for {name}.")
        self._instances.change(name, status=after)
        return {}

    def _summary(self, name: str, instance: Document) -> Answer:
        given = instance["given"]
        configuration = given.get("LifecycleConfigName")
        return {
            "NotebookInstanceName": name,
            "NotebookInstanceArn": self._instances.arn(name),
            "NotebookInstanceStatus": instance["status"],
            "CreationTime": instance["created"],
            "LastModifiedTime": instance["modified"],
            **some(given, "InstanceType"),
            **({"NotebookInstanceLifecycleConfigName": configuration} if configuration else {}),
        }


def _check(kind: str, content: str) -> None:
    if len(content) > _LONGEST_SCRIPT:
        raise invalid(f"{kind} has {len(content)} characters; at most {_LONGEST_SCRIPT} are allowed")
    try:
        base64.b64decode(content, validate=True)
    except binascii.Error:
        raise invalid(f"{kind} is not encoded in base64") from None
