from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.ledger import REDRIVEN, RUN, LedgerEntry
from genomics.contracts.runs import RunResults, SampleResult, State
from genomics.contracts.steps import Step, StepRecord
from lambdas import documents
from lambdas.secondary import collect_results
from lambdas.secondary.collect_results import failure_summary
from lambdas.secondary.decisions import FINAL

if TYPE_CHECKING:
    from conftest import Planned, Platform

TWO = {"S1": {"L1": "a"}, "S2": {"L1": "b"}}


@pytest.fixture
def planned(platform: Platform) -> Planned:
    """A run of two samples whose tools have all succeeded."""
    platform.start("run-1")
    return platform.plan(platform.request("run-1", TWO))


def collect() -> dict[str, Any]:
    uri = "s3://sequencing/runs/run-1/request.json"
    return collect_results.handler({"run_id": "run-1", "study": "study", "request": uri}, None)


def results(platform: Platform) -> dict[str, SampleResult]:
    found = documents.read(platform.s3, RunResults, "s3://sequencing/runs/run-1/results.json")
    assert (found.run_id, found.study, found.reference) == ("run-1", "study", "ref")
    return {sample.sample: sample for sample in found.samples}


def entry(platform: Platform, item: str) -> LedgerEntry:
    found = platform.ledger.get("run-1", item)
    assert found is not None
    return found


def test_results_are_what_the_records_say(platform: Platform, planned: Planned) -> None:
    answer = collect()
    assert answer == {
        "run_id": "run-1",
        "study": "study",
        "results": "s3://sequencing/runs/run-1/results.json",
        "succeeded": 2,
        "failures": 0,
        "line": "",
        "has_failed": False,
        "sign_off": False,
    }
    sample = results(platform)["S2"]
    fingerprint = planned.entries["step#S2#gather_variants#"].fingerprint or ""
    uri = object_keys.uri("sequencing", object_keys.step_record(Step.GATHER_VARIANTS, fingerprint))
    recorded = documents.read(platform.s3, StepRecord, uri).outputs["vcf"]
    assert sample.patient == "patient-S2"
    assert sample.vcf is not None
    assert (sample.vcf.uri, sample.vcf.sha256, sample.vcf.size) == (recorded.uri, recorded.sha256, recorded.size)
    assert sample.vcf_index is not None
    assert sample.vcf_index.name == "S2.vcf.gz.tbi"
    assert sample.alignments is not None
    assert sample.alignments.name == "S2.bam"
    assert sample.quality_report is not None
    assert sample.quality_report.name == "S2.multiqc.html"
    run = entry(platform, RUN)
    assert (run.state, run.reason) == (State.SUCCEEDED, None)
    assert entry(platform, "sample#S1").state is State.SUCCEEDED


def test_a_failed_sample_fails_the_run_and_keeps_the_others_results(platform: Platform, planned: Planned) -> None:
    line = "S1: align failed with exit code 2: out of reads (log /tools/align:a/b)"
    platform.ledger.update(LedgerEntry("run-1", "sample#S1", State.FAILED, reason=line))
    platform.ledger.update(LedgerEntry("run-1", "step#S1#align#", State.FAILED, reason="out of reads"))
    answer = collect()
    assert (answer["succeeded"], answer["failures"]) == (1, 1)
    assert answer["line"] == line
    found = results(platform)
    assert found["S1"] == SampleResult("S1", "patient-S1", State.FAILED, reason=line)
    assert found["S2"].vcf is not None
    run = entry(platform, RUN)
    assert (run.state, run.reason) == (State.FAILED, line)
    assert entry(platform, "sample#S2").state is State.SUCCEEDED


