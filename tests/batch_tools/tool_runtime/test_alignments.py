import subprocess

import pytest

from batch_tools.tool_runtime.alignments import AlignmentsError, require_bam
from genomics.contracts.regions import Region

CONTIGS = {"chrA": 20_000, "chrB": 20_000}


@pytest.fixture
def bam(aligned):
    return aligned.outputs["alignments"]


def refusal(path, *arguments):
    with pytest.raises(AlignmentsError) as caught:
        require_bam(path, *arguments)
    return str(caught.value)


def test_what_align_wrote_is_accepted(bam):
    require_bam(bam, [Region("chrA", 1, 20_000), Region("chrB", 5, 10)], CONTIGS)


@pytest.mark.parametrize(
    ("region", "against", "problem"),
    [
        (Region("chrC", 1, 10), None, "its header has no contig chrC"),
        (Region("chrA", 1, 20_001), None, "its chrA has 20000 bases, the region is chrA:1-20001"),
        (Region("chrA", 1, 10), {"chrA": 19_999}, "its chrA has 20000 bases, the reference's 19999"),
    ],
)
def test_regions_and_references_it_does_not_fit_are_refused(bam, region, against, problem):
    assert f"{bam.name}: {problem}" in refusal(bam, [region], against)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda data: b"", "it is no BAM"),
        (lambda data: b"\0" * 100, "it is no BAM"),
        (lambda data: data[: len(data) // 2], "it is truncated, the end-of-file block is missing"),
        (lambda data: data[:-29], "it is truncated, the end-of-file block is missing"),
        (lambda data: data[:40] + b"\xff" * 60 + data[100:], "its header cannot be read"),
        (lambda data: data[-28:], "it is no BAM"),
    ],
    ids=["empty", "zeros", "half", "no end", "damaged header", "end only"],
)
def test_damage_is_named(bam, tmp_path, spoil, problem):
    spoiled = tmp_path / "spoiled.bam"
    spoiled.write_bytes(spoil(bam.read_bytes()))
    told = refusal(spoiled)
    assert told.startswith(f"spoiled.bam: {problem}")
    assert told.endswith("; align the sample again")


def test_alignments_sorted_by_name_are_refused(bam, tmp_path):
    by_name = tmp_path / "by_name.bam"
    subprocess.run(["samtools", "sort", "-n", "-o", by_name, bam], check=True, capture_output=True)
    assert "does not say that it is sorted by coordinate" in refusal(by_name)
