"""Rows of the tables `variants` and `genotypes` from a record: one per alternate allele.

Fields that have a column of their own go there when type and number of values allow it, and into the maps when not.
"""

from collections.abc import Iterable, Iterator, Mapping

from genomics.contracts.vcf_fields import END, FORMAT_COLUMNS, INFO_COLUMNS, FieldDefinition, OwnColumn
from glue_jobs.vcf.alleles import trimmed
from glue_jobs.vcf.records import Call, FieldValues, Record
from glue_jobs.vcf.values import Value, none_if_missing

Row = dict[str, object]

_INT32 = 1 << 31


_MAPS = {"Integer": "integers", "Float": "floats", "String": "strings", "Character": "strings"}


def variant_rows(record: Record) -> Iterator[Row]:
    """Rows of `variants`, without provenance. A record without ALT gives one, with alt null."""
    end = _info_end(record)
    for allele in _alternate_indexes(record):
        position, reference, _ = _trimmed(record, allele)
        yield {
            "chrom": record.chrom,
            **_place(record, allele),
            "end": end or position + len(reference) - 1,
            "ids": record.ids,
            "qual": record.quality,
            "filters": record.filters,
            "info_flags": record.flags or None,
            **_columns(record.fields, INFO_COLUMNS, "info", record.alleles, allele),
        }


def genotype_rows(record: Record, calls: Iterable[tuple[int, Call]], samples: tuple[str, ...]) -> Iterator[Row]:
    """Rows of `genotypes`, without provenance: of each call, one per ALT that it has, or may have as one is missing."""
    places = {allele: _place(record, allele) for allele in _alternate_indexes(record)}
    for sample, call in calls:
        genotype = call.genotype
        for allele, place in places.items():
            if not (genotype.is_partial or (allele and allele in genotype.alleles)):
                continue
            yield {
                "sample": samples[sample],
                "chrom": record.chrom,
                **place,
                "genotype": genotype.text,
                "alleles": None if genotype.is_missing else list(genotype.alleles),
                "phased": genotype.phased,
                "dosage": genotype.dosage(allele) if allele else None,
                **_columns(call.fields, FORMAT_COLUMNS, "format", record.alleles, allele),
            }


def _alternate_indexes(record: Record) -> range:
    """ALT's indexes from 1; 0 alone for a record without any."""
    return range(1, record.alleles) if record.alternates else range(1)


def _trimmed(record: Record, allele: int) -> tuple[int, str, str | None]:
    return trimmed(record.position, record.reference, record.alternates[allele - 1] if record.alternates else None)


def allele_place(record: Record, allele: int | None) -> Row:
    """Where an ALT stands, without REF and ALT as the file has them: 0 for a record without any, None for no one."""
    position, reference, alternate = record.position, record.reference.upper(), None
    if allele:
        position, reference, alternate = _trimmed(record, allele)
    names = {"pos": position, "ref": reference, "alt": alternate}
    return {**names, "alt_index": allele or None, "original_pos": record.position}


def _place(record: Record, allele: int) -> Row:
    position, reference, alternate = _trimmed(record, allele)
    return {
        "pos": position,
        "ref": reference,
        "alt": alternate,
        "alt_index": allele or None,
        "original_pos": record.position,
        "original_ref": record.reference,
        "original_alts": record.alternates,
    }


def _info_end(record: Record) -> int | None:
    """INFO END, if it can be: it is not before POS."""
    for field, values in record.fields:
        if field.name == "END" and (own := _as_column(field, values, END, record.alleles)):
            end = own[0]
            return end if isinstance(end, int) and end >= record.position else None
    return None


def _columns(
    fields: list[FieldValues], known: Mapping[str, OwnColumn], prefix: str, alleles: int, allele: int
) -> Mapping[str, object]:
    """The columns of one ALT: fields' own ones, and the maps of all others."""
    row: Row = {}
    for field, values in fields:
        column = known.get(field.name)
        own = _as_column(field, values, column, alleles) if column else None
        if column and own is not None:
            row[column.name] = _column_value(column, own, allele)
            continue
        entry = (field.name, none_if_missing(_of_allele(field.number, values, alleles, allele)))
        row.setdefault(f"{prefix}_{_MAPS[field.type]}", []).append(entry)  # type: ignore[attr-defined]
    return row


def _as_column(
    field: FieldDefinition, values: list[Value] | None, column: OwnColumn, alleles: int
) -> list[Value] | None:
    """The values if the column can hold them, an empty list for none; None if they belong into a map."""
    if field.type != column.type:
        return None
    if values is None:
        return []
    wanted = {"1": 1, "A": alleles - 1, "R": alleles, ".": len(values)}[column.number]
    if len(values) != wanted or any(isinstance(v, int) and not -_INT32 <= v < _INT32 for v in values):
        return None
    return values


def _column_value(column: OwnColumn, values: list[Value], allele: int) -> object:
    if column.name == "sample_filters":
        return str(values[0]).split(";") if values and values[0] is not None else None
    if column.number in ("1", "A"):
        index = allele - 1 if column.number == "A" else 0
        return values[index] if 0 <= index < len(values) else None
    if column.number == "R" and values:
        values = _of_allele("R", values, len(values), allele) or []
    return none_if_missing(values)


def _of_allele(number: str, values: list[Value] | None, alleles: int, allele: int) -> list[Value] | None:
    """Values of one ALT: of Number A its own, of R the reference's and its own, of any other all."""
    if values is None or number not in ("A", "R") or len(values) == 1:
        return values
    return [values[allele - 1]] if number == "A" else [values[0], values[allele]]
