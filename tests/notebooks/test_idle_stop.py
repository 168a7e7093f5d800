"""When the notebook instance counts as idle."""

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parents[2] / "notebooks/idle_stop.py"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def minutes(*sessions: tuple[str, int], up: int = 600) -> float:
    """Of kernels in a state, last active so many minutes ago."""
    specification = importlib.util.spec_from_file_location("idle_stop", PATH)
    assert specification is not None
    assert specification.loader is not None
    module: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    told = [
        {"kernel": {"execution_state": state, "last_activity": (NOW - timedelta(minutes=ago)).isoformat()}}
        for state, ago in sessions
    ]
    found: float = module.idle_minutes(told, NOW, NOW - timedelta(minutes=up))
    return found


def test_a_busy_kernel_keeps_the_instance() -> None:
    assert minutes(("idle", 500), ("busy", 400)) == 0


def test_the_kernel_that_worked_last_counts() -> None:
    assert minutes(("idle", 500), ("idle", 70)) == 70


def test_without_kernels_the_start_counts() -> None:
    assert minutes(up=20) == 20
