"""Stage ml: annotated variants become training sets that models learn from."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from genomics.contracts import object_keys
from stacks.constructs.deployment_outputs import offer
from stacks.constructs.notebook_desk import DeskConfig, NotebookDesk
from stacks.constructs.runbook import Places, Runbook
from stacks.constructs.training_set_job import TrainingSetJob


@dataclass(frozen=True)
class MachineLearningConfig:
    """`project` prefixes the names of what is made; without a `desk` there is no notebook instance."""

    project: str
    spark_worker_type: str
    spark_timeout_minutes: int
    desk: DeskConfig | None


class MachineLearning(cdk.Stack):
    """The job that makes training sets, what learns from them, and who may have it do so."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        places: Places,
        vpc: ec2.IVpc,
        config: MachineLearningConfig,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        job = TrainingSetJob(
            self,
            "TrainingSets",
            project=config.project,
            data_lake=places.data_lake,
            worker_type=config.spark_worker_type,
            timeout_minutes=config.spark_timeout_minutes,
        )
        runbook = Runbook(self, "Runbook", project=config.project, places=places, training_set_job=job.job_name)
        if config.desk:
            lake = places.data_lake.bucket_name
            NotebookDesk(
                self,
                "Desk",
                vpc=vpc,
                places=places,
                runbook=runbook,
                workspace={
                    "training_sets_uri": f"s3://{lake}/{object_keys.TRAINING_SETS.rstrip('/')}",
                    "work_uri": f"s3://{lake}/{object_keys.MODEL_WORK.rstrip('/')}",
                    "job_role_arn": runbook.job_role.role_arn,
                    "training_set_job": job.job_name,
                    "model_group": runbook.group_name,
                    "prefix": config.project,
                },
                config=config.desk,
            )
        offer(
            self,
            training_set_job=job.job_name,
            runbook_role_arn=runbook.role.role_arn,
            model_job_role_arn=runbook.job_role.role_arn,
            model_group=runbook.group_name,
        )
