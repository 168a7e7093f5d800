"""AutoML jobs, from the table to an endpoint and a batch: SageMaker's Developer Guide and API Reference."""

import csv
import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.sagemaker.laboratory import BUCKET, Laboratory, rows, text
from tests.waiting import until


def test_a_job_trains_its_candidates_and_says_which_is_best(laboratory: Laboratory, done: dict[str, Any]) -> None:
    assert (done["AutoMLJobStatus"], done["AutoMLJobSecondaryStatus"]) == ("Completed", "Completed"), done
    candidates = laboratory.client().list_candidates_for_auto_ml_job(AutoMLJobName="disputes")["Candidates"]
    values = [one["FinalAutoMLJobObjectiveMetric"]["Value"] for one in candidates]
    assert len(values) == 2
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.7
    assert done["BestCandidate"]["CandidateName"] == candidates[0]["CandidateName"]
    step = candidates[0]["CandidateSteps"][0]["CandidateStepName"]
    trained = laboratory.client().describe_training_job(TrainingJobName=step)
    assert trained["ModelArtifacts"]["S3ModelArtifacts"] == candidates[0]["InferenceContainers"][0]["ModelDataUrl"]


def test_a_job_writes_both_notebooks_where_it_says(laboratory: Laboratory, done: dict[str, Any]) -> None:
    for name in ("DataExplorationNotebookLocation", "CandidateDefinitionNotebookLocation"):
        uri = done["AutoMLJobArtifacts"][name]
        # Developer Guide, "Autopilot notebooks": both lie below sagemaker-automl-candidates of the job's output.
        assert uri.startswith(f"s3://{BUCKET}/automl/disputes/sagemaker-automl-candidates/")
        key = uri.removeprefix(f"s3://{BUCKET}/")
        notebook = json.loads(laboratory.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
        assert any(cell["cell_type"] == "code" for cell in notebook["cells"])


def test_endpoint_and_batch_say_the_same_to_the_last_digit(laboratory: Laboratory, endpoint: str, model: str) -> None:
    asked = text([row[:-1] for row in rows(40, 2)])
    laboratory.client("s3").put_object(Bucket=BUCKET, Key="batch/new.csv", Body=asked.encode())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/batch/"}}
    laboratory.client().create_transform_job(
        TransformJobName="disputes",
        ModelName=model,
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/answers", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def described() -> Any:
        return laboratory.client().describe_transform_job(TransformJobName="disputes")

    until(lambda: described()["TransformJobStatus"] != "InProgress", seconds=60)
    assert described()["TransformJobStatus"] == "Completed", described()
    batch = laboratory.client("s3").get_object(Bucket=BUCKET, Key="answers/new.csv.out")["Body"].read().decode()
    assert list(csv.reader(io.StringIO(batch))) == laboratory.answers(endpoint, asked)


def test_a_malformed_row_is_told_so_and_the_others_are_answered(laboratory: Laboratory, endpoint: str) -> None:
    first, second, third, fourth = laboratory.answers(
        endpoint, "0.2,missense,GENE1\nrare,missense,GENE1\n0.2,missense\n,intron,UNHEARD-OF\n"
    )
    assert [float(row[1]) > 0.5 for row in (first, fourth)] == [True, False]
    assert second == ["ERROR row 2: allele_frequency is 'rare'; expected a number, or nothing", ""]
    assert third == ["ERROR row 3: has 2 values; the model takes 3, from allele_frequency to gene", ""]


def test_what_an_endpoint_does_not_read_is_an_error_of_the_model(laboratory: Laboratory, endpoint: str) -> None:
    runtime = laboratory.client("sagemaker-runtime")
    with pytest.raises(ClientError, match=r"ModelError.*the model reads text/csv, not application/json"):
        runtime.invoke_endpoint(EndpointName=endpoint, ContentType="application/json", Body="{}")
    with pytest.raises(ClientError, match="Endpoint nobody of account"):
        runtime.invoke_endpoint(EndpointName="nobody", ContentType="text/csv", Body="1")


def test_a_job_whose_role_may_not_read_the_table_fails_with_the_reason(laboratory: Laboratory) -> None:
    role = laboratory.services.role("blind", "s3:PutObject")
    laboratory.client().create_auto_ml_job_v2(**{**laboratory.job("blind"), "RoleArn": role})
    failed = laboratory.ended("blind")
    assert failed["AutoMLJobStatus"] == "Failed"
    assert "s3:ListBucket" in failed["FailureReason"]


@pytest.mark.parametrize(
    ("tabular", "complaint"),
    [
        ({"ProblemType": "Regression"}, "learns two labels apart; Regression it does not do"),
        (
            {"CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["catboost"]}]}},
            "catboost is not tried",
        ),
        ({"SampleWeightAttributeName": "w"}, "does not carry out .*SampleWeightAttributeName"),
        ({"Mode": "FASTEST"}, "Mode FASTEST is none of"),
    ],
)
def test_what_a_job_does_not_do_is_refused(laboratory: Laboratory, tabular: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ClientError, match=complaint):
        laboratory.client().create_auto_ml_job_v2(**laboratory.job("refused", **tabular))
