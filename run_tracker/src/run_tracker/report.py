"""What `status` and `check` show."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from run_tracker.alarms import standing_alarms
from run_tracker.assessment import Assessment
from run_tracker.configuration import Configuration
from run_tracker.space import WINDOW_SECONDS, Space, landing_space
from run_tracker.standing import Standing, standings
from run_tracker.state import State

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True)
class Report:
    """Everything there is to say."""

    runs: list[Standing]
    space: Space | None
    oldest_unsent: Standing | None
    alarms: list[str]


def status_report(configuration: Configuration, state: State) -> Report:
    """Where everything stands now."""
    now = time.time()
    runs = standings(state)
    waiting = [run for run in runs if run.unsent_since is not None]
    try:
        space = landing_space(configuration.landing_folder, state.space(now - WINDOW_SECONDS))
    except OSError:
        space = None
    return Report(
        runs=runs,
        space=space,
        oldest_unsent=min(waiting, key=lambda run: run.unsent_since or now, default=None),
        alarms=list(standing_alarms(configuration, state, now).values()),
    )


def as_json(report: Report) -> dict[str, Any]:
    """A report as plain JSON types; times in seconds since the epoch, sizes in bytes."""
    return asdict(report)


def as_text(report: Report, configuration: Configuration) -> str:
    """A report to be read."""
    now = time.time()
    rows = [("RUN", "PLATFORM", "STATE", "FOR", "FILES", "SIZE", "REASON")]
    rows += [
        (
            run.run_id,
            run.platform or "-",
            run.state,
            _duration(now - run.since),
            "-" if run.files is None else str(run.files),
            "-" if run.bytes is None else _size(run.bytes),
            run.reason,
        )
        for run in report.runs
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    lines += ["", _space_line(report.space, configuration.landing_folder), _unsent_line(report, configuration, now)]
    return "\n".join(lines + [f"ALARM: {alarm}" for alarm in report.alarms])


def check_as_json(folder: Path, assessment: Assessment) -> dict[str, Any]:
    """A verdict as plain JSON types."""
    scan = assessment.scan
    return {
        "run": folder.name,
        "verdict": assessment.verdict.value,
        "reason": assessment.reason,
        "platform": assessment.platform,
        "completed_at": assessment.completed_at,
        "files": scan.totals.files if scan else None,
        "bytes": scan.totals.bytes if scan else None,
        "excluded": scan.totals.excluded if scan else None,
        "not_sent": list(scan.not_sent) if scan else [],
        "problems": [*scan.unreadable, *scan.moving] if scan else [],
    }


def _space_line(space: Space | None, folder: Path) -> str:
    if space is None:
        return f"{folder} cannot be reached; mount it"
    share = 100 * space.free / space.total if space.total else 0
    full = "nothing is coming in, or it is too early to say"
    if space.days_until_full is not None:
        full = f"full in {space.days_until_full:.1f} days if nothing is deleted"
    return f"{folder}: {_size(space.free)} free ({share:.0f} %); {full}"


def _unsent_line(report: Report, configuration: Configuration, now: float) -> str:
    run = report.oldest_unsent
    if run is None or run.unsent_since is None:
        return "every complete run is sent"
    age = _duration(now - run.unsent_since)
    return f"oldest unsent run: {run.run_id}, {run.waits_as} for {age} (RPO {configuration.alarms.rpo_hours:g} h)"


def _size(count: int) -> str:
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def _duration(seconds: float) -> str:
    minutes = max(seconds, 0) / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"
