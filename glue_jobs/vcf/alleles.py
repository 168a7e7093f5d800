"""Alleles: what may stand in REF and ALT, and their shortest form."""

import re

from glue_jobs.vcf.errors import RecordError

_BASES = re.compile(r"[ACGTNMRWSYKVHDBUacgtnmrwsykvhdbu]+")
_BREAKEND = re.compile(r"(?:[A-Za-z.*]*([\[\]])[^\[\]\s]+:[0-9]+\1|([\[\]])[^\[\]\s]+:[0-9]+\2[A-Za-z.*]*)")
_SINGLE_BREAKEND = re.compile(r"\.[A-Za-z]+|[A-Za-z]+\.")
_SYMBOLIC = re.compile(r"<[^<>\s]+>")


def is_sequence(allele: str) -> bool:
    """It is spelled out in bases (IUPAC codes): not symbolic, not a breakend, not `*`."""
    return _BASES.fullmatch(allele) is not None


def check_reference(allele: str) -> None:
    """RecordError unless REF is bases."""
    if not is_sequence(allele):
        raise RecordError(f"REF {allele[:40]!r} is not a sequence of bases")


def parse_alternates(text: str) -> list[str] | None:
    """The alternate alleles; None for `.`."""
    if text == ".":
        return None
    alternates = text.split(",")
    for allele in alternates:
        if not (
            is_sequence(allele)
            or allele == "*"
            or _SYMBOLIC.fullmatch(allele)
            or _BREAKEND.fullmatch(allele)
            or _SINGLE_BREAKEND.fullmatch(allele)
        ):
            raise RecordError(f"ALT {allele[:40]!r} is neither bases, nor <ID>, nor a breakend, nor *")
    return alternates


def trimmed(position: int, reference: str, alternate: str | None) -> tuple[int, str, str | None]:
    """The shortest form of one allele: bases shared at the end go first, then those at the beginning; one base stays.

    Bases come out in upper case. Alleles that are not spelled out are left as they are. Moving an indel to the left
    would need the reference sequence, and is done when variants are called.
    """
    reference = reference.upper()
    if alternate is None or not is_sequence(alternate):
        return position, reference, alternate
    alternate = alternate.upper()
    end = 0
    shortest = min(len(reference), len(alternate)) - 1
    while end < shortest and reference[-1 - end] == alternate[-1 - end]:
        end += 1
    start = 0
    while start < shortest - end and reference[start] == alternate[start]:
        start += 1
    return position + start, reference[start : len(reference) - end], alternate[start : len(alternate) - end]
