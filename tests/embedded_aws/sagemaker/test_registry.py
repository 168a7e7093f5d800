"""The model registry and notebook instances: API Reference."""

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.durable.database import Database
from embedded_aws.sagemaker.records import Records

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-autopilot-xgboost:1"
SPECIFICATION = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://models/model.tar.gz"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


def test_versions_are_counted_and_wait_for_approval(services: Any) -> None:
    sagemaker = services.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="disputes")
    first, second = (
        sagemaker.create_model_package(ModelPackageGroupName="disputes", InferenceSpecification=SPECIFICATION)[
            "ModelPackageArn"
        ]
        for _ in range(2)
    )
    assert (first.rpartition("/")[2], second.rpartition("/")[2]) == ("1", "2")
    assert sagemaker.describe_model_package(ModelPackageName=first)["ModelApprovalStatus"] == "PendingManualApproval"
    sagemaker.update_model_package(ModelPackageArn=second, ModelApprovalStatus="Approved")
    approved = sagemaker.list_model_packages(ModelPackageGroupName="disputes", ModelApprovalStatus="Approved")
    assert [one["ModelPackageArn"] for one in approved["ModelPackageSummaryList"]] == [second]
    with pytest.raises(ClientError, match="still has model packages"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="disputes")


def test_a_model_of_an_image_that_nothing_plays_is_refused(services: Any) -> None:
    container = {"Image": "somewhere/bert:2", "ModelDataUrl": "s3://models/model.tar.gz"}
    with pytest.raises(ClientError, match="No process here plays the image somewhere/bert:2"):
        services.client("sagemaker").create_model(
            ModelName="bert", ExecutionRoleArn=services.role("bert"), PrimaryContainer=container
        )


def test_what_moto_only_plays_is_refused_by_name(services: Any) -> None:
    with pytest.raises(ClientError, match="does not carry out ListClusters"):
        services.client("sagemaker").list_clusters()


def test_a_notebook_instance_changes_its_states_as_the_api_says(services: Any) -> None:
    sagemaker = services.client("sagemaker")
    script = {"Content": base64.b64encode(b"#!/bin/bash\n").decode()}
    sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="start", OnStart=[script])
    with pytest.raises(ClientError, match="OnStart is not encoded in base64"):
        sagemaker.create_notebook_instance_lifecycle_config(
            NotebookInstanceLifecycleConfigName="bad", OnStart=[{"Content": "#!"}]
        )
    role = services.role("desk")
    sagemaker.create_notebook_instance(
        NotebookInstanceName="desk", InstanceType="ml.t3.medium", RoleArn=role, LifecycleConfigName="start"
    )

    def state() -> str:
        return str(sagemaker.describe_notebook_instance(NotebookInstanceName="desk")["NotebookInstanceStatus"])

    assert state() == "InService"
    with pytest.raises(ClientError, match="Unable to transition to"):
        sagemaker.delete_notebook_instance(NotebookInstanceName="desk")
    sagemaker.stop_notebook_instance(NotebookInstanceName="desk")
    assert state() == "Stopped"
    sagemaker.delete_notebook_instance(NotebookInstanceName="desk")


def test_records_are_there_again_after_a_restart(tmp_path: Any) -> None:
    kept_in = Database.open(tmp_path, account="123456789012", region="us-east-1")
    kept_in.put("sagemaker", "Model", "disputes", {"given": {"ModelName": "disputes"}})
    records = Records()
    records.restore(kept_in)
    assert records.find("Model", "disputes") == {"given": {"ModelName": "disputes"}}
    kept_in.close()
