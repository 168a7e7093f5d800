"""The LIMS is told of each sample once, and what it has not accepted is the run's problem, not the results'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from genomics.contracts import codec
from genomics.contracts.ledger import REDRIVEN, RUN, SIGN_OFF, LedgerEntry
from genomics.contracts.runs import Artifact, RunResults, SampleResult, State
from genomics.contracts.services import LimsSample
from genomics.contracts.steps import Step, StepRecord
from lambdas import documents
from lambdas.secondary import record_hold, rest, upload_to_lims
from lambdas.secondary.run_end import end_run
from lambdas.secondary.upload_to_lims import LimsError, UnfinishedUploadError
from tests.lab_service import LabService, lab_service

if TYPE_CHECKING:
    from conftest import Platform

EXECUTION = {"Id": "arn:aws:states:eu-west-1:123456789012:execution:Runs:run-1"}


class Clock:
    """A Lambda's context, with so many seconds left."""

    def __init__(self, *seconds: float) -> None:
        self.left = list(seconds) or [900.0]

    def get_remaining_time_in_millis(self) -> float:
        return 1000 * (self.left.pop(0) if len(self.left) > 1 else self.left[0])


@pytest.fixture
def lims(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabService]:
    boto3.client("secretsmanager").create_secret(Name="lims", SecretString="t0ken")
    monkeypatch.setattr(rest, "WAITS", (0.0, 0.0))
    with lab_service() as service:
        monkeypatch.setenv("URL", service.url)
        monkeypatch.setenv("SECRET", "lims")
        yield service


def sample(name: str) -> SampleResult:
    files = {
        field: Artifact(f"s3://sequencing/steps/{field}/{name}", field[:1] * 64, 7)
        for field in ("vcf", "vcf_index", "alignments", "quality_report")
    }
    return SampleResult(name, f"patient-{name}", State.SUCCEEDED, **files)


def collected(platform: Platform, *samples: SampleResult) -> dict[str, Any]:
    """What CollectResults leaves of a run of these samples."""
    platform.start("run-1")
    results = RunResults("run-1", "study", "ref", samples)
    uri = documents.write(platform.s3, results, "s3://sequencing/runs/run-1/results.json")
    failed = [each.reason for each in samples if each.reason]
    line, has_failed = "; ".join(failed), bool(failed)
    end_run(run_id="run-1", line=line, has_failed=has_failed, ledger=platform.ledger)
    return {"run_id": "run-1", "study": "study", "results": uri, "line": line, "has_failed": has_failed}


@pytest.fixture
def state(platform: Platform) -> dict[str, Any]:
    """Of a run of two samples, of which all is well."""
    return collected(platform, sample("S1"), sample("S2"))


def entry(platform: Platform, item: str) -> LedgerEntry:
    found = platform.ledger.get("run-1", item)
    assert found is not None
    return found


def test_each_sample_is_a_document_with_its_files_and_their_sums(
    platform: Platform, lims: LabService, state: dict[str, Any]
) -> None:
    platform.ledger.update(LedgerEntry("run-1", SIGN_OFF, State.SUCCEEDED, signed_by="Ada", reason="fine"))
    assert upload_to_lims.handler(state, Clock()) == state
    first, second = (codec.from_dict(LimsSample, document) for document in lims.accepted())
    assert (first.version, first.study, first.run_id, first.sample) == (1, "study", "run-1", "S1")
    assert (first.state, first.reason, first.signed_by) == (State.SUCCEEDED, None, "Ada")
    assert second.sample == "S2"
    assert set(first.files) == {"vcf", "vcf_index", "alignments", "quality_report"}
    assert first.files["vcf"] == Artifact("s3://sequencing/steps/vcf/S1", "v" * 64, 7)
    assert {told.token for told in lims.told} == {"Bearer t0ken"}
    assert (entry(platform, "lims#S1").state, entry(platform, "lims#S1").reason) == (
        State.SUCCEEDED,
        "accepted with status 201",
    )


def test_a_step_is_told_with_what_its_tool_has_measured(platform: Platform, lims: LabService) -> None:
    platform.plan(platform.request("run-1", {"S1": {"L1": "a"}}))
    task = platform.task("s3://sequencing/runs/run-1/tasks/S1/align.json")
    record = documents.read(platform.s3, StepRecord, task.record)
    documents.write(platform.s3, replace(record, metrics={"mapped": 0.99}), task.record)
    upload_to_lims.handler(collected(platform, sample("S1")), Clock())
    (document,) = (codec.from_dict(LimsSample, document) for document in lims.accepted())
    assert [step.step for step in document.steps] == [Step.ALIGN, Step.COVERAGE, Step.GATHER_VARIANTS, Step.QUALITY]
    assert document.steps[0].metrics == {"mapped": 0.99}


