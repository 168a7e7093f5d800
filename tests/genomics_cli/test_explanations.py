"""Why a step ran or was skipped, from a ledger and records with known answers."""

import pytest
from rich.console import Console

from genomics.contracts.runs import State
from genomics.contracts.steps import Step, TaskInput
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.explanation_tables import explanation_document, explanation_text
from genomics_cli.explanations import Change, Explanation, explain_step
from tests.genomics_cli.ledger_runs import LedgerRun


def trimmed(fingerprint: str) -> TaskInput:
    return TaskInput(f"s3://sequencing/steps/fastp/{fingerprint}/reads_R1.fastq.gz", "1" * 64, 500)


@pytest.fixture
def runs(platform: Platform) -> Platform:
    """Aligned first; then with another parameter on other reads; then skipped."""
    first = LedgerRun(platform, "run-1", day=1, parameters={"minimum_score": 30})
    first.step(Step.FASTP, "f1", part="L1", inputs={"reads_1": (TaskInput("s3://sequencing/inbox/a", "2" * 64, 9),)})
    first.step(Step.ALIGN, "a1", inputs={"reads_1": (trimmed("f1"),)})
    second = LedgerRun(platform, "run-2", day=2, parameters={"minimum_score": 31})
    second.step(Step.ALIGN, "a2", reason="parameter changed", inputs={"reads_1": (trimmed("f2"),)}, image="tool:2")
    third = LedgerRun(platform, "run-3", day=3)
    third.step(Step.ALIGN, "a2", state=State.SKIPPED, reason="outputs exist", made=False)
    return platform


def shown(explanation: Explanation) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(explanation_text(explanation))
    return console.export_text()


def test_the_latest_run_is_explained_though_an_older_one_made_the_outputs(runs: Platform) -> None:
    explanation = explain_step(runs, "A", "align")
    assert explanation.run_id == "run-3"
    [part] = explain_step(runs, "A", "align").parts
    document = explanation_document(explanation, "sequencing")["parts"][0]
    assert (document["state"], document["reason"]) == ("SKIPPED", "outputs exist")
    assert document["record"] == "s3://sequencing/steps/align/a2/record.json"
    assert document["made_by"]["run_id"] == "run-2"
    assert document["made_by"]["job_id"] == "job-run-2"
    assert document["inputs"][0]["made_by"] == {"step": "fastp", "fingerprint": "f2"}
    assert document["tool_versions"] == {"bwa": "0.7.17"}
    assert part.earlier is not None
    assert (part.earlier.run_id, part.earlier.changes) == ("run-2", ())


def test_what_changed_since_the_plan_before_is_listed(runs: Platform) -> None:
    [part] = explain_step(runs, "A", "align", run_id="run-2").parts
    assert part.earlier is not None
    assert part.earlier.run_id == "run-1"
    assert part.earlier.changes == (
        Change("image", "tool:1", "tool:2"),
        Change("parameter minimum_score", "30", "31"),
        Change("input reads_1", "fastp f1", "fastp f2"),
    )


def test_the_first_plan_has_none_before_it_and_brought_files_no_maker(runs: Platform) -> None:
    explanation = explain_step(runs, "A", "fastp", part="L1")
    [part] = explanation.parts
    assert part.earlier is None
    text = shown(explanation)
    assert "fastp of A in run run-1 (study s)" in text
    assert f"brought, 9 bytes, SHA-256 {'2' * 64}" in text
    assert "no earlier run of the study planned it" in text


def test_the_text_names_the_older_run_and_the_changes(runs: Platform) -> None:
    assert "first by run run-2, job job-run-2 (attempt 1), 2026-01-02 00:00:00" in shown(
        explain_step(runs, "A", "align")
    )
    assert "parameter minimum_score changed 30 -> 31" in shown(explain_step(runs, "A", "align", run_id="run-2"))


def test_what_failed_is_explained_by_what_its_job_was_told(platform: Platform) -> None:
    run = LedgerRun(platform, "run-1", parameters={"minimum_score": 30})
    run.step(Step.ALIGN, "a1", inputs={"reads_1": (trimmed("f1"),)})
    platform.cloud.s3.delete_object(Bucket="sequencing", Key="steps/align/a1/record.json")
    run.step(Step.ALIGN, "a1", state=State.FAILED, reason="no memory", made=False)
    [part] = explain_step(platform, "A", "align").parts
    assert part.making is not None
    assert part.making.record is None
    assert part.making.parameters == {"minimum_score": 30}
    assert "nothing is on record" in shown(explain_step(platform, "A", "align"))


def test_the_reference_is_explained_for_each_sample(platform: Platform) -> None:
    LedgerRun(platform, "run-1").step(Step.PREPARE_REFERENCE, "r1")
    assert [part.entry.fingerprint for part in explain_step(platform, "A", "prepare-reference").parts] == ["r1"]


@pytest.mark.parametrize(
    ("sample", "step", "run_id", "part", "told"),
    [
        ("Z", "align", None, None, "the ledger knows no sample Z; it knows A"),
        (
            "A",
            "alig",
            None,
            None,
            "there is no step alig; there are demultiplex, prepare_reference, prepare_annotation",
        ),
        ("A", "gather_variants", None, None, "no run has planned a gather_variants of A; of it there are fastp, align"),
        ("A", "fastp", "run-2", None, "run run-2 planned no fastp of A; of it there are align"),
        ("A", "align", "run-9", None, "there is no run run-9"),
        ("A", "fastp", None, "L9", "fastp of A has no part 'L9' in run run-1; it has L1"),
    ],
)
def test_what_is_not_there_is_told_with_what_there_is(
    runs: Platform, sample: str, step: str, run_id: str | None, part: str | None, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        explain_step(runs, sample, step, run_id=run_id, part=part)
