"""What DataSync knows of an execution: whose it is, how it ended, and what it could not verify."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genomics.contracts import object_keys
from genomics.contracts.transfers import ATTEMPT_TAG, GENERATION_TAG, RUN_TAG

if TYPE_CHECKING:
    from mypy_boto3_datasync import DataSyncClient
    from mypy_boto3_s3 import S3Client

ENDED = ("SUCCESS", "ERROR")
# The task report is written about the time of the end; how long it is waited for, in seconds.
_REPORT_PATIENCE = 60.0
_REPORT_INTERVAL = 5.0


class ReportPendingError(RuntimeError):
    """The execution's task report is still being written."""


@dataclass(frozen=True)
class Transfer:
    """One attempt to bring one generation of a run folder over."""

    run_id: str
    generation: int
    attempt: int

    @classmethod
    def find(cls, datasync: DataSyncClient, execution_arn: str) -> Transfer | None:
        """Whose execution it is, by its tags; None of one that the run tracker has not started."""
        pages = datasync.get_paginator("list_tags_for_resource").paginate(ResourceArn=execution_arn)
        tags = {tag["Key"]: tag.get("Value", "") for page in pages for tag in page["Tags"]}
        generation, attempt = tags.get(GENERATION_TAG, ""), tags.get(ATTEMPT_TAG, "")
        if not (tags.get(RUN_TAG) and generation.isdecimal() and attempt.isdecimal()):
            return None
        return cls(tags[RUN_TAG], int(generation), int(attempt))


@dataclass(frozen=True)
class Execution:
    """An execution as DataSync describes it. `report_fault` is empty if there is a report or none was asked for."""

    arn: str
    status: str
    error: str
    has_report: bool
    report_fault: str
    transferred: int

    @property
    def identifier(self) -> str:
        """`exec-` and 17 digits."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def reports(self) -> str:
        """Prefix of its detailed task reports: DataSync User Guide, "Monitoring your transfers with task reports"."""
        task = self.arn.split("/")[1]
        return f"{object_keys.TRANSFER_REPORTS}Detailed-Reports/{task}/{self.identifier}/"


def describe(datasync: DataSyncClient, arn: str, *, sleep: Callable[[float], None] = time.sleep) -> Execution:
    """The execution, with its task report written if it has ended; ReportPendingError if that takes too long."""
    waited = 0.0
    while True:
        found: Mapping[str, Any] = datasync.describe_task_execution(TaskExecutionArn=arn)
        report = (found.get("ReportResult") or {}).get("Status") if found.get("TaskReportConfig") else None
        if found["Status"] not in ENDED or report != "PENDING":
            break
        if waited >= _REPORT_PATIENCE:
            raise ReportPendingError(f"{arn}: the task report is still pending after {waited:.0f} s")
        sleep(_REPORT_INTERVAL)
        waited += _REPORT_INTERVAL
    return Execution(
        arn,
        found["Status"],
        error=_words(found.get("Result")) if found["Status"] == "ERROR" else "",
        has_report=report == "SUCCESS",
        report_fault="" if report == "SUCCESS" or not found.get("TaskReportConfig") else _report_fault(found),
        transferred=found.get("FilesTransferred", 0),
    )


def _report_fault(found: Mapping[str, Any]) -> str:
    result = found.get("ReportResult") or {}
    words = _words(result)
    return f"the task report is {result.get('Status') or 'missing'}" + (f" ({words})" if words else "")


def _words(result: Mapping[str, Any] | None) -> str:
    told = result or {}
    return ": ".join(part for part in (told.get("ErrorCode"), told.get("ErrorDetail")) if part)


def unverified(s3: S3Client, bucket: str, execution: Execution, verified: Callable[[int], None]) -> Iterator[str]:
    """Keys of the files that DataSync could not verify, from the verified report, one part of it at a time.

    `verified` is told how many were.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=execution.reports)
    for key in (item["Key"] for page in pages for item in page.get("Contents", ())):
        if ".files-verified-" not in key:
            continue
        for entry in json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())["Verified"]:
            if (entry.get("SrcMetadata") or entry.get("DstMetadata") or {}).get("Type") == "Directory":
                continue
            if entry["VerifyStatus"] == "SUCCESS":
                verified(1)
            else:
                yield object_keys.RUN_FOLDERS + entry["RelativePath"].lstrip("/")
