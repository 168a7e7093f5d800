"""Known variants: where they lie, and which sample carries them on which haplotype."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genomics_cli.demo.genome import Bases, codes, text

LONGEST_INDEL = 15
# Sites are kept apart so that no two of them can be written as one, and away from the ends, where coverage falls.
_MINIMUM_GAP = 50
_MARGIN = 500
# An indel that can slide further lies in a repeat, where no short-read caller is right all the time.
_LONGEST_SLIDE = 6


@dataclass(frozen=True, order=True)
class Variant:
    """One alternate allele as VCF writes it, left-aligned; `pos` is 1-based."""

    chrom: str
    pos: int
    ref: str
    alt: str

    @property
    def is_snp(self) -> bool:
        """One base for another."""
        return len(self.ref) == len(self.alt) == 1


@dataclass(frozen=True, order=True)
class Carried:
    """A variant in one sample; `haplotypes` says for each of the two whether it has the alternate allele."""

    variant: Variant
    haplotypes: tuple[bool, bool]

    @property
    def genotype(self) -> str:
        """GT, phased."""
        return "|".join(str(int(carries)) for carries in self.haplotypes)


def place_variants(
    rng: np.random.Generator, genome: Mapping[str, Bases], *, per_base: float, indel_fraction: float
) -> tuple[Variant, ...]:
    """Variants at a density of about `per_base`, a share of them indels of 1 to 15 bases, in reference order."""
    return tuple(
        variant
        for chrom, sequence in genome.items()
        for variant in _place_on_contig(rng, chrom, sequence, per_base, indel_fraction)
    )


def share_out(
    rng: np.random.Generator, variants: Sequence[Variant], samples: Sequence[str]
) -> dict[str, tuple[Carried, ...]]:
    """Give each variant to one sample or to all of them, heterozygous (60 in 100) or homozygous."""
    carried: dict[str, list[Carried]] = {sample: [] for sample in samples}
    for variant in variants:
        owner = int(rng.integers(0, len(samples) + 1))
        for sample in samples if owner == len(samples) else [samples[owner]]:
            carried[sample].append(Carried(variant, _haplotypes(rng)))
    return {sample: tuple(items) for sample, items in carried.items()}


def haplotype(sequence: Bases, carried: Sequence[Carried], which: int) -> Bases:
    """A contig's sequence with its variants of haplotype `which` (0 or 1) put in; `carried` is sorted."""
    pieces = []
    at = 0
    for item in carried:
        if item.haplotypes[which]:
            start = item.variant.pos - 1
            pieces += [sequence[at:start], codes(item.variant.alt)]
            at = start + len(item.variant.ref)
    return np.concatenate([*pieces, sequence[at:]])


def left_align(sequence: str, variant: Variant) -> Variant:
    """The same change written at its leftmost position with the fewest bases (Tan et al. 2015)."""
    start, ref, alt = variant.pos - 1, variant.ref, variant.alt
    while ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
        if not ref or not alt:
            if start == 0:
                raise ValueError(f"{variant}: reaches the contig's first base")
            start -= 1
            ref, alt = sequence[start] + ref, sequence[start] + alt
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        start, ref, alt = start + 1, ref[1:], alt[1:]
    return Variant(variant.chrom, start + 1, ref, alt)


def slide(sequence: str, variant: Variant) -> int:
    """How many bases (50 at most) a left-aligned indel can move to the right and still be the same change."""
    after = variant.pos - 1 + len(variant.ref)
    changed = max(variant.ref, variant.alt, key=len)[1:]
    following = sequence[after : after + _MINIMUM_GAP]
    pairs = zip(following, changed + following, strict=False)
    return next((steps for steps, (there, here) in enumerate(pairs) if there != here), len(following))


def _place_on_contig(
    rng: np.random.Generator, chrom: str, sequence: Bases, per_base: float, indel_fraction: float
) -> list[Variant]:
    letters = text(sequence)
    usable = len(letters) - 2 * _MARGIN
    if usable < 1:
        raise ValueError(f"{chrom}: a contig needs more than {2 * _MARGIN} bases to hold variants")
    starts = np.sort(rng.integers(_MARGIN, _MARGIN + usable, round(usable * per_base)))
    placed: list[Variant] = []
    free_from = 0
    for start in starts.tolist():
        make = _indel if rng.random() < indel_fraction else _snp
        variant = make(rng, chrom, letters, start)
        if variant is None or variant.pos < free_from:
            continue
        placed.append(variant)
        free_from = variant.pos + len(variant.ref) + _MINIMUM_GAP
    return placed


def _snp(rng: np.random.Generator, chrom: str, letters: str, start: int) -> Variant:
    ref = letters[start]
    # Transitions are twice as likely as both transversions together.
    transition = {"A": "G", "G": "A", "C": "T", "T": "C"}[ref]
    transversions = [base for base in "ACGT" if base not in (ref, transition)]
    alt = transition if rng.random() < 2 / 3 else transversions[int(rng.integers(0, 2))]
    return Variant(chrom, start + 1, ref, alt)


def _indel(rng: np.random.Generator, chrom: str, letters: str, start: int) -> Variant | None:
    length = min(int(rng.geometric(0.35)), LONGEST_INDEL)
    if rng.random() < 0.5:
        variant = Variant(chrom, start + 1, letters[start : start + 1 + length], letters[start])
    else:
        inserted = text(rng.integers(0, 4, length, dtype=np.uint8))
        variant = Variant(chrom, start + 1, letters[start], letters[start] + inserted)
    variant = left_align(letters, variant)
    return variant if slide(letters, variant) <= _LONGEST_SLIDE else None


def _haplotypes(rng: np.random.Generator) -> tuple[bool, bool]:
    if rng.random() < 0.4:
        return (True, True)
    first = bool(rng.random() < 0.5)
    return (first, not first)
