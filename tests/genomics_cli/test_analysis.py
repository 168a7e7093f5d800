import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from genomics.contracts.runs import State
from genomics_cli import analysis, embedded
from genomics_cli.cloud import Platform
from genomics_cli.demo.sequencing_run import SequencingRun
from genomics_cli.main import cli


class FailedExecution:
    """Plays Step Functions: the execution has ended."""

    def describe_execution(self, **_: str) -> dict[str, Any]:
        return {"status": "FAILED", "cause": "States.TaskFailed"}


def test_a_run_that_fails_before_it_has_results_says_its_own_reason(
    made: SequencingRun,
    platform: Platform,
    record: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded, "connect", lambda *_, **__: platform)
    monkeypatch.setattr(analysis, "new_run_id", lambda: "run-1")
    platform.cloud.__dict__["step_functions"] = FailedExecution()
    record("run", State.FAILED, reason="prepare_reference failed with exit code 1: no space")
    output = tmp_path / "results" / "run-1"
    options = ["--reference", str(made.reference), "--output", str(output), "--data", str(tmp_path / "data")]
    result = CliRunner().invoke(cli, ["run", str(made.sheet), *options])
    assert result.exit_code == 1
    assert result.stderr.strip().splitlines()[-1] == "error: prepare_reference failed with exit code 1: no space"
    document = json.loads((output / "summary.json").read_text())
    assert document["errors"] == ["prepare_reference failed with exit code 1: no space"]
    assert (output / "report.html").is_file()
