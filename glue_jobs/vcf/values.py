"""Values of INFO and FORMAT fields, as their header types say; `.` is None."""

import re
from collections.abc import Callable

from genomics.contracts.vcf_fields import FieldDefinition
from glue_jobs.vcf.errors import RecordError

Value = int | float | str | None

_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_FLOAT = re.compile(r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|(?i:inf|infinity|nan))")
_INT64 = 1 << 63
# VCF 4.3, section 1.2: these, in upper case, and no others.
_ESCAPED = re.compile("%(?:3A|3B|3D|25|2C|0D|0A|09)")


def percent_decoded(text: str) -> str:
    """The text with VCF's escapes replaced by what they stand for."""
    return _ESCAPED.sub(lambda match: chr(int(match[0][1:], 16)), text) if "%" in text else text


def parse_float(text: str) -> float:
    """A number as VCF writes it, `inf` and `nan` included."""
    if not _FLOAT.fullmatch(text):
        raise RecordError(f"{text!r} is not a number")
    return float(text)


def parse_integer(text: str) -> int:
    """A whole number of at most 64 bits."""
    if not _INTEGER.fullmatch(text) or not -_INT64 <= int(text) < _INT64:
        raise RecordError(f"{text!r} is not an integer")
    return int(text)


def parse_values(field: FieldDefinition, text: str, *, decode: bool) -> list[Value] | None:
    """Values of the field; `decode` replaces percent escapes. RecordError says what does not fit."""
    if text == ".":
        return None
    if not text:
        raise RecordError("has no value")
    parse = _text_parser(field, decode=decode) if field.type in ("String", "Character") else _NUMERIC[field.type]
    elements = text.split(field.separator) if field.separator else [text]
    return [None if element == "." else parse(element) for element in elements]


def none_if_missing(values: list[Value] | None) -> list[Value] | None:
    """None in place of an array that is all missing."""
    return None if values is None or values.count(None) == len(values) else values


def expected_count(number: str, alleles: int) -> int | None:
    """How many values a field of this Number has; None where that is open, or (G) depends on the sample."""
    if number.isdigit():
        return int(number)
    if number == "A":
        return alleles - 1
    return alleles if number == "R" else None


def _text_parser(field: FieldDefinition, *, decode: bool) -> Callable[[str], Value]:
    def parse(token: str) -> Value:
        value = percent_decoded(token) if decode else token
        if field.type == "Character" and len(value) != 1:
            raise RecordError(f"{token!r} is not one character")
        # An empty element says nothing; there are no empty strings in the tables.
        return value or None

    return parse


_NUMERIC: dict[str, Callable[[str], Value]] = {"Integer": parse_integer, "Float": parse_float}
