"""Phone numbers as they are written: international ones, and national ones that are told by their separators."""

import re
from collections.abc import Iterator

import phonenumbers

from batch_tools.scan_delivery.national_ids import AFTER, BEFORE
from batch_tools.scan_delivery.phi import Place

_EXTENSION = r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?"
_INTERNATIONAL = re.compile(
    r"(?<![^\W_])\(?(?:\+|00(?=[1-9]\d{0,2}[ (]))[1-9](?:[ ()./-]{0,3}\d){6,15}" + _EXTENSION + AFTER
)
_SEPARATED = re.compile(r"\d[ ()./-]+\d")
_NATIONAL = (
    # North America's, with or without the 1.
    re.compile(BEFORE + r"(?:(?:00)?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}" + _EXTENSION + AFTER),
    # An area in brackets.
    re.compile(r"(?<![^\W_])\(0?\d{1,5}\)[ -]{0,3}\d(?:[ -]?\d){4,9}" + _EXTENSION + AFTER),
    # East Asia's and Brazil's.
    re.compile(BEFORE + r"\d{2,3}[- ]\d{3,5}-\d{4}" + AFTER),
    # The trunk prefix of most of Europe.
    re.compile(BEFORE + r"0\d{1,4}[ /-]{1,2}\d{2,3}(?: \d{2,3}){2,3}" + AFTER),
    re.compile(BEFORE + r"0[1-9]\d{0,4}[ /-](?=(?:[ /-]?\d){4,9}(?!\d))\d(?:[ /-]?\d){4,8}" + _EXTENSION + AFTER),
)
# Groups without a prefix, which only the plan of a country tells from other numbers.
_GROUPS = re.compile(BEFORE + r"\d{2,4}(?: \d{1,4}){1,4}" + AFTER)
# As in Norway, Denmark and France, and within Turkish cities, in whatever ranges.
_WITHOUT_AREA = re.compile(r"\d{3} \d\d? \d{3}|\d\d(?: \d\d){3}|\d{4} \d{4}")
_YEARS = re.compile(r"^(?:19|20)\d\d (?:19|20)\d\d")
_REGIONS = ("ES", "PL", "DK", "NO", "CZ", "FR", "PT", "IT")
_DATE = re.compile(r"\d{1,2}[-/ ]\d{1,2}[-/ ](?:19|20)\d\d|(?:19|20)\d\d[-/ ]\d{1,2}[-/ ]\d{1,2}")


def find_phone_numbers(text: str, place: Place) -> Iterator[tuple[int, int]]:
    """Start and end of each number in `text`; of those told by a country's plan alone, in values only."""
    for match in _INTERNATIONAL.finditer(text):
        if _SEPARATED.search(match[0]) or _is_possible(match[0]):
            yield match.span()
    for form in _NATIONAL:
        for match in form.finditer(text):
            if not _DATE.fullmatch(match[0]):
                yield match.span()
    if place is Place.VALUE:
        for match in _GROUPS.finditer(text):
            if not _YEARS.search(match[0]) and (
                _WITHOUT_AREA.fullmatch(match[0]) or any(_is_valid(match[0], region) for region in _REGIONS)
            ):
                yield match.span()


def _is_possible(text: str) -> bool:
    number = "+" + text.lstrip("(").removeprefix("00").removeprefix("+")
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(text: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False
