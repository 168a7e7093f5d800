"""One AutoML job for all tests of SageMaker, its model, and the endpoint that serves it."""

from typing import Any

import pytest

from tests.embedded_aws.sagemaker.laboratory import BUCKET, HEADER, Laboratory, rows, text
from tests.waiting import until


@pytest.fixture(scope="package")
def laboratory(services: Any) -> Laboratory:
    services.client("s3").create_bucket(Bucket=BUCKET)
    services.client("s3").put_object(Bucket=BUCKET, Key="train/train.csv", Body=text([HEADER, *rows(400, 1)]).encode())
    return Laboratory(services, services.role("learner", "s3:*", "logs:*"))


@pytest.fixture(scope="package")
def done(laboratory: Laboratory) -> dict[str, Any]:
    laboratory.client().create_auto_ml_job_v2(**laboratory.job("disputes"))
    return laboratory.ended("disputes")


@pytest.fixture(scope="package")
def model(laboratory: Laboratory, done: dict[str, Any]) -> str:
    (container,) = done["BestCandidate"]["InferenceContainers"]
    container["Environment"] = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability"}
    laboratory.client().create_model(ModelName="disputes", ExecutionRoleArn=laboratory.role, PrimaryContainer=container)
    return "disputes"


@pytest.fixture(scope="package")
def endpoint(laboratory: Laboratory, model: str) -> str:
    sagemaker = laboratory.client()
    sagemaker.create_endpoint_config(
        EndpointConfigName="disputes",
        ProductionVariants=[
            {"VariantName": "one", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
    )
    sagemaker.create_endpoint(EndpointName="disputes", EndpointConfigName="disputes")
    until(lambda: sagemaker.describe_endpoint(EndpointName="disputes")["EndpointStatus"] == "InService", seconds=60)
    return "disputes"
