"""Records of a cohort on one chromosome, as a joint caller writes them: most calls are homozygous reference."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

SEED = 11
_CHROM, _LENGTH = "chr20", 64_444_167
INFO = {
    "AC": ("A", "Integer"),
    "AF": ("A", "Float"),
    "AN": ("1", "Integer"),
    "DP": ("1", "Integer"),
    **dict.fromkeys(("FS", "MQ", "QD", "SOR"), ("1", "Float")),
}
FORMAT = {
    "GT": ("1", "String"),
    "AD": ("R", "Integer"),
    "DP": ("1", "Integer"),
    "GQ": ("1", "Integer"),
    "PL": ("G", "Integer"),
}
_TRANCHE = "VQSRTrancheSNP99.00to99.90"


def header(samples: int) -> str:
    """The header."""
    lines = ["##fileformat=VCFv4.2", f'##FILTER=<ID={_TRANCHE},Description="">']
    lines.append(f"##contig=<ID={_CHROM},length={_LENGTH}>")
    for kind, fields in (("INFO", INFO), ("FORMAT", FORMAT)):
        lines += [f'##{kind}=<ID={name},Number={n},Type={t},Description="">' for name, (n, t) in fields.items()]
    names = "\t".join(f"S{number:06d}" for number in range(samples))
    return "\n".join([*lines, f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}"]) + "\n"


def records(count: int, samples: int) -> Iterator[tuple[str, int, int, int]]:
    """So many lines, sorted by position.

    Each with its numbers of alternate alleles, of calls that are not homozygous reference, and of pairs of such a call
    and an ALT that it has, or may have as it is missing.
    """
    random = np.random.default_rng(SEED)
    for position in np.sort(random.choice(_LENGTH - 61_000, count, replace=False) + 60_000).tolist():
        yield _record(random, position, samples)


def _record(random: np.random.Generator, position: int, samples: int) -> tuple[str, int, int, int]:
    reference = "ACGT"[random.integers(4)]
    alternates = [base for base in "ACGT" if base != reference]
    del alternates[1 if random.random() < 0.94 else random.integers(2, 4) :]
    if random.random() < 0.1:
        alternates[-1] = reference + "".join("ACGT"[i] for i in random.integers(0, 4, random.integers(1, 8)))
    many = len(alternates)
    # The site frequency spectrum: as many between 1 and 2 copies as between 100 and 200.
    frequencies = np.minimum(0.5, 10 ** random.uniform(-np.log10(2 * samples), -0.3, many))
    frequencies /= max(1, frequencies.sum() / 0.95)
    limits = np.cumsum([1 - frequencies.sum(), *frequencies])[:-1]
    alleles = np.sort(np.searchsorted(limits, random.random((samples, 2)), side="right"), axis=1)
    missing = random.random(samples) < 0.015
    phased = random.random(samples) < 0.1
    depth = random.poisson(32, samples)
    quality = np.where(alleles[:, 1] == 0, np.minimum(99, depth * 3), 99)
    quality = np.where(random.random(samples) < 0.1, random.integers(10, 99, samples), quality)
    alleles[missing] = 0
    calls = [
        _reference_call(*call, many) for call in zip(depth.tolist(), quality.tolist(), phased.tolist(), strict=True)
    ]
    for sample in np.flatnonzero(missing).tolist():
        calls[sample] = "./." if sample % 2 else "./.:0" + ",0" * many + ":0:.:."
    carriers = np.flatnonzero(alleles[:, 1])
    reads = random.binomial(depth[carriers], 0.5).tolist()
    likelihoods = random.integers(60, 1500, (len(carriers), (many + 1) * (many + 2) // 2)).tolist()
    for sample, (low, high), own, likelihood in zip(
        carriers.tolist(), alleles[carriers].tolist(), reads, likelihoods, strict=True
    ):
        whole = int(depth[sample])
        depths = [0] * (many + 1)
        depths[low] = own
        depths[high] += whole - own
        likelihood[high * (high + 1) // 2 + low] = 0
        mark = "|" if phased[sample] else "/"
        calls[sample] = (
            f"{low}{mark}{high}:{','.join(map(str, depths))}:{whole}:{quality[sample]}:{','.join(map(str, likelihood))}"
        )
    copies = np.bincount(alleles[~missing].ravel(), minlength=many + 1)
    number = int(copies.sum())
    info = (
        f"AC={','.join(map(str, copies[1:]))};AF={','.join(f'{own / max(number, 1):.4g}' for own in copies[1:])};"
        f"AN={number};DP={depth.sum()};FS={random.random() * 10:.3f};MQ=60.00;QD={random.random() * 30:.2f};"
        f"SOR={random.random() * 3:.3f}"
    )
    name = f"rs{random.integers(10**5, 2 * 10**9)}" if random.random() < 0.85 else "."
    columns = [_CHROM, str(position), name, reference, ",".join(alternates), f"{random.random() * 9000:.2f}"]
    columns += ["PASS" if random.random() < 0.92 else _TRANCHE, info, ":".join(FORMAT), *calls]
    several = alleles[carriers]
    carried = int(((several > 0).sum(axis=1) - (several[:, 0] == several[:, 1])).sum())
    lost = int(missing.sum())
    return "\t".join(columns) + "\n", many, len(carriers) + lost, carried + lost * many


@lru_cache(maxsize=1 << 16)
def _reference_call(depth: int, quality: int, is_phased: bool, alternates: int) -> str:
    likelihoods = [0, quality, quality * 15] + [quality * 16] * ((alternates + 1) * (alternates + 2) // 2 - 3)
    depths = f"{depth}" + ",0" * alternates
    return f"0{'|' if is_phased else '/'}0:{depths}:{depth}:{quality}:{','.join(map(str, likelihoods))}"
