"""Writes the demonstration's input: reference, genes, FASTQ of two samples, sample sheet, truth VCFs."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from genomics.contracts.samples import COLUMNS
from genomics_cli.demo.genes import place_genes, plant, write_gff3
from genomics_cli.demo.genome import Bases, make_genome, write_fasta
from genomics_cli.demo.reads import Reads, fastq, sequence_pairs
from genomics_cli.demo.variants import Carried, haplotype, place_variants, share_out

SEED = 20_251
CONTIGS = {"chrA": 320_000, "chrB": 280_000}
# Samples and the lanes they were sequenced on: one has two, so that lanes are joined too.
LANES = {"DEMO-1": ("L001", "L002"), "DEMO-2": ("L001",)}
DEPTH = 30.0
# Each sample carries two thirds of the sites, so about one in a thousand bases.
SITES_PER_BASE = 1.6e-3
INDEL_FRACTION = 0.15


@dataclass(frozen=True)
class SequencingRun:
    """What was written. `genes` is GFF3; `truths` maps a sample to its truth VCF."""

    sheet: Path
    reference: Path
    genes: Path
    truths: dict[str, Path]


def make_sequencing_run(directory: Path, *, seed: int = SEED, contigs: Mapping[str, int] = CONTIGS) -> SequencingRun:
    """Write the whole input below `directory`, with contigs of the given lengths: the same bytes for the same seed."""
    rng = np.random.default_rng(seed)
    for folder in ("reads", "truth"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    genome = make_genome(rng, contigs)
    # Of its own, so that where variants lie does not depend on genes.
    gene_rng = np.random.default_rng([seed, 1])
    placed = place_genes(gene_rng, genome)
    for gene in placed:
        plant(gene_rng, genome[gene.chrom], gene)
    genes = directory / "genes.gff3"
    write_gff3(genes, placed)
    reference = directory / "reference.fa"
    write_fasta(reference, genome)
    variants = place_variants(rng, genome, per_base=SITES_PER_BASE, indel_fraction=INDEL_FRACTION)
    carried = share_out(rng, variants, tuple(LANES))
    rows = []
    truths = {}
    for number, (sample, lanes) in enumerate(LANES.items(), 1):
        truths[sample] = write_truth(directory / "truth" / f"{sample}.vcf.gz", sample, carried[sample], contigs)
        mates = sequence_pairs(rng, haplotypes(genome, carried[sample]), depth=DEPTH)
        for lane, files in _write_lanes(directory / "reads", sample, lanes, mates):
            rows.append((f"P{number}", sample, lane, *(str(file.relative_to(directory)) for file in files)))
    sheet = directory / "samples.csv"
    sheet.write_text("".join(",".join(row) + "\n" for row in (COLUMNS, *rows)), encoding="utf-8")
    return SequencingRun(sheet, reference, genes, truths)


def haplotypes(genome: dict[str, Bases], carried: Sequence[Carried]) -> list[Bases]:
    """Both haplotypes of every contig, with what a sample carries put in."""
    return [
        haplotype(sequence, [item for item in carried if item.variant.chrom == chrom], which)
        for chrom, sequence in genome.items()
        for which in (0, 1)
    ]


def _write_lanes(
    directory: Path, sample: str, lanes: Sequence[str], mates: tuple[Reads, Reads]
) -> list[tuple[str, list[Path]]]:
    """Deal the pairs to the lanes; returns each lane with its two files."""
    written = []
    for number, lane in enumerate(lanes, 1):
        files = []
        for mate, reads in enumerate(mates, 1):
            file = directory / f"{sample}_{lane}_R{mate}_001.fastq.gz"
            of_lane = reads.take(slice(number - 1, None, len(lanes)))
            # No name and no time in the header: the same reads are the same bytes.
            file.write_bytes(gzip.compress(fastq(of_lane, mate=mate, lane=number), compresslevel=4, mtime=0))
            files.append(file)
        written.append((lane, files))
    return written


def write_truth(path: Path, sample: str, carried: Sequence[Carried], contigs: Mapping[str, int]) -> Path:
    """The sample's variants as a BGZF VCF with its index beside it."""
    header = [
        "##fileformat=VCFv4.3",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        *(f"##contig=<ID={name},length={length}>" for name, length in contigs.items()),
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}",
    ]
    records = [
        f"{v.chrom}\t{v.pos}\t.\t{v.ref}\t{v.alt}\t.\tPASS\t.\tGT\t{item.genotype}"
        for item in carried
        for v in (item.variant,)
    ]
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write("".join(f"{line}\n" for line in (*header, *records)).encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return path
