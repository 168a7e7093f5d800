"""Two callers' alleles of one sample, weighed against each other: one record for each, and who supports it.

An allele that both callers find passes. One that a single caller finds passes if its evidence is strong by itself;
otherwise it is kept with FILTER SingleCaller. Where each reads the same bases in its own way, bcftools' reading stands.
freebayes' genotype stands for a SNP, because mpileup's base alignment qualities hide bases beside indels; bcftools' for
an indel, because freebayes counts reads that end within a repeat as reads without the indel.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BCFTOOLS, FREEBAYES = "bcftools", "freebayes"
# What one caller's word alone has to have: Phred-scaled quality, reads with the allele, and their share of the reads.
_MINIMUM_QUALITY = 20.0
_MINIMUM_READS = 3
_MINIMUM_SHARE = 0.3

_FIELDS = (
    '##INFO=<ID=CALLERS,Number=.,Type=String,Description="Callers that found the allele">\n'
    '##FILTER=<ID=SingleCaller,Description="One caller found the allele, and it has'
    f" QUAL below {_MINIMUM_QUALITY:g}, fewer than {_MINIMUM_READS} reads or {_MINIMUM_SHARE:g} of the reads,"
    ' reads of one strand only, or an indel over it that bcftools alone found">\n'
)


@dataclass(frozen=True)
class Allele:
    """A record of one sample with one alternate allele; `columns` are those of VCF."""

    columns: tuple[str, ...]

    @property
    def place(self) -> tuple[int, str, str]:
        """POS, REF and ALT, which all its records share."""
        return int(self.columns[1]), self.columns[3], self.columns[4]

    @property
    def is_snp(self) -> bool:
        """Whether bases are exchanged only."""
        return len(self.columns[3]) == len(self.columns[4])

    @property
    def is_strong(self) -> bool:
        """Whether the caller's word is enough by itself."""
        info = dict(field.partition("=")[::2] for field in self.columns[7].split(";"))
        _, _, forward, reverse = (int(count) for count in info["DP4"].split(","))
        sample = dict(zip(self.columns[8].split(":"), self.columns[9].split(":"), strict=True))
        without, with_it = (int(count) for count in sample["AD"].split(","))
        return (
            float(self.columns[5]) >= _MINIMUM_QUALITY
            and with_it >= _MINIMUM_READS
            and with_it >= _MINIMUM_SHARE * (without + with_it)
            and min(forward, reverse) > 0
        )

    def supported_by(self, *callers: str, passes: bool) -> "Allele":
        """With the callers in INFO, and FILTER."""
        columns = list(self.columns)
        columns[6] = "PASS" if passes else "SingleCaller"
        columns[7] = f"{columns[7]};CALLERS={','.join(callers)}"
        return dataclasses.replace(self, columns=tuple(columns))

    def with_genotype_of(self, other: "Allele") -> "Allele":
        """With the other caller's FORMAT."""
        return dataclasses.replace(self, columns=(*self.columns[:8], *other.columns[8:]))


def write_ensemble(bcftools: Path, freebayes: Path, vcf: Path) -> None:
    """Merge two VCFs of the same sample, sorted, left-aligned, one alternate allele per record, to `vcf`."""
    contigs = []
    with vcf.open("w") as target, bcftools.open() as stream:
        for line in stream:
            if line.startswith("##"):
                target.write(line)
                if line.startswith("##contig=<ID="):
                    contigs.append(line.removeprefix("##contig=<ID=").split(",")[0].rstrip(">\n"))
            elif line.startswith("#"):
                target.write(_FIELDS + line)
        ours, theirs = _read(bcftools), _read(freebayes)
        for contig in dict.fromkeys([*contigs, *ours, *theirs]):
            merged = weighed(ours.get(contig, ()), theirs.get(contig, ()))
            target.writelines("\t".join(each.columns) + "\n" for each in merged)


def weighed(bcftools: Iterable[Allele], freebayes: Iterable[Allele]) -> Iterator[Allele]:
    """Every allele of either caller on a contig once, by place."""
    ours = {allele.place: allele for allele in bcftools}
    theirs = {allele.place: allele for allele in freebayes}
    # Where bcftools alone reads an indel, freebayes alone may read the same bases in another way.
    taken = [
        range(pos, pos + len(ref))
        for (pos, ref, alt), allele in ours.items()
        if len(ref) != len(alt) and (pos, ref, alt) not in theirs and allele.is_strong
    ]
    others = _Overlaps(taken)
    for place in sorted(ours.keys() | theirs.keys()):
        left, right = ours.get(place), theirs.get(place)
        if left and right:
            genotyped = left.with_genotype_of(right) if left.is_snp else left
            yield genotyped.supported_by(BCFTOOLS, FREEBAYES, passes=True)
        elif left:
            yield left.supported_by(BCFTOOLS, passes=left.is_strong)
        elif right:
            yield right.supported_by(FREEBAYES, passes=right.is_strong and not others.meet(place[0]))


class _Overlaps:
    """Ranges by start, asked from left to right."""

    def __init__(self, ranges: Iterable[range]) -> None:
        self._ahead = sorted(ranges, key=lambda each: each.start, reverse=True)
        self._end = 0

    def meet(self, pos: int) -> bool:
        """Whether a range holds `pos`, which is not before the one asked for last."""
        while self._ahead and self._ahead[-1].start <= pos:
            self._end = max(self._end, self._ahead.pop().stop)
        return pos < self._end


def _read(vcf: Path) -> dict[str, list[Allele]]:
    """The alleles by contig."""
    alleles: dict[str, list[Allele]] = {}
    with vcf.open() as stream:
        for line in stream:
            if not line.startswith("#"):
                columns = tuple(line.rstrip("\n").split("\t"))
                alleles.setdefault(columns[0], []).append(Allele(columns))
    return alleles
