"""INFO and FORMAT fields of a VCF: what their definitions say, and which of them have a column of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ATTRIBUTE = re.compile(r'([A-Za-z][\w.]*)=("(?:[^"\\]|\\.)*"|[^,<>"]*)(?:,|>\s*$)')
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
class OwnColumn:
    """A field's own column, with the type and number that the specification gives the field."""

    name: str
    type: str
    number: str


INFO_COLUMNS = {
    "DP": OwnColumn("depth", "Integer", "1"),
    "AC": OwnColumn("allele_count", "Integer", "A"),
    "AN": OwnColumn("allele_number", "Integer", "1"),
    "AF": OwnColumn("allele_frequency", "Float", "A"),
}
FORMAT_COLUMNS = {
    "DP": OwnColumn("depth", "Integer", "1"),
    "GQ": OwnColumn("genotype_quality", "Integer", "1"),
    "PS": OwnColumn("phase_set", "Integer", "1"),
    "AD": OwnColumn("allele_depths", "Integer", "R"),
    "PL": OwnColumn("genotype_likelihoods", "Integer", "."),
    "FT": OwnColumn("sample_filters", "String", "1"),
}
# It stands in its map as well.
END = OwnColumn("end", "Integer", "1")


def attributes(line: str) -> Mapping[str, str]:
    """What a header line `##INFO=<ID=DP,...>` says; of what it says twice the first. Quotes stay."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(line):
        found.setdefault(name, value)
    return found


def undeclared(name: str) -> FieldDefinition:
    """What a field is taken for of which nothing is known: an undivided string."""
    return FieldDefinition(name, ".", "String", "")


def define(name: str, number: str, kind: str) -> FieldDefinition:
    """A field with the separator that follows from the rest; a Number of -1 is how VCF 4.0 wrote `.`."""
    number = "." if number == "-1" else number
    separator = ","
    if kind == "String":
        if number == "1":
            separator = ""
        elif number == "." and _CLINVAR.fullmatch(name):
            separator = "|"
    return FieldDefinition(name, number, kind, separator)


def _read(text: str) -> dict[str, FieldDefinition]:
    words = text.split()
    return {
        name: define(name, number, kind)
        for name, number, kind in zip(words[::3], words[1::3], words[2::3], strict=True)
    }


# Type and number that VCF itself says (VCF 4.3, tables 1 and 2); they hold where a header is silent.
STANDARD_INFO = _read("""
    AA 1 String        AC A Integer      AD R Integer      ADF R Integer     ADR R Integer     AF A Float
    AN 1 Integer       BQ 1 Float        CIGAR A String    DB 0 Flag         DP 1 Integer      END 1 Integer
    H2 0 Flag          H3 0 Flag         MQ 1 Float        MQ0 1 Integer     NS 1 Integer      SOMATIC 0 Flag
    VALIDATED 0 Flag   1000G 0 Flag
""")
STANDARD_FORMAT = _read("""
    GT 1 String        AD R Integer      ADF R Integer     ADR R Integer     DP 1 Integer      EC A Integer
    FT 1 String        GL G Float        GP G Float        GQ 1 Integer      HQ 2 Integer      MQ 1 Integer
    PL G Integer       PP G Integer      PQ 1 Integer      PS 1 Integer
""")
