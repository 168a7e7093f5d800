"""What a load is held against, and what the report says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from genomics.contracts.load_checks import (
    CheckReport,
    CheckState,
    LoadLimits,
    LoadMeasures,
    SampleCalls,
    builds,
    contig_lengths,
    judge,
)
from genomics.contracts.loads import SCHEMA, LoadManifest
from genomics.contracts.runs import Artifact

HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422,assembly=hg38>
##contig=<ID=chrM>
##contig=<assembly=hg38,length=16569,ID=chrUn>
#CHROM\tPOS
"""
ROWS = {"variants": 30_000, "genotypes": 30_000, "consequences": 5, "rejects": 3}
MANIFEST = LoadManifest("study/S1", Artifact("s3://b/S1.vcf.gz", "0a", 1), "run-1", SCHEMA, {}, ROWS, HEADER)
MEASURES = LoadMeasures(
    dataset="study/S1",
    source_sha256="0a",
    run_id="run-1",
    rows={**ROWS, "genotypes_by_location": 30_000, "variant_ids": 7},
    unregistered=(),
    records=29_997,
    rejected=3,
    transitions=20_000,
    transversions=10_000,
    duplicates=0,
    last_bases={"chr1": 248_956_422, "chrM": 99_999},
    samples={"S1": SampleCalls(18_000, 12_000)},
)


def failed(found: CheckReport) -> list[str]:
    return [check.name for check in found.failed]


def test_a_load_as_it_should_be_passes_and_says_nothing() -> None:
    found = judge(MANIFEST, MEASURES, LoadLimits())
    assert (found.subject, found.state, found.line) == ("study/S1", CheckState.PASSED, "")
    assert {check.name: check.found for check in found.checks} == {
        "rows": "30,000 variants, 30,000 genotypes, 5 consequences, 3 rejects, 30,000 genotypes_by_location",
        "partitions": "all in the catalog",
        "rejects": "0.010% (3)",
        "duplicates": "0.000% (0)",
        "Ti/Tv": "2.00",
        "het/hom": "S1 1.50",
        "reference build": "GRCh38",
        "positions": "inside the header's contigs",
    }


@pytest.mark.parametrize(
    ("change", "check", "line"),
    [
        ({"rows": {**MEASURES.rows, "genotypes_by_location": 29_999}}, "rows", "29,999 genotypes_by_location"),
        ({"rows": {**MEASURES.rows, "consequences": 0}}, "rows", "0 consequences"),
        ({"unregistered": ("variants chr1",)}, "partitions", "partitions variants chr1, expected all in the catalog"),
        ({"rejected": 3000}, "rejects", "rejects 9.092% (3,000), expected 1.000% at most"),
        ({"duplicates": 31}, "duplicates", "duplicates 0.103% (31), expected 0.100% at most"),
        ({"transitions": 5000}, "Ti/Tv", "Ti/Tv 0.50, expected 1.8 to 3.6"),
        ({"transversions": 0}, "Ti/Tv", "Ti/Tv 20,000 to none"),
        ({"samples": {"S1": SampleCalls(40_000, 10_000)}}, "het/hom", "het/hom S1 4.00, expected 1 to 3"),
        ({"last_bases": {"chr1": 248_956_423}}, "positions", "positions chr1:248,956,423, expected inside"),
    ],
)
def test_what_is_beyond_a_limit_fails_with_what_was_found_and_expected(
    change: dict[str, Any], check: str, line: str
) -> None:
    found = judge(MANIFEST, replace(MEASURES, **change), LoadLimits())
    assert (found.state, failed(found)) == (CheckState.FAILED, [check])
    assert found.line.startswith("study/S1: ")
    assert line in found.line


def test_ratios_of_few_variants_and_calls_are_told_and_not_judged() -> None:
    few = replace(MEASURES, transitions=1, transversions=50, samples={"S1": SampleCalls(9, 1)})
    found = judge(MANIFEST, few, LoadLimits())
    assert found.state is CheckState.PASSED
    not_judged = {check.name: check.found for check in found.checks if check.state is CheckState.NOT_JUDGED}
    assert not_judged == {"Ti/Tv": "0.02", "het/hom": "S1 9.00"}


def test_of_a_cohort_the_samples_that_are_wrong_are_named() -> None:
    good, bad = SampleCalls(15_000, 10_000), SampleCalls(9000, 10_000)
    found = judge(MANIFEST, replace(MEASURES, samples={"S1": good, "S2": bad, "S3": good}), LoadLimits())
    (check,) = found.failed
    assert check.found == "S2 0.90"


def test_measures_of_another_load_do_not_count() -> None:
    for measures in (None, replace(MEASURES, source_sha256="0b")):
        assert failed(judge(MANIFEST, measures, LoadLimits())) == ["measures"]


def test_a_header_of_another_genome_than_asked_for_fails() -> None:
    assert failed(judge(MANIFEST, MEASURES, LoadLimits(reference_build="GRCh37"))) == ["reference build"]
    assert failed(judge(MANIFEST, MEASURES, LoadLimits(reference_build="GRCh38"))) == []
    unknown = replace(MANIFEST, header="")
    assert failed(judge(unknown, MEASURES, LoadLimits())) == []
    assert failed(judge(unknown, MEASURES, LoadLimits(reference_build="GRCh38"))) == ["reference build"]


def test_contigs_of_two_genomes_in_one_header_fail() -> None:
    mixed = replace(MANIFEST, header=HEADER + "##contig=<ID=chr20,length=63025520>\n")
    (check,) = judge(mixed, MEASURES, LoadLimits()).failed
    assert (check.name, check.found) == ("reference build", "GRCh37 and GRCh38")


def test_lengths_are_read_wherever_they_stand_in_the_line() -> None:
    assert contig_lengths(HEADER) == {"chr1": 248956422, "chrUn": 16569}
    assert builds({"X": 155270560}) == ("GRCh37",)
    assert builds({"chr1": 1000}) == ()
