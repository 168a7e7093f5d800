"""What the service keeps: locations, tasks, and executions with their counts."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The API's own defaults: DataSync API Reference, "Options".
DEFAULT_OPTIONS: Mapping[str, Any] = {
    "VerifyMode": "POINT_IN_TIME_CONSISTENT",
    "OverwriteMode": "ALWAYS",
    "Atime": "BEST_EFFORT",
    "Mtime": "PRESERVE",
    "Uid": "INT_VALUE",
    "Gid": "INT_VALUE",
    "PreserveDeletedFiles": "PRESERVE",
    "PreserveDevices": "NONE",
    "PosixPermissions": "PRESERVE",
    "BytesPerSecond": -1,
    "TaskQueueing": "ENABLED",
    "LogLevel": "OFF",
    "TransferMode": "CHANGED",
    "SecurityDescriptorCopyFlags": "NONE",
    "ObjectTags": "PRESERVE",
}
ENDED = ("SUCCESS", "ERROR")
# Of files and folders alike: DataSync API Reference, "DescribeTaskExecution", for tasks in Basic mode.
_COUNTS = (
    "EstimatedFilesToTransfer",
    "EstimatedBytesToTransfer",
    "FilesTransferred",
    "FilesVerified",
    "FilesSkipped",
    "FilesDeleted",
    "BytesTransferred",
    "BytesWritten",
)
FilterRules = list[dict[str, str]]


@dataclass
class Location:
    """A place that tasks read or write. `kind` is NFS, SMB or S3, `given` what it was created with."""

    arn: str
    kind: str
    uri: str
    given: dict[str, Any]


@dataclass
class Task:
    """`given` is what CreateTask, and UpdateTask after it, were told."""

    arn: str
    given: dict[str, Any]
    created: float

    @property
    def identifier(self) -> str:
        """`task-` and 17 digits."""
        return self.arn.rsplit("/", 1)[-1]


@dataclass
class Execution:
    """One run of a task. Times in seconds since the epoch, durations in the API's milliseconds."""

    arn: str
    options: dict[str, Any]
    includes: FilterRules
    excludes: FilterRules
    report: dict[str, Any] | None
    started: float
    status: str = "QUEUED"
    ended: float | None = None
    counts: Counter[str] = field(default_factory=Counter)
    durations: dict[str, int] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    error_code: str = ""
    error_detail: str = ""
    report_status: str = "PENDING"
    report_error: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def identifier(self) -> str:
        """`exec-` and 17 digits."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def task_arn(self) -> str:
        """Of the task."""
        return self.arn.partition("/execution/")[0]

    def describe(self) -> dict[str, Any]:
        """As DescribeTaskExecution answers."""
        result = {f"{phase}Status": status for phase, status in self.phases.items()}
        result |= {f"{phase}Duration": spent for phase, spent in self.durations.items()}  # type: ignore[misc]
        if self.error_code:
            result |= {"ErrorCode": self.error_code, "ErrorDetail": self.error_detail}
        described: dict[str, Any] = {
            "TaskExecutionArn": self.arn,
            "Status": self.status,
            "Options": self.options,
            "Includes": self.includes,
            "Excludes": self.excludes,
            "StartTime": self.started,
            "LaunchTime": self.started,
            "TaskMode": "BASIC",
            "Result": result,
            **{name: self.counts[name] for name in _COUNTS},
        }
        if self.ended is not None:
            described["EndTime"] = self.ended
        if self.report:
            described |= {"TaskReportConfig": self.report, "ReportResult": {"Status": self.report_status}}
            if self.report_error:
                described["ReportResult"]["ErrorDetail"] = self.report_error
        return described
