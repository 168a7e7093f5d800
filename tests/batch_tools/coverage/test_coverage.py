import gzip
import subprocess
from collections import Counter

import pysam
import pytest

from batch_tools.coverage import coverage
from batch_tools.coverage.htslib import findable_htslib
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.parameters import CoverageParameters
from genomics.contracts.regions import Region

REGIONS = (Region("chrA", 1, 10_000), Region("chrA", 15_001, 15_500), Region("chrB", 101, 20_000))


@pytest.fixture
def measure(aligned, tmp_path):
    """Coverage of the simulated sample, or of alignments of one's own."""

    def run(regions=REGIONS, parameters=None, alignments=None, index=None, reference=None):
        directory = tmp_path / f"work{len(list(tmp_path.glob('work*')))}"
        directory.mkdir()
        with findable_htslib():
            return coverage.run(
                sample="sim1",
                alignments=alignments or aligned.outputs["alignments"],
                index=index or aligned.outputs["index"],
                regions=regions,
                parameters=parameters or CoverageParameters(),
                threads=2,
                directory=directory,
                reference=reference,
            )

    return run


def rows(path):
    return [line.split("\t") for line in gzip.decompress(path.read_bytes()).decode().splitlines() if line[0] != "#"]


def depths(bam, region, least_quality=0):
    """Reads over each base of a region, a fragment once: counted record by record, by what the specification says."""
    covered = Counter()
    seen = set()
    with pysam.AlignmentFile(bam) as file:
        for read in file.fetch(region.chrom, region.start - 1, region.end):
            if read.is_unmapped or read.is_secondary or read.is_qcfail or read.is_duplicate:
                continue
            if read.mapping_quality < least_quality:
                continue
            for base in (pair[1] for pair in read.get_aligned_pairs(matches_only=True)):
                if (read.query_name, base) not in seen:
                    seen.add((read.query_name, base))
                    covered[base] += 1
    return [covered[base] for base in range(region.start - 1, region.end)]


def test_regions_and_thresholds_are_what_counting_gives(measure, aligned):
    outcome = measure()
    counted = [depths(aligned.outputs["alignments"], region) for region in REGIONS]
    means = [(r[0], int(r[1]) + 1, int(r[2]), float(r[-1])) for r in rows(outcome.outputs["regions"])]
    assert [Region(*mean[:3]) for mean in means] == list(REGIONS)
    for found, known in zip(means, counted, strict=True):
        assert found[3] == pytest.approx(sum(known) / len(known), abs=0.005)
    for row, known in zip(rows(outcome.outputs["thresholds"]), counted, strict=True):
        assert [int(count) for count in row[4:]] == [sum(d >= least for d in known) for least in (1, 10, 20, 30)]


def test_metrics_are_of_all_regions_together(measure, aligned):
    metrics = measure().metrics
    counted = [depth for region in REGIONS for depth in depths(aligned.outputs["alignments"], region)]
    assert metrics["bases"] == len(counted) == 30_400
    assert metrics["mean_depth"] == pytest.approx(sum(counted) / len(counted), abs=0.02)
    assert metrics["share_at_20x"] == pytest.approx(sum(depth >= 20 for depth in counted) / len(counted), abs=1e-6)
    assert 20 < metrics["mean_depth"] < 30
    assert 1 >= metrics["share_at_1x"] >= metrics["share_at_10x"] >= metrics["share_at_30x"]


def test_the_summary_has_every_contig_and_its_regions(measure):
    lines = measure().outputs["summary"].read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        "chrom", "chrA", "chrA_region", "chrB", "chrB_region", "total", "total_region",
    ]  # fmt: skip


def test_reads_of_low_mapping_quality_count_where_they_are_wanted(measure, aligned):
    metrics = measure(parameters=CoverageParameters(minimum_mapping_quality=61)).metrics
    assert metrics["mean_depth"] == 0
    assert metrics["share_at_1x"] == 0


def test_coverage_of_cram_is_that_of_the_bam(measure, cram, reference):
    of_bam = measure()
    of_cram = measure(alignments=cram.outputs["alignments"], index=cram.outputs["index"], reference=reference)
    assert of_cram.metrics == of_bam.metrics
    for name, path in of_cram.outputs.items():
        assert path.read_bytes() == of_bam.outputs[name].read_bytes(), name


def test_alignments_that_are_cut_short_are_an_error(measure, aligned, tmp_path):
    short = tmp_path / "short.bam"
    whole = aligned.outputs["alignments"].read_bytes()
    short.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ToolError, match=r"^short.bam: it is truncated, the end-of-file block is missing; align"):
        measure(alignments=short)


def test_the_library_is_found_only_as_long_as_it_is_asked_for():
    with findable_htslib():
        assert tool_versions(["mosdepth"])["mosdepth"] == "0.3.3"
        environment = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
        assert "htslib-" in environment
    environment = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert "htslib-" not in environment
