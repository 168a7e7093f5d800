"""Models: a container's image, where its artefact is, and as whom it reads it."""

from typing import Any

from embedded_aws.context import Context
from embedded_aws.sagemaker import images
from embedded_aws.sagemaker.operations import Answer, Parameters, Shelf, invalid, named, only, s3_uri, some
from embedded_aws.sagemaker.records import Records

_CARRIED_OUT = (
    "ModelName",
    "PrimaryContainer",
    "Containers",
    "ExecutionRoleArn",
    "Tags",
    "VpcConfig",
    "EnableNetworkIsolation",
)
_CONTAINER = ("Image", "ModelDataUrl", "Environment", "ModelPackageName", "ContainerHostname")
_ENVIRONMENT = ("SAGEMAKER_INFERENCE_OUTPUT", "SAGEMAKER_INFERENCE_SUPPORTED")


class Models:
    """The operations."""

    def __init__(self, context: Context, records: Records) -> None:
        self._models = Shelf(context, records, "Model")
        self._packages = Shelf(context, records, "ModelPackage")

    def create_model(self, parameters: Parameters) -> Answer:
        """CreateModel, of one container: those of AutoML jobs and training jobs hold the whole pipeline."""
        only("CreateModel", parameters, _CARRIED_OUT)
        name = named(parameters.get("ModelName"))
        if not parameters.get("ExecutionRoleArn"):
            raise invalid("A model needs an ExecutionRoleArn, as whom its artefact is read")
        self._resolved(parameters)
        self._models.add(name, parameters)
        return {"ModelArn": self._models.arn(name)}

    def describe_model(self, parameters: Parameters) -> Answer:
        """DescribeModel."""
        name = str(parameters.get("ModelName"))
        model = self._models.get(name)
        return {
            "ModelName": name,
            "ModelArn": self._models.arn(name),
            "CreationTime": model["created"],
            **some(model["given"], "PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig"),
            "EnableNetworkIsolation": bool(model["given"].get("EnableNetworkIsolation")),
        }

    def list_models(self, parameters: Parameters) -> Answer:
        """ListModels."""
        return self._models.list(
            parameters,
            "Models",
            lambda name, model: {
                "ModelName": name,
                "ModelArn": self._models.arn(name),
                "CreationTime": model["created"],
            },
        )

    def delete_model(self, parameters: Parameters) -> Answer:
        """DeleteModel; its artefact stays."""
        name = str(parameters.get("ModelName"))
        self._models.get(name)
        self._models.remove(name)
        return {}

    def served(self, name: str) -> dict[str, Any]:
        """What serving a model needs: `role_arn`, `model` and `outputs`."""
        given = self._models.get(name)["given"]
        container = self._resolved(given)
        return {
            "role_arn": given["ExecutionRoleArn"],
            "model": container["ModelDataUrl"],
            "outputs": (container.get("Environment") or {}).get("SAGEMAKER_INFERENCE_OUTPUT"),
        }

    def _resolved(self, parameters: Parameters) -> Parameters:
        """The container, of a package if it names one; refused where nothing here plays it."""
        containers = [parameters["PrimaryContainer"]] if parameters.get("PrimaryContainer") else []
        containers += parameters.get("Containers") or []
        if len(containers) != 1:
            raise invalid(f"The embedded SageMaker serves models of one container, not of {len(containers)}")
        container: Parameters = containers[0]
        only("CreateModel's container", container, _CONTAINER)
        if package := container.get("ModelPackageName"):
            found = self._packages.find(package.partition(":model-package/")[2])
            if found is None:
                raise invalid(f"Could not find model package {package}")
            container = {**found["given"]["InferenceSpecification"]["Containers"][0], **container}
        images.algorithm_of(str(container.get("Image")))
        s3_uri(container.get("ModelDataUrl"), "ModelDataUrl")
        if unknown := set(container.get("Environment") or ()) - set(_ENVIRONMENT):
            raise invalid(f"No container here reads {min(unknown)}; they read {', '.join(_ENVIRONMENT)}")
        return container
