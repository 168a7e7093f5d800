"""State CheckLoad: whether what the job has just loaded is as it should be.

In `{"run_id", "study", "results", "request", ...}`; out the same with `"checks"`, PASSED or FAILED, and `"reason"`,
what has failed, in one line. A check that fails ends nothing: rows stay, and the report beside the load marks them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from genomics.contracts import codec, object_keys
from genomics.contracts.environment import CheckLoadEnvironment
from genomics.contracts.load_checks import CheckReport, CheckState, LoadLimits, LoadMeasures, judge
from genomics.contracts.loads import LoadManifest, LoadRequest
from lambdas import documents
from lambdas.failures import one_line

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Of datasets with something wrong; the reports say it of each.
_NAMED = 3


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the Lambda."""
    environment = CheckLoadEnvironment.read()
    reports = check_load(
        request_uri=event["request"],
        data_lake_bucket=environment.data_lake_bucket,
        limits=codec.loads(LoadLimits, environment.limits, where="LIMITS"),
        s3=documents.s3_client(),
    )
    return {**event, **summary(reports)}


def check_load(*, request_uri: str, data_lake_bucket: str, limits: LoadLimits, s3: S3Client) -> list[CheckReport]:
    """Judge what was measured of each dataset of the request, and write the report beside it."""

    def check(dataset: str) -> CheckReport:
        def uri(key: str) -> str:
            return object_keys.uri(data_lake_bucket, key)

        manifest = documents.read(s3, LoadManifest, uri(object_keys.load_manifest(dataset)))
        measures = documents.find(s3, LoadMeasures, uri(object_keys.load_measures(dataset)))
        report = judge(manifest, measures, limits)
        documents.write(s3, report, uri(object_keys.check_report(dataset)))
        return report

    datasets = [source.dataset for source in documents.read(s3, LoadRequest, request_uri).sources]
    with ThreadPoolExecutor(documents.PARALLEL_REQUESTS) as threads:
        return list(threads.map(check, datasets))


def summary(reports: list[CheckReport]) -> dict[str, str]:
    """What of the reports goes on: FAILED if one has, and what is wrong with the first few."""
    lines = [report.line for report in reports if report.state is CheckState.FAILED]
    more = f" | and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    state = CheckState.FAILED if lines else CheckState.PASSED
    return {"checks": state.value, "reason": one_line(" | ".join(lines[:_NAMED]) + more)}
