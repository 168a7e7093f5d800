"""Call variants in regions, so that those called apart give what the whole gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_tools.call_variants.ensemble import write_ensemble
from batch_tools.call_variants.haplotypes import write_alleles
from batch_tools.tool_runtime.alignments import link_alignments
from batch_tools.tool_runtime.alleles import normalising
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.pipeline import capture, run_pipeline
from batch_tools.tool_runtime.reference import contig_lengths, linked
from batch_tools.tool_runtime.tool import Outcome
from genomics.contracts.parameters import GVCF_DEPTHS, CallVariantsParameters
from genomics.contracts.regions import Region, RegionError, merge, parse_regions

PROGRAMS = ("bcftools", "freebayes")
# The staged alignments; calls are small beside it, freebayes' as text as well.
SCRATCH_PER_INPUT_BYTE = 1.4

# mpileup realigns a read once it has met a column that calls for it, and freebayes reads haplotypes over a window.
# What is outside the region they are given is not looked at, so calls at the edge would depend on where the cut is:
# they are given this many bases more on both sides.
_MARGIN_BASES = 1000

_PLAIN = ("--no-version", "--output-type", "u")


def run(
    *,
    sample: str,
    alignments: Path,
    index: Path,
    regions: Sequence[Region],
    reference: Path,
    parameters: CallVariantsParameters,
    directory: Path,
) -> Outcome:
    """Call the records of `alignments` (BAM or CRAM with its `index`) whose POS lies in `regions`, into `directory`.

    Outputs `calls` (BCF with FORMAT GT, PL, AD, DP and GQ) and its `index` (CSI), and with the parameter `gvcf`
    `blocks` (BCF: where the regions are as the reference has them, with END and MinDP). A record that begins before a
    region belongs to the region before. ToolError if a region is not on the reference, or the alignments are damaged,
    or of another sample or reference.
    """
    contigs = contig_lengths(reference)
    try:
        parse_regions([str(region) for region in regions], contigs)
    except RegionError as error:
        raise ToolError(str(error)) from error
    link = link_alignments(alignments, directory, index=index, regions=regions, reference=reference)
    around = merge(
        Region(each.chrom, max(1, each.start - _MARGIN_BASES), min(contigs[each.chrom], each.end + _MARGIN_BASES))
        for each in regions
    )
    calling = _Calling(link, around, linked(reference, directory), contigs, parameters, directory)
    called = {"bcftools": calling.bcftools, "freebayes": calling.freebayes, "ensemble": calling.ensemble}
    around_calls = called[parameters.caller]()
    own = ("--targets-file", _table(regions, directory / "regions.tsv"), "--targets-overlap", "0")
    view = ["bcftools", "view", "--no-version", *own, "--output-type", "b", "--output", "calls.bcf", around_calls]
    run_pipeline(view, directory=directory)
    run_pipeline(["bcftools", "index", "--csi", "calls.bcf"], directory=directory)
    if (samples := capture(["bcftools", "query", "--list-samples", "calls.bcf"], directory=directory).split()) != [
        sample
    ]:
        raise ToolError(f"{alignments.name} has reads of {', '.join(samples) or 'no sample'}, expected {sample}")
    records = int(capture(["bcftools", "index", "--nrecords", "calls.bcf"], directory=directory))
    outputs = {"calls": directory / "calls.bcf", "index": directory / "calls.bcf.csi"}
    if parameters.gvcf:
        outputs["blocks"] = directory / calling.reference_blocks("regions.tsv")
    return Outcome(
        outputs=outputs,
        metrics={"records": records, "bases": sum(region.length for region in regions)},
    )


@dataclass(frozen=True)
class _Calling:
    """Calling in `around`; each way of it gives the name of a file in `directory`."""

    alignments: str
    around: tuple[Region, ...]
    reference: str
    contigs: dict[str, int]
    parameters: CallVariantsParameters
    directory: Path

    def bcftools(self) -> str:
        """Pileup and multiallelic caller; records may have several alternate alleles."""
        call = [*self._call(), "--variants-only", "--annotate", "FORMAT/GQ", "--output", "pileup.bcf"]
        table = _table(self.around, self.directory / "around.tsv")
        run_pipeline(self._pileup(table), call, directory=self.directory)
        return "pileup.bcf"

    def reference_blocks(self, table: str) -> str:
        """Where the pileup over the regions of `table` shows nothing but the reference: freebayes has no say in it."""
        call = [*self._call(), "--gvcf", ",".join(map(str, GVCF_DEPTHS))]
        # What varies is told by the caller; ALT is missing of the rest.
        view = ["bcftools", "view", "--no-version", "--include", 'ALT="." && INDEL=0', "-Ob", "--output", "blocks.bcf"]
        run_pipeline(self._pileup(table), call, view, directory=self.directory)
        return "blocks.bcf"

    def _pileup(self, table: str) -> list[str]:
        depth = str(self.parameters.maximum_depth)
        return [
            *("bcftools", "mpileup", *_PLAIN, "--fasta-ref", self.reference, "--regions-file", table),
            *("--min-MQ", str(self.parameters.minimum_mapping_quality)),
            *("--min-BQ", str(self.parameters.minimum_base_quality)),
            # By itself mpileup gives up indels above a depth of 250.
            *("--max-depth", depth, "--max-idepth", depth),
            *("--annotate", "FORMAT/AD,FORMAT/DP", self.alignments),
        ]

    def _call(self) -> list[str]:
        return ["bcftools", "call", *_PLAIN, "--multiallelic-caller", "--ploidy", str(self.parameters.ploidy)]

    def freebayes(self) -> str:
        """Haplotypes, taken apart into SNPs and indels, one per record and left-aligned."""
        haplotypes = self.directory / "haplotypes.vcf"
        bed = self.directory / "around.bed"
        bed.write_text("".join(f"{each.chrom}\t{each.start - 1}\t{each.end}\n" for each in self.around))
        command = [
            *("freebayes", "--fasta-reference", self.reference, "--targets", bed.name, "--strict-vcf"),
            *("--min-mapping-quality", str(self.parameters.minimum_mapping_quality)),
            *("--min-base-quality", str(self.parameters.minimum_base_quality)),
            *("--limit-coverage", str(self.parameters.maximum_depth), "--ploidy", str(self.parameters.ploidy)),
            # SNPs that are near each other stay apart.
            *("--haplotype-length", "-1"),
            # The prior of freebayes 1.3.6 depends on the haplotype before, and so on where the region begins.
            "--no-population-priors",
            # They take hets of 20 to 25 % of the reads, which a trio shows to be real, down to nothing.
            *("--binomial-obs-priors-off", "--allele-balance-priors-off", self.alignments),
        ]
        run_pipeline(command, directory=self.directory, output=haplotypes)
        write_alleles(haplotypes, self.directory / "alleles.vcf", reference=self.reference, contigs=self.contigs)
        self._normalise("alleles.vcf", "alleles.norm.vcf")
        return "alleles.norm.vcf"

    def ensemble(self) -> str:
        """Both, allele by allele."""
        alleles = self.freebayes()
        self._normalise(self.bcftools(), "pileup.norm.vcf")
        write_ensemble(self.directory / "pileup.norm.vcf", self.directory / alleles, self.directory / "ensemble.vcf")
        return "ensemble.vcf"

    def _normalise(self, calls: str, vcf: str) -> None:
        """One alternate allele per record, left-aligned, sorted, each once."""
        run_pipeline(
            *normalising(self.reference, source=calls, output_type="v", output=vcf),
            directory=self.directory,
        )


def _table(regions: Sequence[Region], path: Path) -> str:
    """A regions file; on the command line a contig's name that holds a colon would be misread."""
    path.write_text("".join(f"{each.chrom}\t{each.start}\t{each.end}\n" for each in regions))
    return path.name
