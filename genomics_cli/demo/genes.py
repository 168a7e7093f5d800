"""Genes of a made genome: exons, and a sequence that they can be translated from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomics_cli.demo.genome import BASES, Bases, codes

_STOPS = ("TAA", "TAG", "TGA")
_CODONS = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
# Each but those that end a protein, and the one that would begin it anew.
_SENSE = [codon for codon in _CODONS if codon not in (*_STOPS, "ATG")]
_MARGIN = 1500
_EXONS = (1, 6)
_EXON_BASES = (180, 700)
_INTRON_BASES = (200, 1200)
_BETWEEN_BASES = (1500, 5000)
_UNTRANSLATED_BASES = (30, 90)


@dataclass(frozen=True)
class Gene:
    """One transcript. `exons` are (start, end) from left to right, `cds` its first and last base: 1-based and closed.

    The bases of exons within `cds` are a multiple of 3.
    """

    name: str
    chrom: str
    strand: str
    exons: tuple[tuple[int, int], ...]
    cds: tuple[int, int]

    @property
    def coding(self) -> list[tuple[int, int]]:
        """What of the exons is translated, from left to right."""
        first, last = self.cds
        parts = [(max(start, first), min(end, last)) for start, end in self.exons]
        return [(start, end) for start, end in parts if start <= end]

    def coding_positions(self) -> NDArray[np.int64]:
        """Every translated base's position, as it is transcribed."""
        positions = np.concatenate([np.arange(start, end + 1) for start, end in self.coding])
        return positions if self.strand == "+" else positions[::-1]


def place_genes(rng: np.random.Generator, genome: Mapping[str, Bases]) -> tuple[Gene, ...]:
    """Genes of one to six exons along every contig, on either strand."""
    genes: list[Gene] = []
    for chrom, sequence in genome.items():
        at = _MARGIN
        while (gene := _gene(rng, f"{chrom}_gene{len(genes) + 1}", chrom, at)).exons[-1][1] < len(sequence) - _MARGIN:
            genes.append(gene)
            at = gene.exons[-1][1] + int(rng.integers(*_BETWEEN_BASES))
    return tuple(genes)


def plant(rng: np.random.Generator, sequence: Bases, gene: Gene) -> None:
    """Write into its contig's `sequence` what a gene needs: a start, sense codons, a stop, and GT and AG in introns."""
    positions = gene.coding_positions()
    sense = rng.choice(_SENSE, len(positions) // 3 - 2)
    _write(sequence, positions, "".join(["ATG", *sense, "TAA"]), gene.strand)
    introns = [(left[1] + 1, right[0] - 1) for left, right in zip(gene.exons, gene.exons[1:], strict=False)]
    for start, end in introns:
        donor, acceptor = np.array([start, start + 1]), np.array([end - 1, end])
        if gene.strand == "-":
            donor, acceptor = acceptor[::-1], donor[::-1]
        _write(sequence, donor, "GT", gene.strand)
        _write(sequence, acceptor, "AG", gene.strand)


def write_gff3(path: Path, genes: Sequence[Gene]) -> None:
    """Write the genes as GFF3, as Ensembl does."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("##gff-version 3\n")
        for gene in genes:
            file.writelines(f"{line}\n" for line in _gff3_lines(gene))


def _gff3_lines(gene: Gene) -> Iterator[str]:
    def line(kind: str, interval: tuple[int, int], attributes: str, phase: int | str = ".") -> str:
        start, end = interval
        return f"{gene.chrom}\t.\t{kind}\t{start}\t{end}\t.\t{gene.strand}\t{phase}\t{attributes}"

    whole = (gene.exons[0][0], gene.exons[-1][1])
    parent = f"Parent=transcript:{gene.name}.1"
    yield line("gene", whole, f"ID=gene:{gene.name};Name={gene.name};biotype=protein_coding")
    yield line("mRNA", whole, f"ID=transcript:{gene.name}.1;Parent=gene:{gene.name};biotype=protein_coding")
    yield from (line("exon", exon, parent) for exon in gene.exons)
    yield from (line("CDS", part, parent, phase) for part, phase in _phases(gene).items())


def _gene(rng: np.random.Generator, name: str, chrom: str, at: int) -> Gene:
    exons = []
    for _ in range(int(rng.integers(*_EXONS, endpoint=True))):
        end = at + int(rng.integers(*_EXON_BASES))
        exons.append((at, end))
        at = end + int(rng.integers(*_INTRON_BASES))
    first = exons[0][0] + int(rng.integers(*_UNTRANSLATED_BASES))
    last = exons[-1][1] - int(rng.integers(*_UNTRANSLATED_BASES))
    strand = "+" if rng.random() < 0.5 else "-"
    gene = Gene(name, chrom, strand, tuple(exons), (first, last))
    surplus = len(gene.coding_positions()) % 3
    return Gene(name, chrom, strand, tuple(exons), (first, last - surplus))


def _write(sequence: Bases, positions: NDArray[np.int64], letters: str, strand: str) -> None:
    """Write letters as they are read on `strand`, to 1-based positions."""
    found = codes(letters)
    # A, C, G, T are 0 to 3, so that the complement is what is left to 3.
    sequence[positions - 1] = found if strand == "+" else len(BASES) - 1 - found


def _phases(gene: Gene) -> dict[tuple[int, int], int]:
    """Bases of each part that end a codon of the part before."""
    phases, phase = {}, 0
    for start, end in gene.coding if gene.strand == "+" else reversed(gene.coding):
        phases[start, end] = phase
        phase = (phase - (end - start + 1)) % 3
    return phases
