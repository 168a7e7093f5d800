import json
from pathlib import Path
from typing import Any

import pytest

from genomics.contracts.runs import State
from tests.genomics_cli.sample_runs import FAILURE, summary


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(json.loads(summary().json()))


def test_the_document_has_one_shape_whatever_the_run_came_to(document: dict[str, Any]) -> None:
    assert list(document) == [
        *("run_id", "study", "state", "submitted_at", "reference", "regions", "parameters", "versions", "durations"),
        *("samples", "run_steps", "sign_off", "load", "rows", "query", "estimate", "errors"),
    ]
    assert set(document["samples"][0]) == set(document["samples"][1])
    steps = [step for sample in document["samples"] for step in sample["steps"]]
    assert len({frozenset(step) for step in steps}) == 1


def test_a_failed_run_keeps_what_the_other_samples_came_to(document: dict[str, Any]) -> None:
    assert document["state"] == "FAILED"
    assert document["errors"] == [FAILURE]
    first, second = document["samples"]
    assert (first["state"], first["vcf"], first["reason"]) == ("SUCCEEDED", "out/A.vcf.gz", None)
    assert (second["state"], second["vcf"], second["reason"]) == ("FAILED", None, FAILURE)
    assert second["accuracy"] is None


def test_every_sample_in_good_order_is_no_error() -> None:
    made = summary(failed=False)
    assert made.state is State.SUCCEEDED


def test_each_step_says_why_and_how_long(document: dict[str, Any]) -> None:
    steps = {(s["step"], s["part"]): s for s in document["samples"][0]["steps"]}
    assert steps["fastp", "L1"]["seconds"] == 4.0
    assert steps["fastp", "L1"]["reason"] == "no earlier result"
    assert steps["fastp", "L1"]["peak_memory_mib"] == 200
    skipped = document["run_steps"][0]
    assert (skipped["state"], skipped["seconds"], skipped["reason"]) == ("SKIPPED", None, "outputs exist")


def test_parallel_parts_take_wall_time_together(document: dict[str, Any]) -> None:
    calling = document["durations"]["steps"]["call_variants"]
    assert calling == {"state": "SUCCEEDED", "ran": 2, "skipped": 0, "job_seconds": 11.0, "wall_seconds": 8.0}
    fastp = document["durations"]["steps"]["fastp"]
    assert (fastp["ran"], fastp["skipped"]) == (1, 1)


def test_accuracy_is_given_over_all_and_inside_the_confident_regions(document: dict[str, Any]) -> None:
    accuracy = document["samples"][0]["accuracy"]
    assert accuracy["whole"]["snps"]["recall"] == pytest.approx(100 / 108)
    assert accuracy["confident"]["snps"]["f1"] == pytest.approx(200 / 202)
    assert accuracy["confident"]["indels"]["f1"] == 1.0
    assert accuracy["confident"]["bases"] == 5000


def test_versions_of_all_tools_are_gathered(document: dict[str, Any]) -> None:
    tools = {
        "bcftools": "1.16",
        "bwa": "0.7.17",
        "fastp": "0.23.2",
        "mosdepth": "0.3.3",
        "samtools": "1.16",
        "snpeff": "5.1d",
    }
    assert document["versions"]["tools"] == tools
    assert document["versions"]["platform"]


def test_the_document_is_written_as_it_is(tmp_path: Path, document: dict[str, Any]) -> None:
    summary().write(tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text()) == document
