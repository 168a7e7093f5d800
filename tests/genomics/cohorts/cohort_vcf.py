"""A cohort with known truth: three populations, a sample of few calls, and variants that no mating makes."""

from pathlib import Path

import numpy as np

POPULATIONS, SAMPLES_EACH, VARIANTS = ("north", "south", "east"), 20, 1500
# Every sample is heterozygous: two copies of a region that were taken for one.
COLLAPSED = 10
POOR = "north-03"
_DIVERGENCE = 0.1


def sample_names() -> list[str]:
    """Each begins with its population."""
    return [f"{population}-{number:02d}" for population in POPULATIONS for number in range(SAMPLES_EACH)]


def write_cohort(path: Path) -> Path:
    """Write the VCF, whose Ti/Tv is about 2. Frequencies drift apart as Balding and Nichols (1995) have it."""
    draw = np.random.default_rng(7)
    names = sample_names()
    ancestral = draw.uniform(0.1, 0.9, VARIANTS)
    scale = (1 - _DIVERGENCE) / _DIVERGENCE
    frequencies = np.stack([draw.beta(ancestral * scale, (1 - ancestral) * scale) for _ in POPULATIONS], axis=1)
    copies = draw.binomial(2, np.repeat(frequencies, SAMPLES_EACH, axis=1))
    copies[:COLLAPSED] = 1
    is_missing = draw.random(copies.shape) < 0.005
    is_missing[:, names.index(POOR)] |= draw.random(VARIANTS) < 0.2
    texts = np.where(is_missing, "./.", np.array(["0/0", "0/1", "1/1"])[copies])
    header = ["##fileformat=VCFv4.2", "##contig=<ID=chr1>", '##FORMAT=<ID=GT,Number=1,Type=String,Description="">']
    header.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]))
    alternates = draw.choice(["G", "C", "T"], VARIANTS, p=[2 / 3, 1 / 6, 1 / 6])
    lines = [
        "\t".join(["chr1", str(1000 * (number + 1)), ".", "A", str(alternate), ".", "PASS", ".", "GT", *calls])
        for number, (alternate, calls) in enumerate(zip(alternates, texts, strict=True))
    ]
    path.write_text("\n".join([*header, *lines]) + "\n")
    return path