def test_a_sample_that_failed_is_told_of_with_its_reason(platform: Platform, lims: LabService) -> None:
    broken = SampleResult("S1", "patient-S1", State.FAILED, reason="S1: align failed")
    platform.ledger.update(LedgerEntry("run-1", "step#S1#align#", State.FAILED, reason="no memory", fingerprint="f"))
    upload_to_lims.handler(collected(platform, broken, sample("S2")), Clock())
    failed = codec.from_dict(LimsSample, lims.accepted()[0])
    assert (failed.state, failed.reason, failed.files) == (State.FAILED, "S1: align failed", {})
    assert (failed.steps[0].state, failed.steps[0].metrics) == (State.FAILED, {})
    # What the samples came to is still the run's end.
    assert (entry(platform, RUN).state, entry(platform, RUN).reason) == (State.FAILED, "S1: align failed")


def test_what_was_accepted_is_not_sent_again(platform: Platform, lims: LabService, state: dict[str, Any]) -> None:
    lims.answers = [201, 422]
    with pytest.raises(LimsError, match=r"^S2: the LIMS answered 422: said so$"):
        upload_to_lims.handler(state, Clock())
    assert entry(platform, "lims#S2").reason == "the LIMS answered 422: said so"
    upload_to_lims.handler(state, Clock())
    assert [told.document["sample"] for told in lims.told] == ["S1", "S2"]
    upload_to_lims.handler(state, Clock())
    assert len(lims.told) == 2


def test_the_same_outcome_has_the_same_key_and_another_has_not(
    platform: Platform, lims: LabService, state: dict[str, Any]
) -> None:
    upload_to_lims.handler(state, Clock())
    keys = [told.key for told in lims.told]
    for name in ("S1", "S2"):
        platform.ledger.update(LedgerEntry("run-1", f"lims#{name}", State.FAILED))
    upload_to_lims.handler(state, Clock())
    assert [told.key for told in lims.told] == keys * 2
    platform.ledger.update(LedgerEntry("run-1", SIGN_OFF, State.SUCCEEDED, signed_by="Ada"))
    upload_to_lims.handler(state, Clock())
    assert len({told.key for told in lims.told}) == 4


def test_one_refusal_does_not_keep_the_others_from_the_lims(
    platform: Platform, lims: LabService, state: dict[str, Any]
) -> None:
    lims.answers = [404]
    with pytest.raises(LimsError, match=r"^S1: the LIMS answered 404"):
        upload_to_lims.handler(state, Clock())
    assert [told.document["sample"] for told in lims.told] == ["S2"]


@pytest.mark.parametrize("is_reopened", [False, True])
def test_a_lims_that_is_down_holds_the_run_and_a_redrive_ends_it_well(
    platform: Platform, lims: LabService, state: dict[str, Any], is_reopened: bool
) -> None:
    lims.answers = [503] * 3
    with pytest.raises(LimsError) as failed:
        upload_to_lims.handler(state, Clock())
    assert str(failed.value) == "S1: the LIMS answered 503: said so, the last of 3 attempts"
    cause = f'{{"errorType": "LimsError", "errorMessage": "{failed.value}"}}'
    caught = {**state, "error": {"Error": "LimsError", "Cause": cause}}
    recorded = record_hold.handler({"state": caught, "execution": EXECUTION, "waited_for": "LIMS"}, None)
    line = f"{failed.value}; the results are there, and `genomics redrive run-1` tries again"
    assert recorded["hold"] == {"line": line, "redrives": 0, "is_final": False}
    assert (entry(platform, RUN).state, entry(platform, RUN).reason) == (State.FAILED, line)
    if is_reopened:
        # The news of the redrive may come first.
        assert platform.ledger.reopen(entry(platform, RUN), State.RUNNING, REDRIVEN)
    upload_to_lims.handler(state, Clock())
    assert (entry(platform, RUN).state, entry(platform, RUN).reason) == (State.SUCCEEDED, REDRIVEN)
    assert len(lims.accepted()) == 2


def test_more_samples_than_there_is_time_for_are_left_to_the_next_call(lims: LabService, state: dict[str, Any]) -> None:
    with pytest.raises(UnfinishedUploadError, match=r"^S2 and those after it"):
        upload_to_lims.handler(state, Clock(900, 60))
    assert [told.document["sample"] for told in lims.told] == ["S1"]
    upload_to_lims.handler(state, Clock())
    assert [told.document["sample"] for told in lims.told] == ["S1", "S2"]


def test_nothing_about_patients_leaves(lims: LabService, state: dict[str, Any]) -> None:
    upload_to_lims.handler(state, Clock())
    assert "patient" not in codec.dumps([told.document for told in lims.told])
