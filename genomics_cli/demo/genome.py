"""A random genome whose GC content drifts along the contigs, as it does in real ones."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bases = NDArray[np.uint8]

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
_WINDOW = 1000
_LINE = 80


def make_genome(rng: np.random.Generator, lengths: Mapping[str, int]) -> dict[str, Bases]:
    """A sequence of codes 0..3 (A, C, G, T) for each contig of the given length in bases."""
    return {name: _contig(rng, length) for name, length in lengths.items()}


def text(codes: Bases) -> str:
    """The sequence as letters."""
    return BASES[codes].tobytes().decode("ascii")


def codes(sequence: str) -> Bases:
    """Letters A, C, G, T as codes 0..3."""
    return np.searchsorted(BASES, np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)).astype(np.uint8)


def write_fasta(path: Path, genome: Mapping[str, Bases]) -> None:
    """Write the genome as FASTA, 80 bases to a line."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        for name, sequence in genome.items():
            letters = text(sequence)
            file.write(f">{name}\n")
            file.writelines(f"{letters[at : at + _LINE]}\n" for at in range(0, len(letters), _LINE))


def _contig(rng: np.random.Generator, length: int) -> Bases:
    gc = np.repeat(_gc_content(rng, -(-length // _WINDOW)), _WINDOW)[:length]
    is_gc = rng.random(length) < gc
    second = rng.integers(0, 2, length, dtype=np.uint8)
    # A and T are codes 0 and 3, C and G are 1 and 2.
    return np.where(is_gc, 1 + second, 3 * second).astype(np.uint8)


def _gc_content(rng: np.random.Generator, windows: int) -> NDArray[np.float64]:
    """GC fraction per window: around 0.41 as in human, each window close to the one before."""
    steps = rng.normal(0.0, 0.02, windows)
    fraction = np.empty(windows)
    deviation = 0.0
    for i in range(windows):
        deviation = 0.95 * deviation + steps[i]
        fraction[i] = 0.41 + deviation
    return fraction.clip(0.28, 0.62)
