from __future__ import annotations

import pytest

from genomics.contracts import object_keys
from genomics.contracts.steps import Step


@pytest.mark.parametrize("text", ["s3://bucket/a/key", "s3://b/k?x=1#y"])
def test_a_uri_reads_back(text: str) -> None:
    assert object_keys.uri(*object_keys.parse(text)) == text


@pytest.mark.parametrize("text", ["", "bucket/key", "s3://bucket", "s3://bucket/", "s3:///key", "https://bucket/key"])
def test_what_is_no_uri_of_an_object_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not s3://bucket/key"):
        object_keys.parse(text)


def test_only_requests_and_reads_lie_in_the_inbox() -> None:
    inbox = [object_keys.reads("0a", "r.fastq.gz"), object_keys.run_request("run-1")]
    made = [
        object_keys.reference_file("0a", "ref.fa"),
        object_keys.run_results("run-1"),
        object_keys.run_plan("run-1"),
        object_keys.task("run-1", "S1", Step.ALIGN, ""),
        object_keys.step_record(Step.ALIGN, "f"),
        object_keys.latest_recipes("study", "S1"),
        object_keys.partial(object_keys.step_record(Step.ALIGN, "f"), "1"),
    ]
    assert all(key.startswith(object_keys.INBOX) for key in inbox)
    assert not any(key.startswith(object_keys.INBOX) for key in made)


def test_tasks_are_told_apart_by_sample_step_and_part() -> None:
    assert object_keys.task("r", "", Step.PREPARE_REFERENCE, "") == "runs/r/tasks/prepare_reference.json"
    assert object_keys.task("r", "S1", Step.ALIGN, "") == "runs/r/tasks/S1/align.json"
    assert (
        object_keys.task("r", "S1", Step.CALL_VARIANTS, "HLA*01/a:1-5")
        == "runs/r/tasks/S1/call_variants.HLA%2A01%2Fa%3A1-5.json"
    )


def test_latest_recipes_are_told_apart_by_study_and_sample() -> None:
    keys = {
        object_keys.latest_recipes("a", "x"),
        object_keys.latest_recipes("a", "y"),
        object_keys.latest_recipes("b", "x"),
        object_keys.latest_reference_recipe("a", "x"),
    }
    assert len(keys) == 4
    assert object_keys.latest_reference_recipe("a", "h/38") == "steps/latest/a/references/h%2F38.json"


def test_a_datasets_name_may_hold_a_slash() -> None:
    assert object_keys.load_manifest("study/S1") == "loads/variants/study%2FS1.json"


def test_a_steps_outputs_name_their_maker() -> None:
    key = object_keys.step_output(Step.ALIGN, "f" * 64, "A.bam")
    assert object_keys.maker_of(key) == (Step.ALIGN, "f" * 64)
    assert object_keys.maker_of(object_keys.latest_recipes("study", "A")) is None
    assert object_keys.maker_of(object_keys.reads("0" * 64, "a.fastq.gz")) is None


def test_deliveries_lie_by_tenant_and_day() -> None:
    key = object_keys.delivery_prefix("north-clinic", "2026-03-07", "d-17")
    assert key == "north-clinic/2026/03/07/d-17/"
