"""A lab: a landing folder, a configuration, and AWS as far as the tracker talks to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from run_tracker.configuration import Configuration, read_configuration
from run_tracker.report import status_report
from run_tracker.standing import Standing
from run_tracker.state import opened
from run_tracker.watch import database_path, watch_once

from tests.run_tracker.datasync_service import TASK_ARN, Service, serve

# Folders are made while a test runs: they have settled at once.
SETTLED = "".join(
    f"[platforms.{name}]\nsettle_minutes = 0\n"
    for name in (
        *("miseq", "nextseq_500_550", "nextseq_1000_2000", "hiseq_2500", "hiseq_x"),
        *("novaseq_6000", "novaseq_x", "generic"),
    )
)


@dataclass
class Lab:
    """Where runs land, and how the tracker is set up there."""

    root: Path
    service: Service

    @property
    def landing(self) -> Path:
        return self.root / "runs"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def configuration(self) -> Configuration:
        return read_configuration(self.config)

    def configure(self, text: str = "", *, datasync: str = "", settled: bool = True) -> None:
        """Write the configuration; `datasync` goes into its table, `text` after it."""
        self.config.write_text(
            f'landing_folder = "runs"\nstate_folder = "state"\n[datasync]\ntask_arn = "{TASK_ARN}"\n'
            f'bucket = "sequencing"\nconfirm_minutes = 0\nretry_minutes = 0\n{datasync}\n{text}\n'
            + (SETTLED if settled else "")
        )

    def watch(self) -> None:
        watch_once(self.configuration)

    def standings(self) -> dict[str, Standing]:
        """Every run, by name."""
        with opened(database_path(self.configuration)) as state:
            return {run.run_id: run for run in status_report(self.configuration, state).runs}

    def only(self) -> Standing:
        (run,) = self.standings().values()
        return run


@pytest.fixture(scope="session")
def _server() -> Iterator[Service]:
    with serve() as service:
        yield service


@pytest.fixture
def lab(tmp_path: Path, _server: Service, monkeypatch: pytest.MonkeyPatch) -> Lab:
    fresh: dict[str, Any] = {name: value for name, value in vars(Service()).items() if name not in ("url", "lock")}
    vars(_server).update(fresh)
    for name, value in {
        "AWS_ENDPOINT_URL": _server.url,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    made = Lab(tmp_path, _server)
    made.landing.mkdir()
    made.configure()
    return made
