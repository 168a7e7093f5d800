"""Gather a sample's calls, region by region, to one VCF: in order, left-aligned, filtered, indexed."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_tools.gather_variants.reference_blocks import write_gvcf
from batch_tools.tool_runtime.alleles import normalising
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from batch_tools.tool_runtime.reference import contig_lengths, linked
from batch_tools.tool_runtime.tool import Outcome
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.parameters import GatherVariantsParameters
from genomics.contracts.regions import Region, RegionError, parse_regions

PROGRAMS = ("bcftools",)
# The staged calls, what sorting spills, and the VCF.
SCRATCH_PER_INPUT_BYTE = 6

# What `bcftools stats` counts -> metric.
_COUNTS = {"number of records": "records", "number of SNPs": "snps", "number of indels": "indels"}


@dataclass(frozen=True)
class Shard:
    """The calls of one job's regions, in the reference's order: BCF and CSI, and for a gVCF the reference blocks."""

    regions: tuple[Region, ...]
    calls: Path
    index: Path
    blocks: Path | None = None


def run(
    *,
    sample: str,
    shards: Sequence[Shard],
    reference: Path,
    parameters: GatherVariantsParameters,
    threads: int,
    memory_mib: int,
    directory: Path,
) -> Outcome:
    """Join `shards`, given in any order, into `directory`.

    Outputs `vcf` (BGZF; every record of the shards, indels left-aligned, multi-allelic records as they are, FILTER
    PASS or what the record falls short of), its `index` (TBI) and `stats` (bcftools stats); where shards have blocks,
    `gvcf` (the VCF with the blocks between its records, not cut where regions were) and `gvcf_index`. A record that
    left-aligning has made the same as another is kept once. ToolError if regions overlap or are not on the reference.
    """
    ordered = _in_order(shards, reference)
    names = [_link(shard, directory / f"shard_{n:05}.bcf") for n, shard in enumerate(ordered)]
    (directory / "shards.txt").write_text("".join(f"{name}\n" for name in names))
    (directory / "source.txt").write_text(_source())
    vcf, stats = f"{sample}.vcf.gz", f"{sample}.stats.txt"
    plain = ["--no-version", "--output-type", "u"]
    low_quality = f"QUAL<{parameters.minimum_quality:g}"
    low_depth = f"FORMAT/DP<{parameters.minimum_depth}"
    run_pipeline(
        ["bcftools", "concat", *plain, "--file-list", "shards.txt"],
        *normalising(linked(reference, directory), takes_apart=False, memory_mib=memory_mib),
        ["bcftools", "filter", *plain, "--mode", "+", "--soft-filter", "LowQual", "--exclude", low_quality],
        ["bcftools", "filter", *plain, "--mode", "+", "--soft-filter", "LowDepth", "--exclude", low_depth],
        [
            *("bcftools", "annotate", "--no-version", "--header-lines", "source.txt"),
            *("--output-type", "z", "--threads", str(threads), "--output", vcf),
        ],
        directory=directory,
    )
    run_pipeline(["bcftools", "index", "--tbi", vcf], directory=directory)
    (directory / stats).write_text(capture(["bcftools", "stats", vcf], directory=directory))
    called = sum(int(capture(["bcftools", "index", "--nrecords", name], directory=directory)) for name in names)
    outputs = {"vcf": directory / vcf, "index": directory / f"{vcf}.tbi", "stats": directory / stats}
    blocks = [shard.blocks for shard in ordered if shard.blocks]
    if blocks:
        gvcf = write_gvcf(sample=sample, vcf=vcf, blocks=blocks, reference=reference, directory=directory)
        outputs |= {"gvcf": gvcf, "gvcf_index": gvcf.with_name(f"{gvcf.name}.tbi")}
    return Outcome(outputs=outputs, metrics=_metrics((directory / stats).read_text(), called))


def _in_order(shards: Sequence[Shard], reference: Path) -> list[Shard]:
    """Shards in the reference's order, which the VCF has to have."""
    contigs = contig_lengths(reference)
    try:
        parse_regions([str(region) for shard in shards for region in shard.regions], contigs)
    except RegionError as error:
        raise ToolError(str(error)) from error
    ranks = {name: rank for rank, name in enumerate(contigs)}
    ordered = sorted(shards, key=lambda shard: (ranks[shard.regions[0].chrom], shard.regions[0].start))
    for left, right in itertools.pairwise(region for shard in ordered for region in shard.regions):
        if left.chrom == right.chrom and right.start <= left.end:
            raise ToolError(f"regions {left} and {right} overlap: their records would be there twice")
    return ordered


def _link(shard: Shard, link: Path) -> str:
    link.symlink_to(shard.calls.absolute())
    link.with_name(f"{link.name}.csi").symlink_to(shard.index.absolute())
    return link.name


def _source() -> str:
    """A header line that says what made the VCF; bcftools' own lines would hold the date and places on scratch."""
    version = tool_versions(PROGRAMS)["bcftools"]
    return f"##source=bcftools {version} (concat, norm, filter)\n"


def _metrics(stats: str, called: int) -> dict[str, int]:
    metrics = {}
    for line in stats.splitlines():
        columns = line.split("\t")
        if columns[0] == "SN" and (name := _COUNTS.get(columns[2].rstrip(":"))):
            metrics[name] = int(columns[3])
    return {**metrics, "duplicates_removed": called - metrics["records"]}
