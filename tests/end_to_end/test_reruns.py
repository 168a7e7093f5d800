"""A step is repeated exactly when something that it depends on has changed, and the run says why."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from genomics_cli.demo.sequencing_run import SequencingRun

SCATTER = ("--param", "scatter.bases_per_region=20000")
STEPS = {"prepare_reference", "fastp", "align", "call_variants", "gather_variants"}


def _rerun(genomics: Any, reads: SequencingRun, output: Path, *options: str) -> Any:
    outcome = genomics.analyse(reads.sheet, reads.reference, output, "--study", "first", *SCATTER, *options)
    assert outcome.status == 0, outcome.errors
    return outcome


def test_the_same_run_again_starts_no_tool_and_says_why(
    genomics: Any, reads: SequencingRun, analysed: Any, output: Path
) -> None:
    before = set(genomics.batch_jobs())
    loads = genomics.client("glue").get_job_runs(JobName=genomics.deployment.variants_job)["JobRuns"]
    # Touching files changes nothing: their content decides.
    for path in (reads.reference, *(reads.sheet.parent / "reads").iterdir()):
        os.utime(path, (time.time() + 60, time.time() + 60))
    again = _rerun(genomics, reads, output)

    assert set(genomics.batch_jobs()) == before
    assert genomics.client("glue").get_job_runs(JobName=genomics.deployment.variants_job)["JobRuns"] == loads
    assert again.ran() == set()
    for sample in ("", "DEMO-1", "DEMO-2"):
        for step in again.steps(sample).values():
            assert step["state"] == "SKIPPED"
            assert step["reason"].startswith(("outputs of the same inputs", "not needed: "))
    assert again.summary["rows"] == analysed.summary["rows"]


@pytest.mark.parametrize(
    ("parameter", "step", "reason", "dependents"),
    [
        ("gather_variants.minimum_depth=5", "gather_variants", "minimum_depth changed 3 -> 5", {"gather_variants"}),
        (
            "call_variants.minimum_base_quality=14",
            "call_variants",
            "minimum_base_quality changed 13 -> 14",
            {"call_variants", "gather_variants"},
        ),
        (
            "align.minimum_score=31",
            "align",
            "minimum_score changed 30 -> 31",
            {"align", "call_variants", "gather_variants"},
        ),
        (
            "fastp.minimum_length=31",
            "fastp",
            "minimum_length changed 30 -> 31",
            {"fastp", "align", "call_variants", "gather_variants"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "=" in value else "",
)
def test_a_changed_parameter_reruns_exactly_what_depends_on_it(
    genomics: Any,
    reads: SequencingRun,
    analysed: Any,
    output: Path,
    parameter: str,
    step: str,
    reason: str,
    dependents: set[str],
) -> None:
    # Back to the first run's parameters, so that exactly one differs from the last run's.
    _rerun(genomics, reads, output / "before")
    changed = _rerun(genomics, reads, output / "after", "--param", parameter)
    assert changed.ran() == dependents
    for (name, _), told in changed.steps("DEMO-1").items():
        if name == step:
            assert f"parameter {reason}" in told["reason"]
        elif name in dependents:
            assert told["reason"].endswith("runs again") or "changed" in told["reason"]
