"""AutoML jobs, from the table to an endpoint and a batch: SageMaker's Developer Guide and API Reference."""

import csv
import io
import json
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.waiting import until

BUCKET = "learning"
HEADER = ["allele_frequency", "consequence", "gene", "CLASS"]


def rows(number: int, seed: int) -> list[list[str]]:
    """Rare variants of one consequence are disputed, for the most part."""
    random = Random(seed)  # noqa: S311
    made = []
    for _ in range(number):
        frequency = random.random()
        consequence = random.choice(["missense", "synonymous", "intron"])
        is_disputed = random.random() < (0.85 if consequence == "missense" and frequency < 0.6 else 0.15)
        known = f"{frequency:.4f}" if random.random() > 0.1 else ""
        made.append([known, consequence, f"GENE{random.randrange(60)}", str(int(is_disputed))])
    return made


def text(table: list[list[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(table)
    return lines.getvalue()


@dataclass(frozen=True)
class Laboratory:
    services: Any
    role: str

    def client(self, service: str = "sagemaker") -> Any:
        return self.services.client(service)

    def job(self, name: str, *, mode: str = "HYPERPARAMETER_TUNING", **tabular: Any) -> dict[str, Any]:
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/"}}
        return {
            "AutoMLJobName": name,
            "AutoMLJobInputDataConfig": [
                {"ChannelType": "training", "ContentType": "text/csv;header=present", "DataSource": source}
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/automl"},
            "AutoMLProblemTypeConfig": {
                "TabularJobConfig": {
                    "TargetAttributeName": "CLASS",
                    "Mode": mode,
                    "CompletionCriteria": {"MaxCandidates": 2},
                    "CandidateGenerationConfig": {
                        "AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost", "linear-learner"]}]
                    },
                    **tabular,
                }
            },
            "AutoMLJobObjective": {"MetricName": "AUC"},
            "RoleArn": self.role,
        }

    def ended(self, name: str) -> dict[str, Any]:
        def described() -> dict[str, Any]:
            found: dict[str, Any] = self.client().describe_auto_ml_job_v2(AutoMLJobName=name)
            return found

        until(lambda: described()["AutoMLJobStatus"] not in ("InProgress", "Stopping"), seconds=120)
        return described()


@pytest.fixture(scope="module")
def laboratory(services: Any) -> Laboratory:
    services.client("s3").create_bucket(Bucket=BUCKET)
    services.client("s3").put_object(Bucket=BUCKET, Key="train/train.csv", Body=text([HEADER, *rows(400, 1)]).encode())
    return Laboratory(services, services.role("learner", "s3:*", "logs:*"))


@pytest.fixture(scope="module")
def done(laboratory: Laboratory) -> dict[str, Any]:
    laboratory.client().create_auto_ml_job_v2(**laboratory.job("disputes"))
    return laboratory.ended("disputes")


@pytest.fixture(scope="module")
def model(laboratory: Laboratory, done: dict[str, Any]) -> str:
    (container,) = done["BestCandidate"]["InferenceContainers"]
    container["Environment"] = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability"}
    laboratory.client().create_model(ModelName="disputes", ExecutionRoleArn=laboratory.role, PrimaryContainer=container)
    return "disputes"


@pytest.fixture(scope="module")
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


def answers(laboratory: Laboratory, endpoint: str, body: str) -> list[list[str]]:
    runtime = laboratory.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
    return list(csv.reader(io.StringIO(answer["Body"].read().decode())))


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
    assert list(csv.reader(io.StringIO(batch))) == answers(laboratory, endpoint, asked)


def test_a_malformed_row_is_told_so_and_the_others_are_answered(laboratory: Laboratory, endpoint: str) -> None:
    first, second, third, fourth = answers(
        laboratory, endpoint, "0.2,missense,GENE1\nrare,missense,GENE1\n0.2,missense\n,intron,UNHEARD-OF\n"
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
