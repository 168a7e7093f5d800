"""The request log: a JSON line in `requests.jsonl` for each call: who made it, what it asked for, and the answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded_aws.iam.identity import Principal
from embedded_aws.rotated_files import RotatedFile

FILE = "requests.jsonl"


@dataclass(frozen=True)
class Access:
    """One thing that a request asks for: an IAM action, such as `s3:GetObject`, on a resource's ARN.

    `keys` are the condition keys that belong to it, named in lower case, each with its values.
    """

    action: str
    resource: str
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Verdict:
    """What was decided on an access. `by` is the statement, as `policy/Sid`; of a denial `reason` says the kind."""

    access: Access
    is_allowed: bool = True
    by: str | None = None
    reason: str | None = None

    def entry(self) -> dict[str, Any]:
        """As the log has it: with `allowed_by`, or with `denied` and perhaps `denied_by`."""
        told = {"action": self.access.action, "resource": self.access.resource}
        if not self.is_allowed:
            told["denied"] = self.reason or "because no policy allows it"
        if self.by:
            told["allowed_by" if self.is_allowed else "denied_by"] = self.by
        return told


class RequestLog:
    """Appends to a file, which is put aside when it is large. A request's line is there before its answer is."""

    def __init__(self, path: Path) -> None:
        self._file = RotatedFile(path)

    def write(
        self,
        principal: Principal,
        verdicts: Sequence[Verdict],
        status: int,
        *,
        seconds: float = 0.0,
        by: str | None = None,
    ) -> None:
        """Log one request. `by` names the service that made it for the principal, where no process did."""
        entry: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "role": principal.name,
            "session": principal.session,
            "accesses": [verdict.entry() for verdict in verdicts],
            "status": status,
            "milliseconds": round(seconds * 1e3, 2),
        }
        if by:
            entry["by"] = by
        self._file.append((json.dumps(entry, separators=(",", ":")) + "\n").encode())


_log: RequestLog | None = None


def open_log(data: Path) -> RequestLog:
    """The log of the instance on `data`, from now on the one that `record` writes to."""
    global _log  # noqa: PLW0603 one instance to a process
    _log = RequestLog(data / FILE)
    return _log


def record(principal: Principal, verdicts: Sequence[Verdict], status: int, *, by: str) -> None:
    """Log a call that the service `by` made inside this process for `principal`."""
    if _log is not None:
        _log.write(principal, verdicts, status, by=by)
