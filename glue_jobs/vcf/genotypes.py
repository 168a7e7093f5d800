"""The GT field: which alleles a sample has, and whether they are phased."""

import re
from dataclasses import dataclass

from glue_jobs.vcf.errors import RecordError

_GENOTYPE = re.compile(r"[/|]?(?:\.|[0-9]+)(?:[/|](?:\.|[0-9]+))*")
_SEPARATOR = re.compile(r"[/|]")


@dataclass(frozen=True)
class Genotype:
    """`text` as the file has it, None for `.`. `alleles` count from 0, the reference; None is missing.

    `phased` is None for fewer than two alleles. VCF 4.4 may write a mark before the first allele: it counts as well.
    """

    text: str | None
    alleles: tuple[int | None, ...]
    phased: bool | None

    @property
    def is_missing(self) -> bool:
        """No allele is known."""
        return all(allele is None for allele in self.alleles)

    @property
    def is_partial(self) -> bool:
        """At least one allele is not known."""
        return None in self.alleles

    def dosage(self, allele: int) -> int | None:
        """Copies of the allele; None if any allele is missing."""
        return None if None in self.alleles else self.alleles.count(allele)


# A record without GT, or with `.`: one call, nothing known of it.
NO_CALL = Genotype(None, (None,), None)


def parse_genotype(text: str, alleles: int) -> Genotype:
    """Read GT of a record with that many alleles, the reference included."""
    if text == ".":
        return NO_CALL
    if not _GENOTYPE.fullmatch(text):
        raise RecordError(f"GT {text[:40]!r} is malformed")
    marks = _SEPARATOR.findall(text)
    indexes = [part for part in _SEPARATOR.split(text) if part]
    found = tuple(None if part == "." else int(part) for part in indexes)
    for index in found:
        if index is not None and index >= alleles:
            raise RecordError(f"GT {text!r} has allele {index}, ALT has only {alleles - 1}")
    return Genotype(text, found, all(mark == "|" for mark in marks) if len(found) > 1 else None)
