"""Stop this notebook instance when no kernel has worked for some minutes: `idle_stop.py MINUTES`, run by cron."""

import json
import ssl
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

_SESSIONS = "https://localhost:8443/api/sessions"
_METADATA = Path("/opt/ml/metadata/resource-metadata.json")


def idle_minutes(sessions: list[dict[str, dict[str, str]]], now: datetime, started: datetime) -> float:
    """How long all kernels have been idle, since the start where there are none; 0 while one is busy."""
    kernels = [session["kernel"] for session in sessions]
    if any(kernel["execution_state"] != "idle" for kernel in kernels):
        return 0.0
    last = max([datetime.fromisoformat(kernel["last_activity"]) for kernel in kernels] + [started])
    return (now - last).total_seconds() / 60


def main() -> None:
    """Look at Jupyter's sessions, and stop the instance if they have been idle for long enough."""
    # Jupyter's own certificate on this machine is signed by nobody.
    with urllib.request.urlopen(_SESSIONS, context=ssl._create_unverified_context()) as answer:  # noqa: S323
        sessions = json.load(answer)
    now = datetime.now(UTC)
    seconds_up = float(Path("/proc/uptime").read_text().split()[0])
    if idle_minutes(sessions, now, datetime.fromtimestamp(now.timestamp() - seconds_up, UTC)) >= float(sys.argv[1]):
        name = json.loads(_METADATA.read_text())["ResourceName"]
        subprocess.run(["aws", "sagemaker", "stop-notebook-instance", "--notebook-instance-name", name], check=True)


if __name__ == "__main__":
    main()
