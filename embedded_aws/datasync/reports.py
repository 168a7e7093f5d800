"""Task reports: DataSync User Guide, "Monitoring your transfers with task reports"."""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.datasync.model import Execution
from embedded_aws.datasync.source import Entry

# DataSync splits what it lists, too.
_ENTRIES_PER_FILE = 100_000
_SECTIONS = ("Transferred", "Verified", "Skipped")


class TaskReport:
    """Gathers what becomes of each file, and writes it where the execution's configuration says."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._configuration: Mapping[str, Any] = execution.report or {}
        self._lock = threading.Lock()
        self._entries: dict[str, list[dict[str, Any]]] = {section: [] for section in _SECTIONS}

    def add(self, section: str, entry: Entry, *, error: str = "") -> None:
        """What was done with `entry`; `error` says how it failed."""
        if not (error or self._lists_successes(section)):
            return
        action = {"Transferred": "Transfer", "Verified": "Verify", "Skipped": "Skip"}[section]
        listed: dict[str, Any] = {
            "RelativePath": entry.path,
            "SrcMetadata": entry.report,
            "DstMetadata": entry.report,
            f"{action}Timestamp": _now(),
            f"{action}Status": "FAILED" if error else "SUCCESS",
        }
        if error:
            listed["FailureReason"] = error
        with self._lock:
            self._entries[section].append(listed)

    def write(self, s3: Any, status: str) -> None:
        """Put the summary, which says how the execution ended, and the lists."""
        target = self._configuration["Destination"]["S3"]
        bucket = target["S3BucketArn"].split(":::")[1]
        prefix = (target.get("Subdirectory") or "").strip("/")
        task, execution = self._execution.task_arn.rsplit("/", 1)[-1], self._execution.identifier
        name = f"{task}/{execution}/{execution}"

        def put(key: str, document: Mapping[str, Any]) -> None:
            whole = f"{prefix}/{key}" if prefix else key
            s3.put_object(
                Bucket=bucket,
                Key=whole,
                Body=json.dumps(document, default=str).encode(),
                ContentType="application/json",
            )

        put(f"Summary-Reports/{name}.json", self._summary(status))
        if self._configuration.get("OutputType") != "STANDARD":
            return
        for section, listed in self._entries.items():
            for first in range(0, len(listed), _ENTRIES_PER_FILE):
                number = first // _ENTRIES_PER_FILE + 1
                document = {"TaskExecutionId": execution, section: listed[first : first + _ENTRIES_PER_FILE]}
                part = f"files-{section.lower()}-v1-{number:05}-{execution.removeprefix('exec-')}"
                put(f"Detailed-Reports/{name}.{part}.json", document)

    def _lists_successes(self, section: str) -> bool:
        override = (self._configuration.get("Overrides") or {}).get(section) or {}
        level = override.get("ReportLevel") or self._configuration.get("ReportLevel")
        return level == "SUCCESSES_AND_ERRORS"

    def _summary(self, status: str) -> dict[str, Any]:
        described = self._execution.describe()
        return {
            "TaskExecutionId": self._execution.identifier,
            "AccountId": self._execution.arn.split(":")[4],
            "Status": status,
            "Result": described["Result"],
            **{name: described[name] for name in ("Options", "Includes", "Excludes", "StartTime", "EndTime")},
            **self._execution.counts,
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
