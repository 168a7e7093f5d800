"""SageMaker that learns: AutoML, training, tuning and transform jobs, endpoints that serve, and the model registry.

Jobs and models are processes (`programs/`) that run as their role and find AWS as anything else does; what is learned
comes of `genomics.ml.tabular`. What differs from AWS: tables with two labels only; a model is one container of the
algorithms that AutoML jobs try here; notebook instances are only recorded; everything else is refused by name.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.sagemaker.responses import SageMakerResponse

from embedded_aws.context import Context
from embedded_aws.durable.database import Database
from embedded_aws.guard import Patch
from embedded_aws.sagemaker.automl import AutoMLJobs
from embedded_aws.sagemaker.endpoints import Endpoints
from embedded_aws.sagemaker.models import Models
from embedded_aws.sagemaker.notebook_instances import NotebookInstances
from embedded_aws.sagemaker.operations import Operation
from embedded_aws.sagemaker.records import Records
from embedded_aws.sagemaker.registry import Registry
from embedded_aws.sagemaker.tags import Tags
from embedded_aws.sagemaker.training import TrainingJobs
from embedded_aws.sagemaker.transform import TransformJobs

# The operations of each part; a method of the same name carries each out.
_OPERATIONS: dict[type, tuple[str, ...]] = {
    AutoMLJobs: (
        "create_auto_ml_job_v2",
        "describe_auto_ml_job_v2",
        "list_auto_ml_jobs",
        "list_candidates_for_auto_ml_job",
        "stop_auto_ml_job",
    ),
    TrainingJobs: (
        "create_training_job",
        "describe_training_job",
        "list_training_jobs",
        "stop_training_job",
        "create_hyper_parameter_tuning_job",
        "describe_hyper_parameter_tuning_job",
        "list_hyper_parameter_tuning_jobs",
        "list_training_jobs_for_hyper_parameter_tuning_job",
        "stop_hyper_parameter_tuning_job",
    ),
    Models: ("create_model", "describe_model", "list_models", "delete_model"),
    Registry: (
        "create_model_package_group",
        "describe_model_package_group",
        "list_model_package_groups",
        "delete_model_package_group",
        "create_model_package",
        "describe_model_package",
        "list_model_packages",
        "update_model_package",
        "delete_model_package",
    ),
    NotebookInstances: (
        "create_notebook_instance",
        "describe_notebook_instance",
        "list_notebook_instances",
        "start_notebook_instance",
        "stop_notebook_instance",
        "update_notebook_instance",
        "delete_notebook_instance",
        "create_notebook_instance_lifecycle_config",
        "describe_notebook_instance_lifecycle_config",
        "update_notebook_instance_lifecycle_config",
        "delete_notebook_instance_lifecycle_config",
    ),
    TransformJobs: (
        "create_transform_job",
        "describe_transform_job",
        "list_transform_jobs",
        "stop_transform_job",
    ),
    Endpoints: (
        "create_endpoint_config",
        "describe_endpoint_config",
        "list_endpoint_configs",
        "delete_endpoint_config",
        "create_endpoint",
        "update_endpoint",
        "describe_endpoint",
        "list_endpoints",
        "delete_endpoint",
    ),
    Tags: ("list_tags", "add_tags", "delete_tags"),
}
_INVOKE = Patch("moto.sagemakerruntime.responses:SageMakerRuntimeResponse.invoke_endpoint", "5559ed6a5dbe2534")
_INVOKE_ASYNC = Patch(
    "moto.sagemakerruntime.responses:SageMakerRuntimeResponse.invoke_endpoint_async", "705cef85a617000d"
)
# Nothing of moto's SageMaker is left in use: each operation is ours, or is refused. What is relied on is how an
# operation is found and its parameters are read.
PATCHES = (
    _INVOKE,
    _INVOKE_ASYNC,
    Patch("moto.sagemaker.responses:SageMakerResponse.__init__", "43659716d36ff04a"),
)
_records = Records()


def install(context: Context) -> None:
    """Put this service in the place of moto's."""
    global _records  # noqa: PLW0603 one instance to a process
    _records = Records()
    parts = _parts(context)
    own = {name: getattr(part, name) for part in parts for name in _OPERATIONS[type(part)]}
    responses: Any = SageMakerResponse
    for name in _operations_of_moto() - set(own):
        setattr(responses, name, _refusal(name))
    for name, operation in own.items():
        setattr(responses, name, _handler(operation))
    (endpoints,) = (part for part in parts if isinstance(part, Endpoints))
    _INVOKE.apply(lambda response: _invoked(response, endpoints))
    _INVOKE_ASYNC.apply(_refusal("invoke_endpoint_async"))


def restore(context: Context, kept_in: Database) -> None:
    """Bring back what an earlier life of the instance knew; what ran then has ended."""
    _records.restore(kept_in)
    for part in _parts(context):
        if settle := getattr(part, "settle", None):
            settle()


def _parts(context: Context) -> list[Any]:
    models = Models(context, _records)
    alone = (AutoMLJobs, TrainingJobs, Registry, NotebookInstances, Tags)
    with_models = (TransformJobs, Endpoints)
    return [
        models,
        *(part(context, _records) for part in alone),
        *(part(context, _records, models) for part in with_models),
    ]


def _operations_of_moto() -> set[str]:
    return {name for name, value in vars(SageMakerResponse).items() if callable(value) and not name.startswith("_")}


def _handler(operation: Operation) -> Callable[[Any], str]:
    return lambda response: json.dumps(operation(json.loads(response.body or "{}")))


def _refusal(name: str) -> Callable[[Any], str]:
    def refuse(response: Any) -> str:
        words = name.replace("_", " ").title().replace(" ", "")
        raise JsonRESTError("ValidationException", f"The embedded SageMaker does not carry out {words}.")

    return refuse


def _invoked(response: Any, endpoints: Endpoints) -> tuple[int, dict[str, str], bytes]:
    name = response.path.split("/")[2]
    body = response.raw_body if isinstance(response.raw_body, bytes) else str(response.raw_body or "").encode()
    kind, answer, variant = endpoints.invoke(name, body, response.headers.get("Content-Type") or "")
    return 200, {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": variant}, answer
