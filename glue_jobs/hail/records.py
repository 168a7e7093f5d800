"""Records of `glue_jobs.vcf` from what Hail says of them (see `glue_jobs.hail.frames`), and their rows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from genomics.contracts.vcf_fields import FieldDefinition, undeclared
from glue_jobs.vcf.alleles import check_reference, parse_alternates
from glue_jobs.vcf.batches import Batch, RowBuffer
from glue_jobs.vcf.errors import RecordError
from glue_jobs.vcf.genotypes import NO_CALL, Genotype
from glue_jobs.vcf.header import Header
from glue_jobs.vcf.records import Call, FieldValues, Record, RecordParser, is_contig
from glue_jobs.vcf.values import expected_count

_ROWS_PER_BATCH = 20_000

# One of Spark's rows.
Said = Mapping[str, Any]


def batches(records: Iterable[Said], header: Header) -> Iterator[Batch]:
    """Rows of the tables. Records that cannot be have a row in `rejects`, without the text of their line."""
    reader = _RecordReader(header)
    rows = RowBuffer()
    for number, said in enumerate(records, 1):
        try:
            record = reader.record(said)
            misfits = rows.add(number, record, reader.calls(_field(said, "entries") or (), record), header)
        except RecordError as error:
            rows.reject(None, str(error), f"{said['contig']}\t{said['position']}")
        else:
            for misfit in misfits:
                rows.reject(None, misfit.reason, misfit.text, field=misfit.field)
        if rows.count >= _ROWS_PER_BATCH:
            yield rows.batch()
            rows = RowBuffer()
    if rows.count:
        yield rows.batch()


class _RecordReader:
    """Of one file."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._parser = RecordParser(header)

    def record(self, said: Said) -> Record:
        """The record; RecordError where something of it cannot be."""
        reference, *alternates = said["alleles"]
        if not is_contig(said["contig"]):
            raise RecordError(f"CHROM {said['contig'][:40]!r} is not a contig's name")
        check_reference(reference)
        record = Record(
            chrom=said["contig"],
            position=said["position"],
            ids=said["rsid"].split(";") if said["rsid"] else None,
            reference=reference,
            alternates=parse_alternates(",".join(alternates) or "."),
            quality=said["qual"],
            # To Hail these are a set, and of what has passed an empty one.
            filters=None if said["filters"] is None else sorted(said["filters"]) or ["PASS"],
            flags=[],
            fields=[],
            format=[],
            samples=[],
            misfits=[],
            consequences=[],
        )
        for name, value in _defined(_field(said, "info")):
            if isinstance(value, bool):
                record.flags.extend([name] if value else [])
                continue
            definition = self._header.info.get(name) or undeclared(name)
            record.fields.append(self._values(definition, value, record, f"INFO/{name}"))
            if name in self._header.consequences:
                record.consequences.append((self._header.consequences[name], _text(value)))
        return record

    def calls(self, entries: Iterable[Said | None], record: Record) -> Iterator[tuple[int, Call]]:
        """Calls that are not homozygous reference, with the sample's index."""
        for index, entry in enumerate(entries):
            if entry is None:
                continue
            sample = self._header.samples[index]
            fields = [
                self._values(
                    self._header.format.get(name) or undeclared(name), value, record, f"FORMAT/{name}", sample=sample
                )
                for name, value in _defined(entry)
                if name != "GT"
            ]
            yield index, Call(_genotype(entry, record.alleles, sample), fields)

    def _values(
        self, definition: FieldDefinition, value: Any, record: Record, name: str, *, sample: str = ""
    ) -> FieldValues:
        values = value if isinstance(value, list) else [value]
        wanted = expected_count(definition.number, record.alleles)
        is_numeric = definition.type in ("Integer", "Float") and not any(isinstance(each, str) for each in values)
        if is_numeric and wanted in (None, len(values)):
            return definition, values
        # Text may be separated by something else than Hail's commas, and have escapes.
        return self._parser.values(definition, _text(value), record, name, sample=sample)


def _genotype(entry: Said, alleles: int, sample: str) -> Genotype:
    said = _field(entry, "GT")
    if said is None:
        return NO_CALL
    found, phased = tuple(said["alleles"]), said["phased"]
    text = ("|" if phased else "/").join(map(str, found))
    if max(found) >= alleles:
        raise RecordError(f"sample {sample}: GT {text!r} has allele {max(found)}, ALT has only {alleles - 1}")
    return Genotype(text, found, phased if len(found) > 1 else None)


def _defined(structure: Any) -> Iterator[tuple[str, Any]]:
    """Names and values of a structure's fields that are not missing."""
    if structure is None:
        return
    for name, value in zip(structure.__fields__, structure, strict=True):
        if value is not None:
            yield name, value


def _field(structure: Any, name: str) -> Any:
    return structure[name] if name in structure.__fields__ else None


def _text(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return ",".join("." if each is None else str(each) for each in values)
