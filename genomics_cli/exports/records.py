"""Records of a VCF from rows of `variants` and `genotypes`: the alternate alleles of a record come together again."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from genomics.contracts.vcf_fields import FORMAT_COLUMNS, INFO_COLUMNS
from genomics_cli.exports.headers import ExportHeader
from genomics_cli.exports.values import FieldTexts, Row, number

_Key = tuple[int, str, tuple[str, ...]]


@dataclass
class _Record:
    variants: list[Row] = field(default_factory=list)
    calls: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))


class RecordWriter:
    """Writes the records of one file."""

    def __init__(self, header: ExportHeader) -> None:
        self._header, encode = header, header.is_percent_encoded
        self._info = FieldTexts("INFO", header.info, INFO_COLUMNS, encode=encode)
        self._format = FieldTexts("FORMAT", header.format, FORMAT_COLUMNS, encode=encode)

    def lines(self, chrom: str, variants: Iterable[Row], genotypes: Iterable[Row]) -> Iterator[str]:
        """Lines of a contig, sorted by POS, from its rows in the order of their tables; rows of calls have `sample`."""
        records = _gathered(variants, genotypes)
        for (position, reference, alternates), record in sorted(records, key=lambda each: each[0][0]):
            rows = sorted(record.variants, key=lambda row: row["alt_index"] or 0)
            first = rows[0]
            columns = [
                chrom,
                str(position),
                ";".join(first["ids"] or ["."]),
                reference,
                ",".join(alternates) or ".",
                number(first["qual"]),
                ";".join(first["filters"] or ["."]),
                self._info_text(rows, len(alternates)),
            ]
            if self._header.has_format:
                columns += self._calls(record.calls, len(alternates))
            yield "\t".join(columns) + "\n"

    def _info_text(self, rows: Sequence[Row], alternates: int) -> str:
        texts = self._info.of(rows, alternates)
        flags = set(rows[0]["info_flags"] or ())
        # A Flag that had a value all the same has it in the map of strings.
        entries = [
            f"{name}={texts[name]}" if name in texts else name for name in self._info.in_order(flags | texts.keys())
        ]
        return ";".join(entries) or "."

    def _calls(self, calls: dict[str, list[Row]], alternates: int) -> list[str]:
        """FORMAT and the samples' columns. A sample without a row is homozygous for the reference."""
        fields = {sample: self._format.of(rows, alternates) for sample, rows in calls.items()}
        genotypes = {sample: rows[0]["genotype"] for sample, rows in calls.items()}
        is_genotyped = len(calls) < len(self._header.samples) or any(genotypes.values())
        names = self._format.in_order({name for texts in fields.values() for name in texts})
        columns = [":".join([*["GT"] * is_genotyped, *names]) or "."]
        for sample in self._header.samples:
            if sample not in calls:
                columns.append("0/0")
                continue
            texts = [fields[sample].get(name, ".") for name in names]
            columns.append(":".join([*[genotypes[sample] or "."] * is_genotyped, *texts]) or ".")
        return columns


def _gathered(variants: Iterable[Row], genotypes: Iterable[Row]) -> list[tuple[_Key, _Record]]:
    """The records by POS, REF and ALT. Those that have all of these in common are told apart by the order of rows."""
    records: dict[tuple[_Key, int], _Record] = defaultdict(_Record)
    seen: Counter[object] = Counter()
    for row in variants:
        key = _key(row)
        records[key, seen[key, row["alt_index"]]].variants.append(row)
        seen[key, row["alt_index"]] += 1
    for row in genotypes:
        key, own = _key(row), (row["sample"], row["alt_index"])
        records[key, seen[key, own]].calls[row["sample"]].append(row)
        seen[key, own] += 1
    return [(key, record) for (key, _), record in records.items()]


def _key(row: Row) -> _Key:
    return row["original_pos"], row["original_ref"], tuple(row["original_alts"] or ())
