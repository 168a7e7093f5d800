"""Measure with mosdepth how deep alignments cover a sample's regions."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

from batch_tools.tool_runtime.alignments import link_alignments
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.pipeline import run_pipeline
from batch_tools.tool_runtime.reference import linked
from batch_tools.tool_runtime.tool import Outcome
from genomics.contracts.parameters import CoverageParameters
from genomics.contracts.regions import Region

PROGRAMS = ("mosdepth",)
# The staged alignments; what is written is small.
SCRATCH_PER_INPUT_BYTE = 1.2

THRESHOLDS = (1, 10, 20, 30)
# mosdepth's own advice: more threads than this do not help it.
_MOST_THREADS = 4


def run(
    *,
    sample: str,
    alignments: Path,
    index: Path,
    regions: Sequence[Region],
    parameters: CoverageParameters,
    threads: int,
    directory: Path,
    reference: Path | None = None,
) -> Outcome:
    """Measure the depth of `alignments` (indexed BAM; CRAM with its `reference`) in `regions`, into `directory`.

    A base where mates overlap counts once; duplicates, secondary and failed records count nowhere. Outputs: `summary`
    (by contig, and by contig within the regions), `distribution` and `region_distribution` (share of bases by depth),
    `regions` (mean depth of each) and `thresholds` (its bases at 1, 10, 20 and 30 reads or more), the last two as BGZF
    BED. Metrics are of the regions: bases, mean depth in reads, and shares of bases between 0 and 1.
    ToolError if the alignments are damaged, or lack a region.
    """
    link = link_alignments(alignments, directory, index=index, regions=regions, reference=reference)
    bed = directory / "regions.bed"
    bed.write_text("".join(f"{region.chrom}\t{region.start - 1}\t{region.end}\n" for region in regions))
    command = [
        *("mosdepth", "--no-per-base", "--by", bed.name),
        *("--thresholds", ",".join(map(str, THRESHOLDS))),
        *("--mapq", str(parameters.minimum_mapping_quality)),
        *("--threads", str(max(1, min(threads, _MOST_THREADS)))),
        *(("--fasta", linked(reference, directory)) if reference else ()),
    ]
    run_pipeline([*command, sample, link], directory=directory)
    outputs = {
        "summary": directory / f"{sample}.mosdepth.summary.txt",
        "distribution": directory / f"{sample}.mosdepth.global.dist.txt",
        "region_distribution": directory / f"{sample}.mosdepth.region.dist.txt",
        "regions": directory / f"{sample}.regions.bed.gz",
        "thresholds": directory / f"{sample}.thresholds.bed.gz",
    }
    return Outcome(outputs=outputs, metrics=_metrics(outputs, regions))


def _metrics(outputs: dict[str, Path], regions: Sequence[Region]) -> dict[str, int | float]:
    bases = sum(region.length for region in regions)
    measured = list(_rows(outputs["regions"]))
    if sum(int(row[2]) - int(row[1]) for row in measured) != bases:
        raise ToolError(f"mosdepth measured {len(measured)} regions, {len(regions)} were asked for")
    depth = sum(float(row[-1]) * (int(row[2]) - int(row[1])) for row in measured) / bases
    counts = [[int(count) for count in row[4:]] for row in _rows(outputs["thresholds"])]
    covered = [sum(column) / bases for column in zip(*counts, strict=True)]
    shares = {f"share_at_{least}x": round(share, 6) for least, share in zip(THRESHOLDS, covered, strict=True)}
    return {"bases": bases, "mean_depth": round(depth, 2), **shares}


def _rows(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            if not line.startswith("#"):
                yield line.rstrip("\n").split("\t")
