"""The job that makes training sets of ClinVar's releases in the lake."""

from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.annotation_tables import CLINVAR
from glue_jobs.create_training_set.options import CreateTrainingSetOptions, arguments
from stacks.constructs.object_access import grant_read, grant_write
from stacks.constructs.spark_job import SparkJob, SparkSize

# What reading the lake's files and VCFs takes; pysam brings a bcftools.
_PACKAGES = ("isal", "numba", "pyarrow", "pysam")
# The job is one process; Glue's Spark has two workers at least.
_WORKERS = 2


class TrainingSetJob(Construct):
    """`job_name` is `<project>-create-training-set`, as people and notebooks start it by that name.

    It reads releases and what consequences are made of in the data lake, and writes below one prefix of it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
        data_lake: s3.IBucket,
        worker_type: str,
        timeout_minutes: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.job_name = f"{project}-create-training-set"
        job = SparkJob(
            self,
            "Job",
            name="create_training_set",
            job_name=self.job_name,
            description="A release of ClinVar to a training set",
            arguments=arguments(CreateTrainingSetOptions(data_lake_bucket=data_lake.bucket_name)),
            packages=_PACKAGES,
            size=SparkSize(worker_type, _WORKERS, timeout_minutes),
        )
        read = (object_keys.annotation_loads(CLINVAR.name), object_keys.table(CLINVAR.name), object_keys.ANNOTATIONS)
        grant_read(data_lake, job.role, *read)
        grant_write(data_lake, job.role, object_keys.TRAINING_SETS)