def test_annotated_variants_are_the_results_where_there_are_any(platform: Platform) -> None:
    platform.start("run-1")
    request = platform.request("run-1", TWO)
    genes = platform.put("references/genes.gff3", b"genes")
    planned = platform.plan(replace(request, reference=replace(request.reference, genes=genes)))
    collect()
    vcf, index = results(platform)["S1"].vcf, results(platform)["S1"].vcf_index
    assert vcf is not None
    assert index is not None
    fingerprint = planned.entries["step#S1#annotate#"].fingerprint
    assert vcf.uri == f"s3://sequencing/steps/annotate/{fingerprint}/S1.vcf.gz"
    assert index.uri == f"{vcf.uri}.tbi"
    platform.s3.delete_object(Bucket="sequencing", Key=object_keys.step_record(Step.ANNOTATE, fingerprint or ""))
    collect()
    assert results(platform)["S1"].state is State.FAILED


@pytest.mark.parametrize("step", [step for step in FINAL if step is not Step.ANNOTATE])
def test_a_sample_without_a_record_has_failed(platform: Platform, planned: Planned, step: Step) -> None:
    fingerprint = planned.entries[f"step#S1#{step}#"].fingerprint or ""
    platform.s3.delete_object(Bucket="sequencing", Key=object_keys.step_record(step, fingerprint))
    assert collect()["line"] == f"S1: {step} left no record of its outputs"


def test_a_sample_whose_steps_were_all_skipped_has_results(platform: Platform, planned: Planned) -> None:
    platform.plan(platform.request("run-2", TWO))
    uri = "s3://sequencing/runs/run-2/request.json"
    answer = collect_results.handler({"run_id": "run-2", "study": "study", "request": uri}, None)
    assert answer["succeeded"] == 2


@pytest.mark.parametrize(
    ("tolerate", "state"),
    [("0", State.FAILED), ("1", State.SUCCEEDED), ("49%", State.FAILED), ("50%", State.SUCCEEDED)],
)
def test_as_many_samples_may_fail_as_the_request_tolerates(platform: Platform, tolerate: str, state: State) -> None:
    platform.start("run-1")
    platform.plan(platform.request("run-1", TWO, tolerate=tolerate))
    platform.ledger.update(LedgerEntry("run-1", "sample#S1", State.FAILED, reason="S1: align failed"))
    platform.ledger.update(LedgerEntry("run-1", "step#S1#align#", State.FAILED))
    answer = collect()
    assert (answer["succeeded"], answer["failures"]) == (1, 1)
    assert answer["has_failed"] is (state is State.FAILED)
    run = entry(platform, RUN)
    told = "" if state is State.FAILED else f" (tolerated: {tolerate})"
    assert (run.state, run.reason) == (state, f"S1: align failed{told}")


def test_a_run_of_which_nothing_succeeded_has_failed_whatever_is_tolerated(platform: Platform) -> None:
    platform.start("run-1")
    platform.plan(platform.request("run-1", TWO, tolerate="100%"))
    for sample in TWO:
        platform.ledger.update(LedgerEntry("run-1", f"sample#{sample}", State.FAILED, reason=f"{sample}: bad"))
        platform.ledger.update(LedgerEntry("run-1", f"step#{sample}#align#", State.FAILED))
    assert collect()["has_failed"] is True


def test_a_sample_that_a_redrive_has_finished_is_no_failure(platform: Platform, planned: Planned) -> None:
    platform.ledger.update(LedgerEntry("run-1", "sample#S1", State.FAILED, reason="the execution was stopped"))
    platform.ledger.update(LedgerEntry("run-1", RUN, State.FAILED, reason="the execution was stopped"))
    for item in planned.entries:
        platform.ledger.update(LedgerEntry("run-1", item, State.SUCCEEDED))
    answer = collect()
    assert (answer["failures"], answer["line"]) == (0, "")
    for item in ("sample#S1", RUN):
        found = entry(platform, item)
        assert (found.state, found.reason) == (State.SUCCEEDED, REDRIVEN)


def test_several_failures_are_counted_and_the_first_ones_told() -> None:
    failed = [SampleResult(f"S{i}", "p", State.FAILED, reason=f"S{i}: align failed") for i in range(5)]
    assert failure_summary([], of=5) == ""
    assert failure_summary(failed[:1], of=5) == "S0: align failed"
    assert failure_summary(failed[:2], of=5) == "2 of 5 samples failed: S0: align failed; S1: align failed"
    assert failure_summary(failed, of=5).endswith("S2: align failed (and 2 more)")
