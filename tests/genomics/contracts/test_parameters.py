from __future__ import annotations

import pytest

from genomics.contracts.codec import ContractError
from genomics.contracts.parameters import RunParameters
from genomics.contracts.steps import Step


def test_assignments_change_what_they_name_and_nothing_else() -> None:
    changed = RunParameters().changed(["call_variants.minimum_base_quality=20", " gather_variants.minimum_quality = 5"])
    assert changed.call_variants.minimum_base_quality == 20
    assert changed.gather_variants.minimum_quality == 5.0
    assert changed.fastp == RunParameters().fastp
    assert changed.call_variants.maximum_depth == RunParameters().call_variants.maximum_depth


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("minimum_length=3", "minimum_length=3: expected STEP.NAME=VALUE with STEP one of fastp, align, "),
        ("fastp.minimum_length", "fastp.minimum_length: expected STEP.NAME=VALUE"),
        ("bwa.threads=3", "bwa.threads=3: expected STEP.NAME=VALUE"),
        ("changed.x=3", "changed.x=3: expected STEP.NAME=VALUE"),
        ("fastp.length=3", "fastp.length=3: fastp has no parameter 'length'; it has minimum_length, "),
        ("fastp.minimum_length=long", "fastp.minimum_length=long: invalid literal for int()"),
        ("fastp.minimum_length=0", "fastp.minimum_length=0: minimum_length is 0; it must be at least 1"),
        ("call_variants.ploidy=3", "call_variants.ploidy=3: ploidy is 3; bcftools call takes 1 or 2"),
        (
            "call_variants.caller=gatk",
            "call_variants.caller=gatk: caller is 'gatk'; it must be one of bcftools, freebayes, ensemble",
        ),
        ("align.aligner=bowtie2", "align.aligner=bowtie2: aligner is 'bowtie2'; it must be one of bwa, minimap2"),
        ("align.format=sam", "align.format=sam: format is 'sam'; it must be one of bam, cram"),
        ("scatter.bases_per_region=10", "scatter.bases_per_region=10: bases_per_region is 10; it must be at least"),
    ],
)
def test_an_assignment_that_does_not_fit_is_named(assignment: str, message: str) -> None:
    with pytest.raises(ContractError) as error:
        RunParameters().changed([assignment])
    assert str(error.value).startswith(message)


def test_every_step_has_its_own_parameters() -> None:
    parameters = RunParameters()
    assert parameters.of(Step.FASTP) == {"minimum_length": 30, "minimum_base_quality": 15}
    assert parameters.of(Step.PREPARE_REFERENCE) == {}
    assert set(parameters.of(Step.GATHER_VARIANTS)) == {"minimum_quality", "minimum_depth"}
