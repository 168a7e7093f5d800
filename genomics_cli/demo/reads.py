"""Paired reads of a diploid sample, with binned qualities, the errors they promise, and adapters in short fragments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from genomics_cli.demo.genome import BASES, Bases, codes

READ_LENGTH = 150
# Illumina TruSeq, as a read runs into them past its fragment's end.
ADAPTERS = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT")
_FRAGMENT_MEAN, _FRAGMENT_SD, _FRAGMENT_SHORTEST, _FRAGMENT_LONGEST = 330.0, 80.0, 60, 700
_DUPLICATES = 0.02
# The qualities of current two-colour instruments, and how often each stands at the first and at the last cycle.
_QUALITIES = np.array([37, 25, 11, 2], dtype=np.uint8)
_ERROR_RATES = np.array([10.0 ** (-quality / 10.0) for quality in _QUALITIES.tolist()], dtype=np.float32)
_AT_FIRST_CYCLE = np.array([0.970, 0.024, 0.0058, 0.0002])
_AT_LAST_CYCLE = np.array([0.880, 0.090, 0.0290, 0.0010])


@dataclass(frozen=True)
class Reads:
    """One mate of many pairs: `bases` are letters, `qualities` Phred + 33, both (reads, cycles)."""

    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8]

    def __len__(self) -> int:
        return int(self.bases.shape[0])

    def take(self, rows: NDArray[np.intp] | slice) -> "Reads":
        """Some of the reads, in the order given."""
        return Reads(self.bases[rows], self.qualities[rows])

    @classmethod
    def join(cls, parts: Sequence[Self]) -> "Reads":
        """All reads of all parts."""
        return Reads(np.concatenate([p.bases for p in parts]), np.concatenate([p.qualities for p in parts]))


def sequence_pairs(rng: np.random.Generator, haplotypes: Sequence[Bases], *, depth: float) -> tuple[Reads, Reads]:
    """Both mates of pairs drawn evenly from `haplotypes`, two of each contig, to a mean depth over the contig.

    The pairs are in random order.
    """
    parts = [_from_haplotype(rng, h, round(depth / 2 * len(h) / (2 * READ_LENGTH))) for h in haplotypes]
    first, second = (Reads.join([pair[mate] for pair in parts]) for mate in (0, 1))
    order = rng.permutation(len(first))
    return first.take(order), second.take(order)


def fastq(reads: Reads, *, mate: int, lane: int) -> bytes:
    """FASTQ text; read `i` of both mates of a lane has the same name."""
    count = len(reads)
    newline = np.full((count, 1), ord("\n"), dtype=np.uint8)
    plus = _every_row(count, b"\n+\n")
    cluster, colon = _digits(np.arange(1, count + 1), 8), _every_row(count, b":")
    name = [
        _every_row(count, f"@DEMO:1:HDEMOXX:{lane}:1101:".encode()),
        *(cluster[:, :4], colon, cluster[:, 4:]),
        _every_row(count, f" {mate}:N:0:1\n".encode()),
    ]
    return np.hstack([*name, reads.bases, plus, reads.qualities, newline]).tobytes()


def _from_haplotype(rng: np.random.Generator, haplotype: Bases, pairs: int) -> tuple[Reads, Reads]:
    lengths = rng.normal(_FRAGMENT_MEAN, _FRAGMENT_SD, pairs).round().astype(np.int64)
    lengths = lengths.clip(_FRAGMENT_SHORTEST, min(_FRAGMENT_LONGEST, len(haplotype)))
    starts = (rng.random(pairs) * (len(haplotype) - lengths + 1)).astype(np.int64)
    flipped = rng.random(pairs) < 0.5
    # A duplicate is another pair's fragment, read again.
    fragment = np.where(rng.random(pairs) < _DUPLICATES, rng.integers(0, pairs, pairs), np.arange(pairs))
    starts, lengths, flipped = starts[fragment], lengths[fragment], flipped[fragment, None]
    cycles = np.arange(READ_LENGTH)
    last = len(haplotype) - 1
    forward = haplotype[np.minimum(starts[:, None] + cycles, last)]
    reverse = 3 - haplotype[np.maximum((starts + lengths)[:, None] - 1 - cycles, 0)]
    mates = (np.where(flipped, reverse, forward), np.where(flipped, forward, reverse))
    first, second = (
        _observe(rng, _into_adapter(fragment, lengths, adapter))
        for fragment, adapter in zip(mates, ADAPTERS, strict=True)
    )
    return first, second


def _into_adapter(fragments: Bases, lengths: NDArray[np.int64], adapter: str) -> Bases:
    """Past its fragment's end a read shows the adapter, then the dark cycles that read as G."""
    tail = codes(adapter + "G" * (READ_LENGTH - len(adapter)))
    past_end = np.arange(READ_LENGTH) - lengths[:, None]
    return np.where(past_end >= 0, tail[past_end.clip(0)], fragments).astype(np.uint8)


def _observe(rng: np.random.Generator, true_bases: Bases) -> Reads:
    """What the instrument says of the bases: qualities, errors as often as these promise, N where it gives up."""
    share = np.linspace(_AT_FIRST_CYCLE, _AT_LAST_CYCLE, READ_LENGTH).cumsum(axis=1)
    draw = rng.random(true_bases.shape, dtype=np.float32)
    bins = (draw[:, :, None] >= share[None, :, :-1].astype(np.float32)).sum(axis=2)
    qualities = _QUALITIES[bins]
    wrong = rng.random(true_bases.shape, dtype=np.float32) < _ERROR_RATES[bins]
    shift = rng.integers(1, 4, true_bases.shape, dtype=np.uint8)
    letters = BASES[np.where(wrong, (true_bases + shift) % 4, true_bases)]
    return Reads(np.where(qualities == 2, np.uint8(ord("N")), letters), qualities + np.uint8(33))


def _digits(numbers: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Numbers as decimal digits with leading zeros, one row each."""
    powers = 10 ** np.arange(width - 1, -1, -1)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def _every_row(count: int, content: bytes) -> NDArray[np.uint8]:
    return np.broadcast_to(np.frombuffer(content, dtype=np.uint8), (count, len(content)))
