"""The header of a loaded VCF: what is needed to write its records again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from genomics.contracts.vcf_fields import STANDARD_FORMAT, STANDARD_INFO, FieldDefinition, attributes, define

_VERSION = re.compile(r"##fileformat=VCFv?(\d+)\.(\d+)")
_FIELD = re.compile(r"##(INFO|FORMAT|contig)=<")


@dataclass(frozen=True)
class ExportHeader:
    """`text` is the whole of it; fields are in the order of their declaration, then those that VCF itself defines."""

    text: str
    version: tuple[int, int]
    info: Mapping[str, FieldDefinition]
    format: Mapping[str, FieldDefinition]
    contigs: tuple[str, ...]
    samples: tuple[str, ...]
    has_format: bool

    @property
    def is_percent_encoded(self) -> bool:
        """Special characters inside values are written as `%3A` and so on."""
        return self.version >= (4, 3)


def read_header(text: str) -> ExportHeader:
    """Read the header of a VCF that the lake has loaded."""
    declared: dict[str, dict[str, FieldDefinition]] = {"INFO": {}, "FORMAT": {}}
    contigs: dict[str, None] = {}
    lines = text.splitlines()
    version = _VERSION.match(lines[0].removeprefix("\ufeff"))
    for line in lines:
        match = _FIELD.match(line)
        if match is None:
            continue
        said = attributes(line)
        if match[1] == "contig":
            contigs[said.get("ID", "")] = None
        else:
            field = define(said["ID"], said["Number"], said["Type"])
            declared[match[1]].setdefault(field.name, field)
    columns = lines[-1].split("\t")
    return ExportHeader(
        text=text,
        version=(int(version[1]), int(version[2])) if version else (4, 2),
        info={**declared["INFO"], **{k: v for k, v in STANDARD_INFO.items() if k not in declared["INFO"]}},
        format={**declared["FORMAT"], **{k: v for k, v in STANDARD_FORMAT.items() if k not in declared["FORMAT"]}},
        contigs=tuple(contigs),
        samples=tuple(columns[9:]),
        has_format=len(columns) > 8,
    )
