"""Stage ml: annotated variants become training sets that models learn from."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.deployment_outputs import offer
from stacks.constructs.training_set_job import TrainingSetJob


@dataclass(frozen=True)
class MachineLearningConfig:
    """`project` prefixes the name by which the job is started."""

    project: str
    spark_worker_type: str
    spark_timeout_minutes: int


class MachineLearning(cdk.Stack):
    """The job that makes training sets."""

    def __init__(
        self, scope: Construct, construct_id: str, *, data_lake: s3.IBucket, config: MachineLearningConfig, **stack: Any
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        job = TrainingSetJob(
            self,
            "TrainingSets",
            project=config.project,
            data_lake=data_lake,
            worker_type=config.spark_worker_type,
            timeout_minutes=config.spark_timeout_minutes,
        )
        offer(self, training_set_job=job.job_name)
