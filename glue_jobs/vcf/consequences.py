"""Rows of the table `consequences` from a record: one for each entry that a program wrote into an INFO field.

Which ALT an entry is about:

- VEP takes off the first base, where an ALT is not as long as REF and all of them (but `*`) begin with the same base;
  `-` is what is empty then. Entries that are not written so are compared with ALT as it stands, and with ALT without
  all bases that it shares with REF (`--minimal`). Of several ALTs that fit, ALLELE_NUM tells.
- snpEff writes ALT as it stands; after `-` follows what it is compared with (cancer samples).
- bcftools csq writes no allele. Of several ALTs it is the one that stands as POS REF>ALT in `dna_change`.
- A record's only ALT, if it is not spelled out in bases, has all entries, whatever they call it.
- An entry that names no allele belongs to the only ALT, or to none of several: `alt` and `alt_index` are null.
"""

import re
from collections.abc import Callable, Iterator

from glue_jobs.vcf.alleles import is_sequence
from glue_jobs.vcf.consequence_formats import COLUMNS, ConsequenceFormat, Program
from glue_jobs.vcf.errors import RecordError
from glue_jobs.vcf.records import Misfit, Record
from glue_jobs.vcf.rows import Row, allele_place
from glue_jobs.vcf.values import percent_decoded

_REFERENCE = re.compile(r"@([0-9]{1,18})")
_NUMBER = re.compile(r"[0-9]{1,9}")


def consequence_rows(record: Record, *, decode: bool) -> tuple[list[Row], list[Misfit]]:
    """The rows, without provenance, and the entries that have none; `decode` replaces percent escapes."""
    rows, misfits = [], []
    for form, text in record.consequences:
        for number, entry in enumerate(text.split(","), 1):
            if entry == ".":
                continue
            try:
                row = _row(record, form, entry, decode=decode)
            except RecordError as error:
                misfits.append(Misfit(f"INFO/{form.field} entry {number}", f"{error}; not in consequences", entry))
            else:
                rows.append({**row, "field": form.field, "entry": number})
    return rows, misfits


def _row(record: Record, form: ConsequenceFormat, entry: str, *, decode: bool) -> Row:
    is_after_stop = None
    if form.program is Program.BCFTOOLS:
        if entry.startswith("@"):
            return _referring_row(record, entry)
        is_after_stop = entry.startswith("*")
        entry = entry.removeprefix("*")
    texts = entry.split("|")
    if not entry or not form.least <= len(texts) <= len(form.names):
        found = len(texts) if entry else "no"
        raise RecordError(f"{found} subfields, the header describes {len(form.names)}")
    values = {name: text for name, text in zip(form.names, texts, strict=False) if text not in ("", ".")}
    own = {column: values.pop(form.names[index], None) for column, index in form.columns.items()}
    allele = _allele(record, form, own.get("allele"), values)

    def shown(text: str) -> str:
        return percent_decoded(text) if decode else text

    columns: Row = {column: None if (text := own.get(column)) is None else shown(text) for column in COLUMNS}
    return {
        "chrom": record.chrom,
        **allele_place(record, allele),
        **columns,
        "terms": _terms(own.get("terms"), shown),
        "is_after_stop": is_after_stop,
        "other_subfields": [(name, shown(text)) for name, text in values.items()] or None,
    }


def _referring_row(record: Record, entry: str) -> Row:
    match = _REFERENCE.fullmatch(entry)
    if match is None:
        raise RecordError(f"{entry[:40]!r} is no @ and a position")
    place = allele_place(record, _only_allele(record))
    return {"chrom": record.chrom, **place, "is_after_stop": False, "told_at_pos": int(match[1])}


def _terms(text: str | None, shown: Callable[[str], str]) -> list[str | None] | None:
    terms = [shown(term) or None for term in text.split("&")] if text else []
    return terms if any(terms) else None


def _allele(record: Record, form: ConsequenceFormat, text: str | None, others: dict[str, str]) -> int | None:
    """The number of the entry's ALT: 0 where the record has none, None where the entry does not say which of several.

    RecordError where it is none of them.
    """
    alternates = record.alternates or []
    if form.program is Program.BCFTOOLS:
        return _only_allele(record) if len(alternates) < 2 else _changed_allele(record, others.get("dna_change"))
    number = others.get("ALLELE_NUM")
    if text is None and number is None:
        return _only_allele(record)
    fitting = [*range(1, len(alternates) + 1)] if text is None else _fitting(record, form.program, text)
    if text is not None and len(fitting) == 1:
        return fitting[0]
    if text is not None and (not fitting or number is None):
        raise RecordError(f"allele {text[:40]!r} is {'several' if fitting else 'none'} of ALT")
    if number is None or not _NUMBER.fullmatch(number) or int(number) not in fitting:
        raise RecordError(f"its ALLELE_NUM {number!r:.40} is none of ALT")
    return int(number)


def _only_allele(record: Record) -> int | None:
    alternates = record.alternates or []
    return len(alternates) if len(alternates) < 2 else None


def _changed_allele(record: Record, change: str | None) -> int | None:
    changes = (change or "").split("+")
    found = [
        number
        for number, alternate in enumerate(record.alternates or [], 1)
        if f"{record.position}{record.reference}>{alternate}" in changes
    ]
    return found[0] if len(found) == 1 else None


def _fitting(record: Record, program: Program, text: str) -> list[int]:
    """The ALTs that the first rule with any gives."""
    alternates = record.alternates or []
    if len(alternates) == 1 and not is_sequence(alternates[0]) and alternates[0] != "*":
        return [1]
    for is_exact in (True, False):
        for name, written in _names(record, program, text):
            if fitting := [
                number
                for number, alternate in enumerate(written, 1)
                if name == alternate or (not is_exact and name.upper() == alternate.upper())
            ]:
                return fitting
    return []


def _names(record: Record, program: Program, text: str) -> Iterator[tuple[str, list[str]]]:
    """By rule: the name that is looked for, and what the ALTs are called."""
    alternates = record.alternates or []
    if program is Program.VEP:
        yield text, _as_vep_writes(record.reference, alternates)
    yield text, alternates
    if program is Program.VEP:
        yield text, [_minimal(record.reference, alternate) for alternate in alternates]
    elif "-" in text:
        yield text.partition("-")[0], alternates


def _as_vep_writes(reference: str, alternates: list[str]) -> list[str]:
    firsts = {allele[0] for allele in (reference, *alternates) if allele != "*"}
    if len(firsts) > 1 or all(len(allele) == len(reference) for allele in alternates):
        return alternates
    return [allele if allele == "*" else allele[1:] or "-" for allele in alternates]


def _minimal(reference: str, alternate: str) -> str:
    """What is left of ALT without the bases that it shares with REF, at the beginning first."""
    if not is_sequence(alternate):
        return alternate
    start, shortest = 0, min(len(reference), len(alternate))
    while start < shortest and reference[start] == alternate[start]:
        start += 1
    end = 0
    while end < shortest - start and reference[-1 - end] == alternate[-1 - end]:
        end += 1
    return alternate[start : len(alternate) - end] or "-"
