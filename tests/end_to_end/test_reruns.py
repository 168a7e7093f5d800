"""A step is repeated exactly when something that it depends on has changed, and the run says why."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genomics_cli.demo.sequencing_run import SequencingRun

SCATTER = ("--param", "scatter.bases_per_region=20000")


def _rerun(genomics: Any, reads: SequencingRun, output: Path, *options: str) -> Any:
    options = (*SCATTER, "--genes", str(reads.genes), *options)
    outcome = genomics.analyse(reads.sheet, reads.reference, output, "--study", "first", *options)
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


def test_a_step_is_explained_from_what_is_on_record(genomics: Any, reads: SequencingRun, analysed: Any) -> None:
    outcome = genomics("why", "DEMO-1", "align", "--run", analysed.summary["run_id"], "--json")
    assert outcome.status == 0, outcome.errors
    [align] = json.loads(outcome.output)["parts"]
    ran = analysed.steps("DEMO-1")["align", ""]
    assert (align["state"], align["reason"], align["fingerprint"]) == ("SUCCEEDED", ran["reason"], ran["fingerprint"])
    assert align["made_by"]["run_id"] == analysed.summary["run_id"]
    assert align["made_by"]["job_id"] in genomics.batch_jobs(analysed.summary["run_id"])
    assert align["tool_versions"].keys() >= {"bwa", "samtools"}
    trimmed = {step["fingerprint"] for (name, _), step in analysed.steps("DEMO-1").items() if name == "fastp"}
    assert {each["made_by"]["fingerprint"] for each in align["inputs"]} == trimmed
    # What ran has an estimate beside it, and left what sizes are advised by.
    assert {row["step"] for row in analysed.summary["estimate"]["steps"]} >= {"align", "call_variants"}
    outcome = genomics("rightsize", "--run", analysed.summary["run_id"], "--json")
    sized = {step["step"]: step for step in json.loads(outcome.output)["steps"]}
    assert sized["align"]["jobs"] == 2
    assert sized["align"]["cores_used"]["max"] > 0
    outcome = genomics("estimate", str(reads.sheet), "--reference", str(reads.reference), "--json")
    assert outcome.status == 0, outcome.errors
    document = json.loads(outcome.output)
    assert {each["sample"] for each in document["samples"]} == {None, "DEMO-1", "DEMO-2"}
    assert 0 < document["usd"]["low"] < document["usd"]["high"]


CHANGES = (
    ("gather_variants.minimum_depth=5", "minimum_depth changed 3 -> 5"),
    ("call_variants.minimum_base_quality=14", "minimum_base_quality changed 13 -> 14"),
    ("align.minimum_score=31", "minimum_score changed 30 -> 31"),
    ("fastp.minimum_length=31", "minimum_length changed 30 -> 31"),
)
# By step, the steps whose outputs it takes.
TAKES: dict[str, set[str]] = {
    "fastp": set(),
    "align": {"fastp"},
    "coverage": {"align"},
    "call_variants": {"align"},
    "gather_variants": {"call_variants"},
    "annotate": {"gather_variants"},
    "quality": {"fastp", "align", "coverage", "gather_variants"},
}


def _dependent_on(step: str) -> set[str]:
    """The step and all that depends on it."""
    return {step}.union(*(_dependent_on(other) for other, taken in TAKES.items() if step in taken))


@pytest.mark.parametrize("changes", [CHANGES[::2], pytest.param(CHANGES[1::2], marks=pytest.mark.slow)])
def test_a_changed_parameter_reruns_exactly_what_depends_on_it(
    changes: tuple[tuple[str, str], ...], genomics: Any, reads: SequencingRun, analysed: Any, output: Path
) -> None:
    heading, *lanes = reads.sheet.read_text().splitlines()
    sheet = reads.sheet.with_name("one.csv")
    sheet.write_text("\n".join([heading, *(lane for lane in lanes if "DEMO-2" in lane)]) + "\n")
    options: tuple[str, ...] = ()
    # Each run changes one parameter more than the last.
    for assignment, told in changes:
        step = assignment.partition(".")[0]
        options += ("--param", assignment)
        changed = _rerun(genomics, replace(reads, sheet=sheet), output / step, *options)
        assert changed.ran() == _dependent_on(step)
        for (name, _), ran in changed.steps("DEMO-2").items():
            if name == step:
                assert f"parameter {told}" in ran["reason"]
            elif ran["state"] != "SKIPPED":
                assert set(ran["reason"].split("; ")) == {
                    f"{taken} runs again" for taken in TAKES[name] & changed.ran()
                }
