from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.ledger import LOAD, LedgerEntry
from genomics.contracts.loads import SCHEMA, LoadManifest, LoadRequest
from genomics.contracts.runs import Artifact, RunResults, SampleResult, State
from lambdas import documents
from lambdas.lake import plan_load, record_load, record_load_failure

if TYPE_CHECKING:
    from conftest import Platform

RESULTS = "s3://sequencing/runs/run-1/results.json"
VCFS = {
    "S1": Artifact("s3://sequencing/steps/gather_variants/f1/S1.vcf.gz", "sha-of-S1", 100),
    "S2": Artifact("s3://sequencing/steps/gather_variants/f2/S2.vcf.gz", "sha-of-S2", 200),
}


@dataclass
class Lake:
    platform: Platform

    def hold(self, sample: str, *, schema: int = SCHEMA, sha256: str | None = None) -> None:
        """Commit an earlier load of a sample's VCF."""
        source = Artifact(VCFS[sample].uri, sha256 or VCFS[sample].sha256, 1)
        rows = {"variants": 10, "genotypes": 7}
        manifest = LoadManifest(f"study/{sample}", source, "run-0", schema, {"variants": ("k",)}, rows)
        documents.write(
            self.platform.s3, manifest, object_keys.uri("lake", object_keys.load_manifest(f"study/{sample}"))
        )

    def plan(self) -> dict[str, Any]:
        return plan_load.handler({"run_id": "run-1", "study": "study", "results": RESULTS}, None)

    @property
    def requested(self) -> list[str]:
        request = documents.read(self.platform.s3, LoadRequest, "s3://sequencing/runs/run-1/load.json")
        assert request.run_id == "run-1"
        return [source.dataset for source in request.sources]

    @property
    def entry(self) -> LedgerEntry:
        entry = self.platform.ledger.get("run-1", LOAD)
        assert entry is not None
        return entry


@pytest.fixture
def lake(platform: Platform) -> Lake:
    """A run of three samples, one of which has failed."""
    called = tuple(SampleResult(sample, "p", State.SUCCEEDED, vcf=vcf) for sample, vcf in VCFS.items())
    failed = SampleResult("S3", "p", State.FAILED, reason="S3: align failed")
    documents.write(platform.s3, RunResults("run-1", "study", "ref", (*called, failed)), RESULTS)
    return Lake(platform)


def test_new_samples_are_loaded(lake: Lake) -> None:
    assert lake.plan() == {
        "run_id": "run-1",
        "study": "study",
        "results": RESULTS,
        "sources": 2,
        "request": "s3://sequencing/runs/run-1/load.json",
        "checks": "UNCHANGED",
        "reason": "study/S1 is new, study/S2 is new",
    }
    assert lake.requested == ["study/S1", "study/S2"]
    assert (lake.entry.state, lake.entry.reason) == (State.RUNNING, "study/S1 is new, study/S2 is new")


def test_what_the_lake_holds_is_not_loaded_again(lake: Lake) -> None:
    lake.hold("S1")
    lake.hold("S2")
    assert lake.plan()["sources"] == 0
    assert lake.requested == []
    assert lake.entry.state is State.SKIPPED
    assert lake.entry.reason == "the lake holds the same VCFs already: study/S1, study/S2"
    assert lake.entry.rows == {"variants": 20, "genotypes": 14}


def test_a_new_vcf_replaces_the_one_that_was_loaded(lake: Lake) -> None:
    lake.hold("S1")
    lake.hold("S2", sha256="sha-of-an-older-S2")
    lake.plan()
    assert lake.requested == ["study/S2"]
    assert lake.entry.reason == "study/S2 has a new VCF"


def test_a_load_into_an_older_layout_is_made_again(lake: Lake) -> None:
    lake.hold("S1", schema=SCHEMA - 1)
    lake.hold("S2")
    lake.plan()
    assert lake.requested == ["study/S1"]
    assert lake.entry.reason == f"study/S1 was loaded into an older layout of the tables ({SCHEMA - 1} -> {SCHEMA})"


def test_a_run_that_has_called_nothing_loads_nothing(lake: Lake) -> None:
    failed = SampleResult("S3", "p", State.FAILED, reason="S3: align failed")
    documents.write(lake.platform.s3, RunResults("run-1", "study", "ref", (failed,)), RESULTS)
    assert lake.plan()["sources"] == 0
    assert (lake.entry.state, lake.entry.reason) == (State.SKIPPED, "the run has called no variants")


def test_the_rows_of_all_the_runs_samples_are_recorded(lake: Lake) -> None:
    lake.hold("S1")
    state = lake.plan() | {"checks": "PASSED", "reason": ""}
    lake.hold("S2")
    assert record_load.handler(state, None) == {
        "run_id": "run-1",
        "study": "study",
        "results": RESULTS,
        "checks": "PASSED",
        "reason": "",
        "rows": {"variants": 20, "genotypes": 14},
    }
    assert lake.entry.state is State.SUCCEEDED
    assert lake.entry.rows == {"variants": 20, "genotypes": 14}
    assert lake.entry.reason == "study/S2 is new"
    assert lake.entry.seconds is not None


@pytest.mark.parametrize(
    ("named", "group"),
    [
        ({}, "/aws-glue/jobs/error"),
        ({"LogGroupName": "/aws-glue/jobs"}, "/aws-glue/jobs/error"),
        ({"LogGroupName": "/aws-glue/jobs-role-security/"}, "/aws-glue/jobs-role-security/error"),
    ],
)
def test_a_failed_load_is_told_in_one_line(lake: Lake, named: dict[str, str], group: str) -> None:
    cause = {
        **named,
        "Id": "jr_1",
        "JobName": "variants",
        "JobRunState": "FAILED",
        "ErrorMessage": "VcfError: S1.vcf.gz:3\nat x",
    }
    event = {**lake.plan(), "error": {"Error": "States.TaskFailed", "Cause": json.dumps(cause)}}
    line = f"loading run-1 failed: VcfError: S1.vcf.gz:3 (log {group}:jr_1)"
    assert record_load_failure.handler(event, None) == {"run_id": "run-1", "line": line}
    assert (lake.entry.state, lake.entry.reason, lake.entry.log_stream) == (State.FAILED, line, "jr_1")


def test_a_load_that_could_not_be_planned_is_told_too(lake: Lake) -> None:
    event = {"run_id": "run-1", "study": "study", "results": RESULTS, "error": {"Error": "States.Timeout"}}
    assert record_load_failure.handler(event, None)["line"] == "loading run-1 failed: timed out"
