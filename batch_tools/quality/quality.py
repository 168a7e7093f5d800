"""Gather what a sample's tools have counted into one MultiQC report, with samtools' statistics of the alignments."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_tools.tool_runtime.alignments import link_alignments
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from batch_tools.tool_runtime.reference import linked
from batch_tools.tool_runtime.tool import Outcome
from batch_tools.tool_runtime.versions import installed

PROGRAMS = ("samtools", "multiqc")
# The staged alignments; what is written is small.
SCRATCH_PER_INPUT_BYTE = 1.2

# As MultiQC names its modules on the command line, and in its data.
_MODULES = {"fastp": "fastp", "samtools": "Samtools", "mosdepth": "mosdepth", "bcftools": "Bcftools"}
_CONFIG = """\
# One row for a lane or a sample, by the names of the files that it is given.
use_filename_as_sample_name: true
extra_fn_clean_exts: [".samtools_stats", ".bcftools_stats", ".fastp"]
no_version_check: true
"""
# What `samtools stats` and `bcftools stats` count, and the metrics that they become.
_ALIGNMENT_METRICS = {"error rate": "error_rate", "insert size average": "insert_size_mean"}
_TRANSITIONS = re.compile(r"^TSTV\t0\t\d+\t\d+\t([\d.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Findings:
    """What other tools have written: fastp's report by lane, mosdepth's summary and distribution, bcftools' stats."""

    fastp: Mapping[str, Path]
    coverage_summary: Path
    coverage_distribution: Path
    variant_stats: Path


def run(
    *,
    sample: str,
    findings: Findings,
    alignments: Path,
    threads: int,
    directory: Path,
    reference: Path | None = None,
) -> Outcome:
    """Report on `sample` from `findings` and its `alignments` (BAM; CRAM with its `reference`), into `directory`.

    Outputs `report` (MultiQC's page, which needs nothing beside it), `data` (the same figures as JSON) and
    `alignment_stats` (samtools stats). Metrics: mismatches per aligned base, mean insert size in bases, transitions per
    transversion. ToolError if the alignments are damaged, or MultiQC leaves out one of the
    tools.
    """
    link = link_alignments(alignments, directory, reference=reference)
    given = directory / "given"
    given.mkdir()
    stats = given / f"{sample}.samtools_stats.txt"
    decoding = ("--reference", linked(reference, directory)) if reference else ()
    command = ["samtools", "stats", "--threads", str(threads), *decoding, link]
    stats.write_text(capture(command, directory=directory))
    for name, path in _named(sample, findings).items():
        (given / name).symlink_to(path.absolute())
    data = _report(given.name, directory)
    outputs = {
        "report": directory / f"{sample}.multiqc.html",
        "data": directory / f"{sample}.multiqc_data.json",
        "alignment_stats": stats,
    }
    (directory / "multiqc.html").rename(outputs["report"])
    data.rename(outputs["data"])
    return Outcome(outputs=outputs, metrics=_metrics(stats.read_text(), findings.variant_stats.read_text()))


def _named(sample: str, findings: Findings) -> dict[str, Path]:
    """By names that MultiQC knows the tools by, and the sample or lane from."""
    lanes = {f"{sample}_{lane}.fastp.json": path for lane, path in findings.fastp.items()}
    return {
        **lanes,
        f"{sample}.mosdepth.summary.txt": findings.coverage_summary,
        f"{sample}.mosdepth.region.dist.txt": findings.coverage_distribution,
        f"{sample}.bcftools_stats.txt": findings.variant_stats,
    }


def _report(given: str, directory: Path) -> Path:
    (directory / "config.yaml").write_text(_CONFIG)
    modules: Sequence[str] = [word for module in _MODULES for word in ("--module", module)]
    command = [installed("multiqc"), "--no-ansi", "--config", "config.yaml", *modules, "--filename", "multiqc.html"]
    run_pipeline([*command, given], directory=directory)
    data = directory / "multiqc_data" / "multiqc_data.json"
    if not data.is_file():
        raise ToolError("MultiQC has found nothing to report")
    reported = json.loads(data.read_text())["report_data_sources"]
    if missing := [module for module, name in _MODULES.items() if name not in reported]:
        raise ToolError(f"MultiQC has left out what {' and '.join(missing)} counted")
    return data


def _metrics(alignment_stats: str, variant_stats: str) -> dict[str, float]:
    metrics = {}
    for line in alignment_stats.splitlines():
        columns = line.split("\t")
        if columns[0] == "SN" and (name := _ALIGNMENT_METRICS.get(columns[1].rstrip(":"))):
            metrics[name] = round(float(columns[2]), 6)
    if ratio := _TRANSITIONS.search(variant_stats):
        metrics["transitions_per_transversion"] = float(ratio[1])
    return metrics
