"""A table to learn from in S3, and AutoML jobs over it."""

import csv
import io
from dataclasses import dataclass
from random import Random
from typing import Any

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

    def answers(self, endpoint: str, body: str) -> list[list[str]]:
        """What an endpoint says of rows of CSV."""
        runtime = self.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
        return list(csv.reader(io.StringIO(answer["Body"].read().decode())))
