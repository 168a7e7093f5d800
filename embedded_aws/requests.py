"""The request log: a JSON line in `requests.jsonl` for each call: who made it, what it asked for, and the answer."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded_aws.identity import OPERATOR, Principal

FILE = "requests.jsonl"


@dataclass(frozen=True)
class Access:
    """One thing that a request asks for: an IAM action, such as `s3:GetObject`, on a resource's ARN."""

    action: str
    resource: str


class RequestLog:
    """Appends to a file. A request's line is there before its answer is."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(
        self,
        principal: Principal,
        accesses: Sequence[Access],
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
            "accesses": [{"action": access.action, "resource": access.resource} for access in accesses],
            "status": status,
            "milliseconds": round(seconds * 1e3, 2),
        }
        if by:
            entry["by"] = by
        # One call writes one whole line, also when threads write at the same time.
        os.write(self._descriptor, (json.dumps(entry, separators=(",", ":")) + "\n").encode())


_log: RequestLog | None = None


def open_log(data: Path) -> RequestLog:
    """The log of the instance on `data`, from now on the one that `record` writes to."""
    global _log  # noqa: PLW0603 one instance to a process
    _log = RequestLog(data / FILE)
    return _log


def record(
    accesses: Sequence[Access], status: int, *, role_arn: str | None = None, session: str = "", by: str | None = None
) -> None:
    """Log a call that a service made inside this process, as the role it made it for."""
    if _log is not None:
        _log.write(Principal(role_arn, session) if role_arn else OPERATOR, accesses, status, by=by)
