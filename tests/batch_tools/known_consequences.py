"""A genome whose genes and variants are made so that every consequence is known, on both strands."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np

from genomics_cli.demo.genes import Gene, plant, write_gff3
from genomics_cli.demo.genome import Bases, make_genome, text, write_fasta

CONTIGS = {"chr1": 12_000, "chr2": 3_000, "chrM": 3_000}
# The same gene forwards and backwards: 60 bases before the CDS of 100 codons, 240 behind it, two introns.
GENES = (
    Gene("FWD", "chr1", "+", ((1001, 1200), (1501, 1600), (2001, 2300)), (1061, 2060)),
    Gene("REV", "chr1", "-", ((5001, 5300), (5701, 5800), (6101, 6300)), (5241, 6240)),
)
# Of the mitochondrion, whose code has TGA for tryptophan.
MITOCHONDRIAL = Gene("MIT", "chrM", "+", ((501, 1000),), (601, 900))
EXPECTED = {
    "start_lost": "start_lost",
    "synonymous": "synonymous_variant",
    "missense": "missense_variant",
    "stop_gained": "stop_gained",
    "stop_lost": "stop_lost",
    "frameshift": "frameshift_variant",
    "inframe_deletion": "inframe_deletion",
    "inframe_insertion": "inframe_insertion",
    "splice_donor": "splice_donor_variant",
    "splice_acceptor": "splice_acceptor_variant",
    "splice_region": "splice_region_variant",
    "intron": "intron_variant",
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
}
_BASES = "TCAG"
# The standard code, NCBI's table 1, in its order.
_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = dict(zip(("".join(codon) for codon in product(_BASES, repeat=3)), _ACIDS, strict=True))
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True)
class Variant:
    """A record of VCF; `name` is its ID: the consequence, and the gene it is in."""

    name: str
    chrom: str
    pos: int
    ref: str
    alt: str


@dataclass(frozen=True)
class Genome:
    """Contigs with the genes written in."""

    contigs: dict[str, Bases]
    genes: tuple[Gene, ...] = (*GENES, MITOCHONDRIAL)

    @cached_property
    def letters(self) -> dict[str, str]:
        return {name: text(sequence) for name, sequence in self.contigs.items()}

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write FASTA and GFF3."""
        fasta, genes = directory / "genome.fa", directory / "genes.gff3"
        write_fasta(fasta, self.contigs)
        write_gff3(genes, self.genes)
        return fasta, genes

    def variants(self) -> tuple[Variant, ...]:
        """Each of EXPECTED in each gene, and one in no gene's neighbourhood."""
        found = [variant for gene in GENES for variant in self._of_gene(gene)]
        return (*found, self.change("intergenic.none", "chr2", 1500), self._of_mitochondrion())

    def change(self, name: str, chrom: str, pos: int, alt: str = "") -> Variant:
        """One base for another."""
        ref = self.letters[chrom][pos - 1]
        return Variant(name, chrom, pos, ref, alt or next(base for base in "ACGT" if base != ref))

    def _of_gene(self, gene: Gene) -> Iterator[Variant]:
        at = gene.coding_positions()
        letters = self.letters[gene.chrom]
        cds = "".join(letters[pos - 1] for pos in at)
        forward = gene.strand == "+"
        if not forward:
            cds = cds.translate(_COMPLEMENT)

        def coding(kind: str, index: int, base: str) -> Variant:
            alt = base if forward else base.translate(_COMPLEMENT)
            return self.change(f"{kind}.{gene.name}", gene.chrom, int(at[index]), alt)

        def place(pos: int) -> int:
            """A position of FWD, on this gene."""
            return pos if forward else gene.exons[-1][1] - (pos - GENES[0].exons[0][0])

        yield coding("start_lost", 0, "C")
        for kind, first in (("synonymous", 5), ("missense", 8), ("stop_gained", 12)):
            yield coding(kind, *_change_of_codon(cds, kind, first))
        # Of TAA: the first base.
        yield coding("stop_lost", 297, "C")
        yield self._deletion(f"frameshift.{gene.name}", gene.chrom, sorted(int(p) for p in at[60:61]))
        yield self._deletion(f"inframe_deletion.{gene.name}", gene.chrom, sorted(int(p) for p in at[66:69]))
        left = min(int(at[74]), int(at[75]))
        base = letters[left - 1]
        inserted = "GCA" if forward else "TGC"
        yield Variant(f"inframe_insertion.{gene.name}", gene.chrom, left, base, base + inserted)
        for kind, pos in (
            ("splice_donor", 1201),
            ("splice_acceptor", 1500),
            ("splice_region", 1205),
            ("intron", 1350),
            ("5_prime_utr", 1030),
            ("3_prime_utr", 2200),
        ):
            yield self.change(f"{kind}.{gene.name}", gene.chrom, place(pos))

    def _of_mitochondrion(self) -> Variant:
        """A codon that becomes TGA."""
        first, last = MITOCHONDRIAL.cds
        for start in range(first + 3, last - 5, 3):
            codon = self.letters["chrM"][start - 1 : start + 2]
            if codon[:2] == "TG":
                return self.change("tryptophan.MIT", "chrM", start + 2, "A")
        raise AssertionError("no codon of TG")

    def _deletion(self, name: str, chrom: str, deleted: list[int]) -> Variant:
        start = deleted[0] - 1
        return Variant(name, chrom, start, self.letters[chrom][start - 1 : deleted[-1]], self.letters[chrom][start - 1])


def make() -> Genome:
    """The genome, the same each time."""
    rng = np.random.default_rng(7)
    contigs = make_genome(rng, CONTIGS)
    for gene in (*GENES, MITOCHONDRIAL):
        plant(rng, contigs[gene.chrom], gene)
    return Genome(contigs)


def write_vcf(path: Path, variants: tuple[Variant, ...], sample: str) -> None:
    """Write heterozygous calls, unsorted as they may be."""
    header = [
        "##fileformat=VCFv4.2",
        *(f"##contig=<ID={name},length={length}>" for name, length in CONTIGS.items()),
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">',
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}",
    ]
    lines = []
    for v in sorted(variants, key=lambda each: (each.chrom, each.pos)):
        several = "," in v.alt
        sample_columns = "1/2:1,10,12" if several else "0/1:11,12"
        lines.append(f"{v.chrom}\t{v.pos}\t{v.name}\t{v.ref}\t{v.alt}\t50\tPASS\t.\tGT:AD\t{sample_columns}")
    path.write_text("\n".join([*header, *lines]) + "\n")


def _change_of_codon(cds: str, kind: str, first: int) -> tuple[int, str]:
    """Index and new base of the first change of a codon, from codon `first` on, that is of this kind."""
    for number in range(first, len(cds) // 3):
        codon = cds[3 * number : 3 * number + 3]
        for place, base in product(range(3), _BASES):
            changed = codon[:place] + base + codon[place + 1 :]
            before, after = CODE[codon], CODE[changed]
            found = {"synonymous": before == after, "missense": "*" != after != before, "stop_gained": after == "*"}
            if changed != codon and found[kind]:
                return 3 * number + place, base
    raise AssertionError(f"no {kind} possible")
