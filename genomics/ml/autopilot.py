"""Autopilot's jobs, notebooks and endpoints, as the notebooks use them, on AWS and wherever else its API answers."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sagemaker.core.resources import AutoMLJobV2, Endpoint

from genomics.contracts.annotated_variants import LABEL
from genomics.ml.autopilot_tables import Tables
from genomics.ml.workspace import Workspace, client, download, upload

Say = Callable[[str], None]
_CONTENT_TYPE = "text/csv;header=present"
_POLL_SECONDS = 2.0
# A Glue job's states from which it goes nowhere.
_ENDED = ("SUCCEEDED", "FAILED", "ERROR", "TIMEOUT", "STOPPED", "EXPIRED")


class AutopilotError(RuntimeError):
    """A job, a model or an endpoint has failed; one line with its name and the service's reason."""


def make_training_set(workspace: Workspace, on_progress: Say = print) -> None:
    """Run the platform's own job that makes a training set of the newest release; AutopilotError where it fails."""
    glue = client("glue")
    run = glue.start_job_run(JobName=workspace.training_set_job)["JobRunId"]

    def state() -> str:
        return str(glue.get_job_run(JobName=workspace.training_set_job, RunId=run)["JobRun"]["JobRunState"])

    if (ended := _followed(state, lambda now: now in _ENDED, on_progress)) != "SUCCEEDED":
        reason = glue.get_job_run(JobName=workspace.training_set_job, RunId=run)["JobRun"].get("ErrorMessage", "")
        raise AutopilotError(f"job {workspace.training_set_job} is {ended}: {reason}")


def start_job(
    workspace: Workspace,
    tables: Tables,
    name: str,
    *,
    candidates: int,
    minutes: int,
    objective: str = "AUC",
    algorithms: Sequence[str] = (),
) -> Any:
    """Put the tables into S3 and start a job that makes both notebooks; `algorithms` are all if none are named."""
    where = f"{workspace.work_uri}/{name}"
    channels = []
    for kind, path in (("training", tables.train), ("validation", tables.validation)):
        source = {"S3DataType": "S3Prefix", "S3Uri": upload(path, f"{where}/{path.name}")}
        data = {"S3DataSource": source}
        channels.append({"ChannelType": kind, "ContentType": _CONTENT_TYPE, "DataSource": data})
    upload(tables.test, f"{where}/{tables.test.name}")
    tabular: dict[str, Any] = {
        "TargetAttributeName": LABEL,
        "ProblemType": "BinaryClassification",
        "Mode": "HYPERPARAMETER_TUNING",
        "CompletionCriteria": {"MaxCandidates": candidates, "MaxAutoMLJobRuntimeInSeconds": minutes * 60},
    }
    if algorithms:
        tabular["CandidateGenerationConfig"] = {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(algorithms)}]}
    # AutoMLJobV2.create of sagemaker-core 2.27 sends MaxAutoMlJobRuntimeInSeconds, which the API refuses.
    client("sagemaker").create_auto_ml_job_v2(
        AutoMLJobName=name,
        AutoMLJobInputDataConfig=channels,
        OutputDataConfig={"S3OutputPath": f"{where}/autopilot"},
        AutoMLProblemTypeConfig={"TabularJobConfig": tabular},
        AutoMLJobObjective={"MetricName": objective},
        RoleArn=workspace.job_role_arn,
    )
    return AutoMLJobV2.get(auto_ml_job_name=name)


def wait_for_job(job: Any, on_progress: Say = print) -> Any:
    """Wait until a job has ended, and say what it does; AutopilotError with its reason unless it was completed."""

    def state() -> str:
        job.refresh()
        return f"{job.auto_ml_job_status}: {job.auto_ml_job_secondary_status}"

    ended = _followed(
        state,
        lambda now: now.partition(":")[0] in ("Completed", "Failed", "Stopped"),
        lambda now: on_progress(f"{job.auto_ml_job_name} {now}"),
    )
    if not ended.startswith("Completed"):
        raise AutopilotError(f"job {job.auto_ml_job_name} {ended}: {job.failure_reason}")
    return job


def fetch_notebooks(job: Any, directory: Path) -> list[Path]:
    """Both notebooks of a job, below `directory`: the exploration of the data, the definition of the candidates."""
    made = job.auto_ml_job_artifacts
    places = (made.data_exploration_notebook_location, made.candidate_definition_notebook_location)
    return [download(uri, directory) for uri in places]


def fetch_test(workspace: Workspace, name: str, directory: Path) -> list[Path]:
    """The validation and test tables of a job, below `directory`."""
    return [download(f"{workspace.work_uri}/{name}/{file}", directory) for file in ("validation.csv", "test.csv")]


def endpoint_of(job_name: str) -> str:
    """The endpoint in service that a job's CandidateDefinition notebook has deployed, the newest of those there are."""
    found = [
        endpoint
        for endpoint in Endpoint.get_all(name_contains=job_name, sort_by="CreationTime", sort_order="Descending")
        if endpoint.endpoint_status == "InService"
    ]
    if not found:
        raise AutopilotError(f"no endpoint of {job_name} is in service: run its CandidateDefinition notebook first")
    return str(found[0].endpoint_name)


def register(workspace: Workspace, endpoint_name: str, metrics: dict[str, float]) -> str:
    """Add an endpoint's model to the registry, where somebody is to approve it; the ARN of the version."""
    sagemaker = client("sagemaker")
    model = sagemaker.describe_model(ModelName=_model_of(endpoint_name))
    containers = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else model["Containers"]
    made = sagemaker.create_model_package(
        ModelPackageGroupName=workspace.model_group,
        InferenceSpecification={
            "Containers": [
                {key: one[key] for key in ("Image", "ModelDataUrl", "Environment") if key in one} for one in containers
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={name: f"{value:.4f}" for name, value in metrics.items()},
    )
    return str(made["ModelPackageArn"])


def delete_endpoint(endpoint_name: str) -> None:
    """Delete an endpoint with its configuration and its model; what was trained stays in S3."""
    sagemaker = client("sagemaker")
    model, configuration = _model_of(endpoint_name), _configuration_of(endpoint_name)
    sagemaker.delete_endpoint(EndpointName=endpoint_name)
    sagemaker.delete_endpoint_config(EndpointConfigName=configuration)
    sagemaker.delete_model(ModelName=model)


def _configuration_of(endpoint_name: str) -> str:
    return str(client("sagemaker").describe_endpoint(EndpointName=endpoint_name)["EndpointConfigName"])


def _model_of(endpoint_name: str) -> str:
    described = client("sagemaker").describe_endpoint_config(EndpointConfigName=_configuration_of(endpoint_name))
    return str(described["ProductionVariants"][0]["ModelName"])


def _followed(state: Callable[[], str], has_ended: Callable[[str], bool], say: Say) -> str:
    """Ask until it has ended, and tell each state once."""
    told = ""
    while True:
        now = state()
        if now != told:
            say(now)
            told = now
        if has_ended(now):
            return now
        time.sleep(_POLL_SECONDS)
