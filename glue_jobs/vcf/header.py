"""The VCF header: which fields there are, of what type and number, and whose samples follow."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from glue_jobs.vcf.consequence_formats import ConsequenceFormat, consequence_format
from glue_jobs.vcf.errors import VcfError

_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_TYPES = {
    "INFO": ("Integer", "Float", "Flag", "Character", "String"),
    "FORMAT": ("Integer", "Float", "Character", "String"),
}
_VERSION = re.compile(r"##fileformat=VCFv?(\d+)\.(\d+)\s*")
_ATTRIBUTE = re.compile(r'([A-Za-z][\w.]*)=("(?:[^"\\]|\\.)*"|[^,<>"]*)(?:,|>\s*$)')
# -1 is how VCF 4.0 wrote `.`
_NUMBER = {
    "INFO": re.compile(r"\d+|-1|[.ARG]"),
    "FORMAT": re.compile(r"\d+|-1|[.ARGPM]|L[ARG]"),
}
# Their values are separated by `|`, and `,` is part of the text.
_CLINVAR = re.compile(r"(?:CLN|ONC|SCI)(?:DN|DISDB|SIG|REVSTAT|HGVS|VI|SIGCONF|CONF|SIGSCV|SCV)?(?:INCL)?")


@dataclass(frozen=True)
class FieldDefinition:
    """An INFO or FORMAT field. `number` as the header has it; `separator` stands between its values, empty for none."""

    name: str
    number: str
    type: str
    separator: str


@dataclass(frozen=True)
class Header:
    """What the records refer to. `consequences` are INFO fields that tell them; `lines` is how many the header has."""

    version: tuple[int, int]
    info: Mapping[str, FieldDefinition]
    format: Mapping[str, FieldDefinition]
    consequences: Mapping[str, ConsequenceFormat]
    samples: tuple[str, ...]
    columns: int
    lines: int

    @property
    def is_percent_encoded(self) -> bool:
        """Special characters inside values are written as `%3A` and so on."""
        return self.version >= (4, 3)


def undeclared(name: str) -> FieldDefinition:
    """What a field is taken for of which nothing is known: an undivided string."""
    return FieldDefinition(name, ".", "String", "")


def define(name: str, number: str, kind: str) -> FieldDefinition:
    """A field with the separator that follows from the rest."""
    separator = ","
    if kind == "String":
        if number == "1":
            separator = ""
        elif number == "." and _CLINVAR.fullmatch(name):
            separator = "|"
    return FieldDefinition(name, number, kind, separator)


def parse_header(lines: Iterable[str]) -> Header:
    """Read the header's lines, the last of which is the one of the columns. VcfError names the line."""
    fields: dict[str, dict[str, FieldDefinition]] = {"INFO": {}, "FORMAT": {}}
    consequences: dict[str, ConsequenceFormat] = {}
    version = (0, 0)
    for number, text in enumerate(lines, 1):
        line = text.rstrip("\r\n")
        if number == 1:
            version = _version(line)
        elif line.startswith("#CHROM"):
            columns = line.split("\t")
            samples = _samples(columns, number)
            return Header(version, fields["INFO"], fields["FORMAT"], consequences, samples, len(columns), number)
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
    attributes: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(line):
        attributes.setdefault(name, value)
    where = f"line {number}: {kind} field {attributes.get('ID', '')}".rstrip()
    for name in ("ID", "Number", "Type"):
        if not attributes.get(name):
            raise VcfError(f"{where}: has no {name}; correct the header")
    name, count, kind_of_value = attributes["ID"], attributes["Number"], attributes["Type"]
    if not _NUMBER[kind].fullmatch(count):
        raise VcfError(f"{where}: Number is {count!r}; expected a number, A, R, G or .")
    if kind_of_value not in _TYPES[kind]:
        raise VcfError(f"{where}: Type is {kind_of_value!r}; expected one of {', '.join(_TYPES[kind])}")
    return define(name, "." if count == "-1" else count, kind_of_value), attributes.get("Description", "")


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
