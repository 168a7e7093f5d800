"""Contigs as files of other makers call them: with `chr` or without, and the mitochondrion by one of four names."""

from collections.abc import Mapping

_PREFIX = "chr"
MITOCHONDRIAL = ("chrM", "MT", "M", "chrMT")


def own_name(name: str, contigs: Mapping[str, int]) -> str | None:
    """What the reference calls the contig `name`; None if it has no such contig."""
    if name in contigs:
        return name
    others = MITOCHONDRIAL if name in MITOCHONDRIAL else (f"{_PREFIX}{name}", name.removeprefix(_PREFIX))
    return next((other for other in others if other in contigs), None)
