"""Call variants in one region with bcftools, so that regions called apart give what the whole gives."""

from pathlib import Path

from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from batch_tools.tool_runtime.reference import contig_lengths, linked
from batch_tools.tool_runtime.tool import Outcome
from genomics.contracts.parameters import CallVariantsParameters
from genomics.contracts.regions import Region, RegionError, parse_regions

PROGRAMS = ("bcftools",)
# The staged BAM; calls are small beside it.
SCRATCH_PER_INPUT_BYTE = 1.2

# mpileup realigns a read once it has met a column that calls for it. Columns outside the region it is given are not
# looked at, so calls at the edge would depend on where the cut is: it is given this many bases more on both sides.
_MARGIN_BASES = 1000


def run(
    *,
    sample: str,
    alignments: Path,
    index: Path,
    region: Region,
    reference: Path,
    parameters: CallVariantsParameters,
    directory: Path,
) -> Outcome:
    """Call the records of `alignments` (BAM, `index` its BAI) whose POS lies in `region`, into `directory`.

    Outputs `calls` (BCF with FORMAT AD, DP and GQ) and its `index` (CSI). A record that begins before the region
    belongs to the region before. ToolError if the region is not on the reference, or the BAM is of another sample.
    """
    contigs = contig_lengths(reference)
    try:
        parse_regions([str(region)], contigs)
    except RegionError as error:
        raise ToolError(str(error)) from error
    (directory / "alignments.bam").symlink_to(alignments.absolute())
    (directory / "alignments.bam.bai").symlink_to(index.absolute())
    around = Region(
        region.chrom,
        max(1, region.start - _MARGIN_BASES),
        min(contigs[region.chrom], region.end + _MARGIN_BASES),
    )
    depth = str(parameters.maximum_depth)
    pileup = [
        *("bcftools", "mpileup", "--no-version", "--output-type", "u"),
        *("--fasta-ref", linked(reference, directory), "--regions-file", _table(around, directory / "around.tsv")),
        *("--min-MQ", str(parameters.minimum_mapping_quality), "--min-BQ", str(parameters.minimum_base_quality)),
        # By itself mpileup gives up indels above a depth of 250.
        *("--max-depth", depth, "--max-idepth", depth),
        *("--annotate", "FORMAT/AD,FORMAT/DP", "alignments.bam"),
    ]
    call = [
        *("bcftools", "call", "--no-version", "--output-type", "u"),
        *("--multiallelic-caller", "--variants-only", "--ploidy", str(parameters.ploidy), "--annotate", "FORMAT/GQ"),
    ]
    own = [
        *("bcftools", "view", "--no-version", "--output-type", "b", "--output", "calls.bcf"),
        *("--targets-file", _table(region, directory / "region.tsv"), "--targets-overlap", "0"),
    ]
    run_pipeline(pileup, call, own, directory=directory)
    run_pipeline(["bcftools", "index", "--csi", "calls.bcf"], directory=directory)
    if (samples := capture(["bcftools", "query", "--list-samples", "calls.bcf"], directory=directory).split()) != [
        sample
    ]:
        raise ToolError(f"{alignments.name} has reads of {', '.join(samples) or 'no sample'}, expected {sample}")
    records = int(capture(["bcftools", "index", "--nrecords", "calls.bcf"], directory=directory))
    return Outcome(
        outputs={"calls": directory / "calls.bcf", "index": directory / "calls.bcf.csi"},
        metrics={"records": records, "bases": region.length},
    )


def _table(region: Region, path: Path) -> str:
    """A regions file; on the command line a contig's name that holds a colon would be misread."""
    path.write_text(f"{region.chrom}\t{region.start}\t{region.end}\n")
    return path.name
