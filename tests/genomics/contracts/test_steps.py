from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from genomics.contracts import codec, object_keys
from genomics.contracts.parameters import CRAM
from genomics.contracts.regions import Region
from genomics.contracts.steps import Recipe, Step, made_by, output_files, recipe_name

RECIPE = Recipe(
    step=Step.ALIGN,
    image="sha256:1",
    parameters={"minimum_score": 30, "sensitive": False},
    contents={"reads_1": ("a", "b"), "reads_2": ("c", "d")},
    reference="r",
    lanes=("L1", "L2"),
    regions=(Region("chr1", 1, 10),),
    sample="S1",
)


@pytest.mark.parametrize(
    "change",
    [
        {"step": Step.FASTP},
        {"image": "sha256:2"},
        {"parameters": {"minimum_score": 31, "sensitive": False}},
        {"parameters": {"minimum_score": 30}},
        {"parameters": {"minimum_score": 30, "sensitive": 0}},
        {"contents": {"reads_1": ("b", "a"), "reads_2": ("c", "d")}},
        {"contents": {"reads_1": ("c", "d"), "reads_2": ("a", "b")}},
        {"reference": "s"},
        {"lanes": ("L2", "L1")},
        {"regions": (Region("chr1", 1, 11),)},
        {"sample": "S2"},
    ],
)
def test_everything_in_a_recipe_changes_its_fingerprint(change: dict[str, Any]) -> None:
    assert replace(RECIPE, **change).fingerprint != RECIPE.fingerprint


def test_a_fingerprint_does_not_depend_on_the_order_of_names_nor_on_who_computes_it() -> None:
    shuffled = replace(RECIPE, parameters={"sensitive": False, "minimum_score": 30})
    assert shuffled.fingerprint == RECIPE.fingerprint
    assert codec.loads(Recipe, codec.dumps(RECIPE)).fingerprint == RECIPE.fingerprint


def test_a_fingerprint_is_the_sha256_of_the_recipes_text() -> None:
    recipe = Recipe(step=Step.FASTP, image="i", parameters={"q": 1}, contents={"reads_1": ("a",)})
    text = (
        '{"contents":{"reads_1":["a"]},"image":"i","lanes":[],"parameters":{"q":1},'
        '"reference":"","regions":[],"sample":"","step":"fastp"}'
    )
    assert codec.dumps(recipe) == text
    # from printf '%s' "$text" | sha256sum
    assert recipe.fingerprint == "bba92a38e2ac8db5344d9e552dadbd1f819dc63bc0d2a0d94a89bf8dae1c0eda"


def test_what_a_step_makes_is_known_by_who_makes_it() -> None:
    producer = RECIPE.fingerprint
    before = Recipe(Step.CALL_VARIANTS, "i", {}, {"alignments": (made_by(producer, "alignments"),)})
    after = replace(before, contents={"alignments": (made_by("another", "alignments"),)})
    assert before.fingerprint != after.fingerprint


def test_every_step_names_its_files() -> None:
    assert output_files(Step.PREPARE_REFERENCE, "") == {"fai": "genome.fa.fai"}
    assert output_files(Step.ALIGN, "S1") == {
        "alignments": "S1.bam",
        "index": "S1.bam.bai",
        "flagstat": "S1.flagstat",
    }
    assert output_files(Step.ALIGN, "S1", [CRAM]) == {
        "alignments": "S1.cram",
        "index": "S1.cram.crai",
        "flagstat": "S1.flagstat",
    }
    for step in Step:
        files = output_files(step, "S1")
        assert len(set(files.values())) == len(files)
        assert "record.json" not in files.values()


def test_recipes_are_named_by_step_and_part() -> None:
    assert recipe_name(Step.CALL_VARIANTS, "chr1:1-10") == "call_variants#chr1:1-10"


def test_keys_of_a_step_lie_under_its_fingerprint() -> None:
    outputs = object_keys.step_outputs(Step.GATHER_VARIANTS, "f" * 64, "S1")
    assert outputs["vcf"] == f"steps/gather_variants/{'f' * 64}/S1.vcf.gz"
    assert object_keys.step_record(Step.GATHER_VARIANTS, "f") == "steps/gather_variants/f/record.json"
