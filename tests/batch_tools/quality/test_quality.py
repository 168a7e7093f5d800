import json
import re

import pytest

from batch_tools.coverage import coverage
from batch_tools.coverage.htslib import findable_htslib
from batch_tools.quality import quality
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.parameters import CoverageParameters


@pytest.fixture(scope="module")
def findings(trimmed, aligned, gather, whole, tmp_path_factory):
    """What the other tools make of the simulated sample."""
    with findable_htslib():
        covered = coverage.run(
            sample="sim1",
            alignments=aligned.outputs["alignments"],
            index=aligned.outputs["index"],
            regions=whole,
            parameters=CoverageParameters(),
            threads=1,
            directory=tmp_path_factory.mktemp("coverage"),
        )
    return quality.Findings(
        fastp={"L1": trimmed.outputs["report"], "L2": trimmed.outputs["report"]},
        coverage_summary=covered.outputs["summary"],
        coverage_distribution=covered.outputs["region_distribution"],
        variant_stats=gather(whole).outputs["stats"],
    )


@pytest.fixture(scope="module")
def reported(findings, aligned, tmp_path_factory):
    return quality.run(
        sample="sim1",
        findings=findings,
        alignments=aligned.outputs["alignments"],
        threads=1,
        directory=tmp_path_factory.mktemp("quality"),
    )


def test_every_tool_is_in_the_report_with_its_samples_and_lanes(reported):
    sources = json.loads(reported.outputs["data"].read_text())["report_data_sources"]
    named = {tool: {name for names in sections.values() for name in names} for tool, sections in sources.items()}
    assert named == {
        "fastp": {"sim1_L1", "sim1_L2"},
        "Samtools": {"sim1"},
        "mosdepth": {"sim1"},
        "Bcftools": {"sim1"},
    }


def test_the_figures_are_those_of_the_tools(reported, trimmed, aligned, gather, whole):
    rows = {}
    for module in json.loads(reported.outputs["data"].read_text())["report_general_stats_data"]:
        for sample, figures in module.items():
            rows.setdefault(sample, {}).update(figures)
    assert rows["sim1"]["raw_total_sequences"] == aligned.metrics["primary_records"]
    assert rows["sim1"]["number_of_records"] == gather(whole).metrics["records"]
    assert rows["sim1_L1"]["after_filtering_q30_rate"] == trimmed.metrics["q30_rate_out"]


def test_the_page_needs_nothing_beside_it(reported):
    page = reported.outputs["report"].read_text()
    assert "sim1_L2" in page
    assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["'](?!data:)""", page)


def test_metrics_are_of_the_simulated_reads(reported):
    # 0.2 % errors and a variant every 250 bases; fragments of 300 bases
    assert 0.002 < reported.metrics["error_rate"] < 0.012
    assert reported.metrics["insert_size_mean"] == pytest.approx(300, abs=5)
    assert 0 < reported.metrics["transitions_per_transversion"] < 2


def test_statistics_of_cram_are_those_of_the_bam(reported, findings, cram, reference, tmp_path):
    outcome = quality.run(
        sample="sim1",
        findings=findings,
        alignments=cram.outputs["alignments"],
        threads=1,
        directory=tmp_path,
        reference=reference,
    )

    def counted(stats):
        return [line for line in stats.read_text().splitlines() if not line.startswith("# The command line was")]

    assert counted(outcome.outputs["alignment_stats"]) == counted(reported.outputs["alignment_stats"])
    assert outcome.metrics == reported.metrics


def test_a_tool_that_is_left_out_is_named(findings, aligned, tmp_path):
    empty = tmp_path / "stats.txt"
    empty.write_text("nothing of bcftools\n")
    without = quality.Findings(findings.fastp, findings.coverage_summary, findings.coverage_distribution, empty)
    with pytest.raises(ToolError, match="MultiQC has left out what bcftools counted"):
        quality.run(
            sample="sim1",
            findings=without,
            alignments=aligned.outputs["alignments"],
            threads=1,
            directory=tmp_path,
        )


def test_alignments_that_cannot_be_read_are_an_error(findings, tmp_path):
    broken = tmp_path / "broken.bam"
    broken.write_bytes(b"no alignments")
    with pytest.raises(ToolError, match=r"^broken.bam: it is neither BAM nor CRAM; align the sample again$"):
        quality.run(sample="sim1", findings=findings, alignments=broken, threads=1, directory=tmp_path)


def test_the_versions_of_both_programs_are_known():
    versions = tool_versions(quality.PROGRAMS)
    assert versions["multiqc"] == "1.19"
    assert versions["samtools"].startswith("1.16")
