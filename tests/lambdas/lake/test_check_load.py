"""What a load is told to be once it has been measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from genomics.contracts import object_keys
from genomics.contracts.codec import dumps
from genomics.contracts.ledger import LOAD
from genomics.contracts.load_checks import CheckReport, CheckState, LoadLimits, LoadMeasures
from genomics.contracts.loads import SCHEMA, LoadManifest, LoadRequest, LoadSource
from genomics.contracts.runs import Artifact, RunResults, SampleResult, State
from lambdas import documents
from lambdas.lake import check_load, plan_load, record_load

if TYPE_CHECKING:
    from conftest import Platform

RESULTS = "s3://sequencing/runs/run-1/results.json"
ROWS = {"variants": 10, "genotypes": 7}


def put(platform: Platform, key: str, document: Any) -> None:
    documents.write(platform.s3, document, object_keys.uri("lake", key))


def loaded(platform: Platform, sample: str, **measured: Any) -> None:
    """What the job leaves of a sample."""
    dataset, vcf = f"study/{sample}", Artifact(f"s3://sequencing/{sample}.vcf.gz", f"sha-of-{sample}", 1)
    put(platform, object_keys.load_manifest(dataset), LoadManifest(dataset, vcf, "run-1", SCHEMA, {}, ROWS))
    measures = LoadMeasures(
        dataset=dataset,
        source_sha256=vcf.sha256,
        run_id="run-1",
        rows={**ROWS, "genotypes_by_location": 7},
        unregistered=(),
        records=10,
        rejected=0,
        transitions=4,
        transversions=2,
        duplicates=0,
    )
    put(platform, object_keys.load_measures(dataset), replace(measures, **measured))


@pytest.fixture
def planned(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The state after PlanLoad, of a run of two samples."""
    monkeypatch.setenv("LIMITS", dumps(LoadLimits()))
    vcfs = {name: Artifact(f"s3://sequencing/{name}.vcf.gz", f"sha-of-{name}", 1) for name in ("S1", "S2")}
    samples = tuple(SampleResult(name, "p", State.SUCCEEDED, vcf=vcf) for name, vcf in vcfs.items())
    documents.write(platform.s3, RunResults("run-1", "study", "ref", samples), RESULTS)
    return plan_load.handler({"run_id": "run-1", "study": "study", "results": RESULTS}, None)


def report(platform: Platform, sample: str) -> CheckReport:
    return documents.read(platform.s3, CheckReport, f"s3://lake/{object_keys.check_report(f'study/{sample}')}")


def test_a_load_that_passes_says_so_and_leaves_its_reports(platform: Platform, planned: dict[str, Any]) -> None:
    for sample in ("S1", "S2"):
        loaded(platform, sample)
    assert check_load.handler(planned, None) == {**planned, "checks": "PASSED", "reason": ""}
    assert [report(platform, sample).state for sample in ("S1", "S2")] == [CheckState.PASSED, CheckState.PASSED]


def test_a_failed_check_is_told_and_loses_nothing(platform: Platform, planned: dict[str, Any]) -> None:
    loaded(platform, "S1")
    loaded(platform, "S2", duplicates=5)
    state = check_load.handler(planned, None)
    line = "study/S2: duplicates 50.000% (5), expected 0.100% at most"
    assert (state["checks"], state["reason"]) == ("FAILED", line)
    assert [report(platform, sample).state for sample in ("S1", "S2")] == [CheckState.PASSED, CheckState.FAILED]
    assert record_load.handler(state, None)["rows"] == {"variants": 20, "genotypes": 14}
    entry = platform.ledger.get("run-1", LOAD)
    assert entry is not None
    assert (entry.state, entry.reason) == (State.SUCCEEDED, f"loaded, but checks have failed: {line}")
    assert entry.rows == {"variants": 20, "genotypes": 14}


def test_of_many_datasets_the_first_are_named(platform: Platform, planned: dict[str, Any]) -> None:
    names = [f"S{number}" for number in range(1, 6)]
    sources = tuple(LoadSource(f"study/{name}", Artifact(f"s3://b/{name}", "0a", 1)) for name in names)
    documents.write(platform.s3, LoadRequest("run-1", sources), planned["request"])
    for name in names:
        loaded(platform, name, unregistered=("variants chr1",))
    reason = check_load.handler(planned, None)["reason"]
    assert reason.startswith("study/S1: partitions variants chr1")
    assert reason.endswith("study/S3: partitions variants chr1, expected all in the catalog | and 2 more")


def test_a_load_that_was_not_measured_has_failed_its_checks(platform: Platform, planned: dict[str, Any]) -> None:
    for sample in ("S1", "S2"):
        loaded(platform, sample)
    platform.s3.delete_object(Bucket="lake", Key=object_keys.load_measures("study/S1"))
    state = check_load.handler(planned, None)
    assert state["reason"] == "study/S1: measures are not there, expected those of this load"
