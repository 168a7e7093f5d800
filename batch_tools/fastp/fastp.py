"""Trim one lane's reads with fastp, after checking both mates for what fastp itself lets pass."""

import json
from pathlib import Path
from typing import Any

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.fastq import check_pairs, count_records, is_gzip
from batch_tools.tool_runtime.pipeline import Pipeline
from batch_tools.tool_runtime.tool import Outcome
from genomics.contracts.parameters import FastpParameters

PROGRAMS = ("fastp",)
# Staged reads, trimmed reads of about the same size, and some room where the input was compressed harder.
SCRATCH_PER_INPUT_BYTE = 2.5

# fastp has no use for more.
_MOST_THREADS = 16


def run(*, reads_1: Path, reads_2: Path, parameters: FastpParameters, threads: int, directory: Path) -> Outcome:
    """Trim the mates `reads_1` and `reads_2` (FASTQ, plain or gzip) into `directory`.

    Outputs `reads_1`, `reads_2` (gzip) and `report` (fastp's JSON). Metrics count single reads and bases. FastqError
    (a ToolError) names file and line of a faulty input; ToolError if no pair passes the filters. The trimmed reads are
    the same for any number of threads.
    """
    inputs = [_named_by_content(path, directory / f"in_R{mate}") for mate, path in ((1, reads_1), (2, reads_2))]
    outputs = [directory / f"reads_R{mate}.fastq.gz" for mate in (1, 2)]
    report = directory / "fastp.json"
    command = [
        "fastp",
        *("--in1", inputs[0], "--in2", inputs[1]),
        *("--out1", outputs[0].name, "--out2", outputs[1].name),
        *("--json", report.name, "--html", "/dev/null"),
        *("--length_required", str(parameters.minimum_length)),
        *("--qualified_quality_phred", str(parameters.minimum_base_quality)),
        # It costs a gigabyte, whatever the input; markdup counts duplicates better, by their place.
        "--dont_eval_duplication",
        *("--thread", str(max(1, min(threads, _MOST_THREADS)))),
    ]
    with Pipeline(command, directory=directory) as pipeline:
        # fastp stops in silence at a truncated or faulty record, so the check decides, while fastp is at work.
        pairs = check_pairs(reads_1, reads_2)
        pipeline.wait()
    summary = _summary(report, (reads_1.name, reads_2.name))
    before, after = summary["before_filtering"], summary["after_filtering"]
    if not after["total_reads"]:
        raise ToolError(
            f"{reads_1.name}: none of the {pairs} read pairs passed the filters; give reads of"
            f" {parameters.minimum_length} bases or more, or lower fastp.minimum_length"
        )
    _check_counts(pairs, before, after, outputs)
    return Outcome(
        outputs={"reads_1": outputs[0], "reads_2": outputs[1], "report": report},
        metrics={
            "reads_in": 2 * pairs,
            "reads_out": after["total_reads"],
            "bases_in": before["total_bases"],
            "bases_out": after["total_bases"],
            "q30_rate_in": before["q30_rate"],
            "q30_rate_out": after["q30_rate"],
        },
    )


def _named_by_content(path: Path, stem: Path) -> str:
    """A link to `path`, relative to its own directory: fastp takes a file for gzip by its name alone."""
    link = stem.with_name(stem.name + (".fastq.gz" if is_gzip(path) else ".fastq"))
    link.symlink_to(path.absolute())
    return link.name


def _summary(report: Path, names: tuple[str, str]) -> dict[str, Any]:
    """The report's summary. The command line in it is replaced: the number of threads is no part of a result."""
    document = json.loads(report.read_text())
    document["command"] = f"fastp --in1 {names[0]} --in2 {names[1]}"
    report.write_text(json.dumps(document, indent=1) + "\n")
    summary: dict[str, Any] = document["summary"]
    return summary


def _check_counts(pairs: int, before: dict[str, int], after: dict[str, int], outputs: list[Path]) -> None:
    if before["total_reads"] != 2 * pairs:
        raise ToolError(f"fastp read {before['total_reads']} reads, the input has {2 * pairs}")
    written = count_records(*outputs)
    if any(2 * count != after["total_reads"] for count in written):
        raise ToolError(
            f"fastp wrote {written[0]} and {written[1]} reads, its report says {after['total_reads']} in all"
        )
