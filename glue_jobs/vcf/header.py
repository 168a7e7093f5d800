"""The VCF header: which fields there are, of what type and number, and whose samples follow."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genomics.contracts.vcf_fields import FieldDefinition, attributes, define
from glue_jobs.vcf.consequence_formats import ConsequenceFormat, consequence_format
from glue_jobs.vcf.errors import VcfError

_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_TYPES = {
    "INFO": ("Integer", "Float", "Flag", "Character", "String"),
    "FORMAT": ("Integer", "Float", "Character", "String"),
}
_VERSION = re.compile(r"##fileformat=VCFv?(\d+)\.(\d+)\s*")
# -1 is how VCF 4.0 wrote `.`
_NUMBER = {
    "INFO": re.compile(r"\d+|-1|[.ARG]"),
    "FORMAT": re.compile(r"\d+|-1|[.ARGPM]|L[ARG]"),
}


@dataclass(frozen=True)
class Header:
    """What the records refer to. `consequences` are INFO fields that tell them; `lines` is how many the header has.

    `text` is these lines as they stand, each with a line feed.
    """

    version: tuple[int, int]
    info: Mapping[str, FieldDefinition]
    format: Mapping[str, FieldDefinition]
    consequences: Mapping[str, ConsequenceFormat]
    samples: tuple[str, ...]
    columns: int
    lines: int
    text: str

    @property
    def is_percent_encoded(self) -> bool:
        """Special characters inside values are written as `%3A` and so on."""
        return self.version >= (4, 3)


def parse_header(lines: Iterable[str]) -> Header:
    """Read the header's lines, the last of which is the one of the columns. VcfError names the line."""
    fields: dict[str, dict[str, FieldDefinition]] = {"INFO": {}, "FORMAT": {}}
    consequences: dict[str, ConsequenceFormat] = {}
    version = (0, 0)
    texts: list[str] = []
    for number, text in enumerate(lines, 1):
        line = text.rstrip("\r\n")
        texts.append(f"{line}\n")
        if number == 1:
            version = _version(line)
        elif line.startswith("#CHROM"):
            columns = line.split("\t")
            samples = _samples(columns, number)
            return Header(
                version=version,
                info=fields["INFO"],
                format=fields["FORMAT"],
                consequences=consequences,
                samples=samples,
                columns=len(columns),
                lines=number,
                text="".join(texts),
            )
        elif not line.startswith("##"):
            raise VcfError(f"line {number}: the header has no #CHROM line before {line[:40]!a}; restore it")
        else:
            kind = line[2:].partition("=")[0]
            if kind in fields and line[len(kind) + 3 :].startswith("<"):
                field, description = _field(kind, line, number)
                # htslib keeps the first as well.
                is_first = fields[kind].setdefault(field.name, field) is field
                if kind == "INFO" and is_first and (form := consequence_format(field.name, field.type, description)):
                    consequences[field.name] = form
    raise VcfError("the header has no #CHROM line; restore it")


def _version(line: str) -> tuple[int, int]:
    match = _VERSION.fullmatch(line.removeprefix("\ufeff"))
    if not match:
        raise VcfError(f"line 1: expected '##fileformat=VCFv4.x', found {line[:40]!a}")
    version = (int(match[1]), int(match[2]))
    if version[0] != 4:
        raise VcfError(f"line 1: VCF version {version[0]}.{version[1]} cannot be read; convert it to 4.x")
    return version


def _field(kind: str, line: str, number: int) -> tuple[FieldDefinition, str]:
    """The field and its Description."""
    said = attributes(line)
    where = f"line {number}: {kind} field {said.get('ID', '')}".rstrip()
    for name in ("ID", "Number", "Type"):
        if not said.get(name):
            raise VcfError(f"{where}: has no {name}; correct the header")
    name, count, kind_of_value = said["ID"], said["Number"], said["Type"]
    if not _NUMBER[kind].fullmatch(count):
        raise VcfError(f"{where}: Number is {count!r}; expected a number, A, R, G or .")
    if kind_of_value not in _TYPES[kind]:
        raise VcfError(f"{where}: Type is {kind_of_value!r}; expected one of {', '.join(_TYPES[kind])}")
    return define(name, count, kind_of_value), said.get("Description", "")


def _samples(columns: list[str], number: int) -> tuple[str, ...]:
    for position, name in enumerate(_COLUMNS):
        if position >= len(columns) or columns[position] != name:
            found = repr(columns[position]) if position < len(columns) else "nothing"
            raise VcfError(f"line {number}: column {position + 1} must be {name}, found {found}; separate them by tabs")
    if len(columns) == len(_COLUMNS):
        return ()
    if columns[8] != "FORMAT":
        raise VcfError(f"line {number}: column 9 must be FORMAT, found {columns[8]!r}")
    samples = tuple(columns[9:])
    seen: set[str] = set()
    for sample in samples:
        if not sample:
            raise VcfError(f"line {number}: a sample has no name; is there a tab at the end of the line?")
        if sample in seen:
            raise VcfError(f"line {number}: sample {sample!r} stands there twice; rename one")
        seen.add(sample)
    return samples
