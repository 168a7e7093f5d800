"""Values of a record's fields as text, from the rows of its alternate alleles."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from genomics.contracts.vcf_fields import FieldDefinition, OwnColumn, undeclared

Row = Mapping[str, Any]

# VCF 4.3, section 1.2. A colon is special in FORMAT alone, an equals sign nowhere in a value.
_SPECIAL = {"INFO": re.compile(r"[%;\r\n\t]"), "FORMAT": re.compile(r"[%:\r\n\t]")}
_KINDS = {"Integer": "integers", "Float": "floats", "String": "strings", "Character": "strings"}


class FieldTexts:
    """Writes the fields of one kind, INFO or FORMAT, of one file."""

    def __init__(
        self, kind: str, fields: Mapping[str, FieldDefinition], columns: Mapping[str, OwnColumn], *, encode: bool
    ) -> None:
        self._kind, self._fields, self._columns, self._encode = kind, fields, columns, encode
        self._rank = {name: rank for rank, name in enumerate(fields)}

    def in_order(self, names: set[str]) -> list[str]:
        """Names as the header has them, others after them."""
        return sorted(names, key=lambda name: (self._rank.get(name, len(self._rank)), name))

    def of(self, rows: Sequence[Row], alternates: int) -> dict[str, str]:
        """The fields of a record, or a call, that has these rows, by name; `alternates` is the number of its ALTs.

        A field with a column is left out where its value is missing: whether it was there is not known.
        """
        found = {}
        for name, column in self._columns.items():
            values = {row["alt_index"] or 0: row[column.name] for row in rows}
            if any(value is not None for value in values.values()):
                found[name] = self._of_column(column, values, alternates)
        for kind in ("integers", "floats", "strings"):
            maps = {row["alt_index"] or 0: dict(row[f"{self._kind.lower()}_{kind}"] or ()) for row in rows}
            for name in dict.fromkeys(name for own in maps.values() for name in own):
                values = {index: own.get(name) for index, own in maps.items()}
                found[name] = self._of_map(name, kind, values, alternates)
        return found

    def _of_column(self, column: OwnColumn, values: Mapping[int, Any], alternates: int) -> str:
        if column.number == "A":
            return ",".join(_shown(values.get(index)) for index in range(1, alternates + 1))
        if column.number == "R":
            return _per_allele(values, alternates, _shown)
        value = next(value for value in values.values() if value is not None)
        if column.name == "sample_filters":
            return ";".join(self._text(name, "") for name in value)
        return ",".join(map(_shown, value)) if isinstance(value, list) else _shown(value)

    def _of_map(self, name: str, kind: str, values: Mapping[int, Any], alternates: int) -> str:
        field = self._fields.get(name) or undeclared(name)
        first = next((value for value in values.values() if value is not None), None)
        if first is None:
            return "."
        if _KINDS.get(field.type) != kind or self._is_text(field, first):
            # It is not as declared: it stands there as it stood in the file.
            return str(first[0])

        def shown(value: Any) -> str:
            return self._text(value, field.separator) if isinstance(value, str) else _shown(value)

        wanted = {"A": 1, "R": 2}.get(field.number)
        if alternates == 0 or wanted is None or any(len(v) != wanted for v in values.values() if v is not None):
            return field.separator.join(map(shown, first)) if field.separator else shown(first[0])
        if field.number == "R":
            return _per_allele(values, alternates, shown)
        return ",".join(shown((values.get(index) or [None])[0]) for index in range(1, alternates + 1))

    def _is_text(self, field: FieldDefinition, values: Sequence[Any]) -> bool:
        """Whether a String's values were too many, or too few, and so kept undivided."""
        if field.number.isdigit():
            return len(values) != int(field.number)
        return field.number in ("A", "R") and not self._encode and any("," in str(value) for value in values)

    def _text(self, value: str, separator: str) -> str:
        if not self._encode:
            return value
        value = _SPECIAL[self._kind].sub(_code, value)
        return value.replace(",", "%2C") if separator == "," else value


def _per_allele(values: Mapping[int, Any], alternates: int, shown: Any) -> str:
    """The reference's value, and each ALT's: `.` for those of which there is no row."""
    first = next(value for value in values.values() if value is not None)
    alleles = [(values.get(index) or [None, None])[-1] for index in range(1, alternates + 1)]
    return ",".join(map(shown, [first[0], *alleles]))


def _code(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _shown(value: Any) -> str:
    if value is None:
        return "."
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def number(value: float | None) -> str:
    """A number as VCF writes it; `.` for none."""
    return _shown(value)
