"""One line of a VCF as a record: its columns checked and typed, its samples still text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from genomics.contracts.vcf_fields import STANDARD_FORMAT, STANDARD_INFO, FieldDefinition, undeclared
from glue_jobs.vcf.alleles import check_reference, parse_alternates
from glue_jobs.vcf.consequence_formats import ConsequenceFormat
from glue_jobs.vcf.errors import RecordError
from glue_jobs.vcf.genotypes import NO_CALL, Genotype, parse_genotype
from glue_jobs.vcf.header import Header
from glue_jobs.vcf.values import Value, expected_count, parse_float, parse_values

_CONTIG = re.compile(r"<[^\s<>]+>|[^\s*=<>,\"'`(){}\[\]\\][^\s<>,\"'`(){}\[\]\\]*")
_POSITION = re.compile(r"[0-9]{1,18}")

FieldValues = tuple[FieldDefinition, list[Value] | None]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A field whose value is not what the header declares, for the record it was first seen in; it is kept as text."""

    field: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record. `fields` are INFO's, without flags; `format` names what `samples` holds, in their order.

    `consequences` are those of `fields` that tell them, as text.

    `misfits` grows as its calls are read, by one entry for each field.
    """

    chrom: str
    position: int
    ids: list[str] | None
    reference: str
    alternates: list[str] | None
    quality: float | None
    filters: list[str] | None
    flags: list[str]
    fields: list[FieldValues]
    format: list[FieldDefinition]
    samples: list[str]
    misfits: list["Misfit"]
    consequences: list[tuple[ConsequenceFormat, str]]

    @property
    def alleles(self) -> int:
        """How many there are, the reference included."""
        return 1 + len(self.alternates or ())


@dataclass(frozen=True, slots=True)
class Call:
    """What a record says of one sample."""

    genotype: Genotype
    fields: list[FieldValues]


def is_contig(name: str) -> bool:
    """It may stand in CHROM."""
    return _CONTIG.fullmatch(name) is not None


class RecordParser:
    """Reads the records of one file."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._info = {**STANDARD_INFO, **header.info}
        self._format_fields = {**STANDARD_FORMAT, **header.format}
        self._decode = header.is_percent_encoded
        self._contigs: set[str] = set()
        self._genotypes: dict[tuple[str, int], Genotype] = {}

    def parse(self, line: str) -> Record:
        """The record; RecordError says what is wrong with it."""
        if line.startswith("#"):
            raise RecordError("a header line after the first record")
        columns = line.split("\t")
        if len(columns) != self._header.columns:
            raise RecordError(f"{len(columns)} columns, the header has {self._header.columns}")
        chrom, position, ids, reference, alternates, quality, filters, info = columns[:8]
        if chrom not in self._contigs:
            if not is_contig(chrom):
                raise RecordError(f"CHROM {chrom[:40]!r} is not a contig's name")
            self._contigs.add(chrom)
        if not _POSITION.fullmatch(position):
            raise RecordError(f"POS {position[:40]!r} is not a position")
        check_reference(reference)
        parsed = Record(
            chrom=chrom,
            position=int(position),
            ids=_names("ID", ids),
            reference=reference,
            alternates=parse_alternates(alternates),
            quality=_quality(quality),
            filters=_names("FILTER", filters),
            flags=[],
            fields=[],
            format=self._format(columns[8]) if len(columns) > 8 else [],
            samples=columns[9:],
            misfits=[],
            consequences=[],
        )
        self._read_info(info, parsed)
        return parsed

    def calls(self, record: Record) -> Iterator[tuple[int, Call]]:
        """Calls that are not homozygous reference, with the sample's index. A record without GT has all of them."""
        width = len(record.format)
        place = next((i for i, field in enumerate(record.format) if field.name == "GT"), None)
        for index, text in enumerate(record.samples):
            colons = text.count(":")
            try:
                if not text or (colons >= width and text != "."):
                    raise RecordError(f"{colons + 1} values, FORMAT has {width}" if text else "is empty")
                genotype = NO_CALL
                if place is not None:
                    first = text.partition(":")[0] if place == 0 else ":".join(text.split(":")[place : place + 1])
                    genotype = self._genotype(first or ".", record.alleles)
            except RecordError as error:
                raise RecordError(f"sample {self._header.samples[index]}: {error}") from error
            if any(genotype.alleles) or genotype.is_partial:
                yield index, self._call(record, genotype, text, self._header.samples[index])

    def _call(self, record: Record, genotype: Genotype, text: str, sample: str) -> Call:
        texts = text.split(":") if text != "." else []
        texts += ["."] * (len(record.format) - len(texts))
        return Call(
            genotype,
            [
                self.values(field, value, record, f"FORMAT/{field.name}", sample=sample)
                for field, value in zip(record.format, texts, strict=True)
                if field.name != "GT"
            ],
        )

    def _genotype(self, text: str, alleles: int) -> Genotype:
        known = self._genotypes.get((text, alleles))
        if known is None:
            known = self._genotypes[text, alleles] = parse_genotype(text, alleles)
        return known

    def _read_info(self, text: str, record: Record) -> None:
        if text == ".":
            return
        seen: set[str] = set()
        for entry in text.removesuffix(";").split(";"):
            key, assigned, value = entry.partition("=")
            if not key or " " in key:
                raise RecordError(f"INFO has an entry without a name: {entry[:40]!r}")
            if key in seen:
                raise RecordError(f"INFO has {key} twice")
            seen.add(key)
            field = self._info.get(key)
            if assigned and (field is None or field.type != "Flag"):
                record.fields.append(self.values(field or undeclared(key), value, record, f"INFO/{key}"))
                if value and key in self._header.consequences:
                    record.consequences.append((self._header.consequences[key], value))
                continue
            record.flags.append(key)
            if assigned:
                # A Flag has no value; what stands there all the same is kept.
                record.fields.append((undeclared(key), [value or None]))
                if value not in ("0", "1"):
                    _note(record, Misfit(f"INFO/{key}", "is a Flag and has a value; kept as text", value))
            elif field is not None and field.type != "Flag" and field.number != "0":
                _note(record, Misfit(f"INFO/{key}", f"has no value, its type is {field.type}; kept as a flag", entry))

    def _format(self, text: str) -> list[FieldDefinition]:
        if text == ".":
            return []
        keys = text.split(":")
        if len(set(keys)) != len(keys) or "" in keys:
            raise RecordError(f"FORMAT {text[:80]!r} has a field twice, or one without a name")
        return [self._format_fields.get(key) or undeclared(key) for key in keys]

    def values(
        self,
        field: FieldDefinition,
        text: str,
        record: Record,
        name: str,
        *,
        sample: str = "",
    ) -> FieldValues:
        """The values of a field's text; what is not as the header declares it is kept as text, and noted."""
        try:
            values = parse_values(field, text, decode=self._decode)
            wanted = expected_count(field.number, record.alleles)
            if values is not None and wanted is not None and len(values) != wanted:
                raise RecordError(f"{len(values)} values, expected {wanted} (Number={field.number})")
        except RecordError as error:
            of_sample = f"sample {sample}: " if sample else ""
            _note(record, Misfit(name, f"{of_sample}{error}; kept as text", text))
            return undeclared(field.name), [text or None]
        return field, values


def _note(record: Record, misfit: Misfit) -> None:
    if all(known.field != misfit.field for known in record.misfits):
        record.misfits.append(misfit)


def _names(column: str, text: str) -> list[str] | None:
    if text == ".":
        return None
    names = text.split(";")
    if "" in names or any(c.isspace() for c in text):
        raise RecordError(f"{column} {text[:40]!r} holds white space or an empty name")
    return names


def _quality(text: str) -> float | None:
    try:
        return None if text == "." else parse_float(text)
    except RecordError as error:
        raise RecordError(f"QUAL: {error}") from error
