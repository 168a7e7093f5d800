"""The function that judges what was loaded, and what people are told of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.environment import CheckLoadEnvironment
from genomics.contracts.events import ANNOTATION_CHECKED, SOURCE, VARIANTS_LOADED
from genomics.contracts.load_checks import CheckState, LoadLimits
from stacks.constructs.object_access import grant_read, grant_write
from stacks.constructs.python_function import PythonFunction


@dataclass(frozen=True)
class Notice:
    """What people are to be told: for each event of the pattern the message, which may hold EventFields."""

    description: str
    pattern: events.EventPattern
    message: str


class CheckLoadFunction(PythonFunction):
    """Holds what the variants job has measured against the `limits`, and writes the report beside the load."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sequencing: s3.IBucket,
        data_lake: s3.IBucket,
        limits: LoadLimits,
        log_retention_days: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage="lake",
            module="check_load",
            description="Judges whether what was loaded is as it should be",
            environment=CheckLoadEnvironment(data_lake_bucket=data_lake.bucket_name, limits=dumps(limits)).variables(),
            timeout_seconds=300,
            log_retention_days=log_retention_days,
        )
        grant_read(sequencing, self.role, object_keys.RUNS)
        grant_read(data_lake, self.role, object_keys.LOADS)
        grant_write(data_lake, self.role, object_keys.LOAD_CHECKS)


def load_notices(*, sequencing: s3.IBucket, data_lake: s3.IBucket, jobs: Sequence[str]) -> dict[str, Notice]:
    """Notices of loads whose checks have failed, and of the jobs (by name) that no state machine looks after."""
    field = events.EventField.from_path
    reason = field("$.detail.reason")
    failed = [CheckState.FAILED.value]
    return {
        "LoadChecksFailed": Notice(
            "Runs that were loaded, and whose checks have failed",
            events.EventPattern(
                source=[SOURCE],
                detail_type=[VARIANTS_LOADED],
                # The bus is shared by all deployments of the account; a bucket's name tells whose run it is.
                detail={"checks": failed, "results": [{"prefix": f"s3://{sequencing.bucket_name}/"}]},
            ),
            f"Run {field('$.detail.run_id')} is in the lake, but: {reason}. Nothing was lost; the whole reports lie in "
            f"{data_lake.bucket_name} below {object_keys.LOAD_CHECKS}.",
        ),
        "AnnotationChecksFailed": Notice(
            "Releases of annotations that were loaded, and whose checks have failed",
            events.EventPattern(
                source=[SOURCE],
                detail_type=[ANNOTATION_CHECKED],
                detail={"checks": failed, "report": [{"prefix": f"s3://{data_lake.bucket_name}/"}]},
            ),
            f"An annotation is in the lake, but: {reason}. Nothing was lost; the report is {field('$.detail.report')}.",
        ),
        "AnnotationsStopped": Notice(
            "Jobs on annotations that have failed, timed out or were stopped",
            events.EventPattern(
                source=["aws.glue"],
                detail_type=["Glue Job State Change"],
                detail={"jobName": list(jobs), "state": ["FAILED", "TIMEOUT", "STOPPED"]},
            ),
            f"A job on annotations ({field('$.detail.jobName')}): {field('$.detail.state')}. "
            f"{field('$.detail.message')}",
        ),
    }
