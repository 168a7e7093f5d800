"""The detector that needs nothing but this container: forms, labels and check digits."""

import re
from collections.abc import Iterator, Sequence

from batch_tools.scan_delivery.labels import column_kind, find_labelled
from batch_tools.scan_delivery.names import find_birth_dates, find_names_with_dates
from batch_tools.scan_delivery.national_ids import find_national_ids, find_social_security_numbers
from batch_tools.scan_delivery.phi import Hit, Kind, Text
from batch_tools.scan_delivery.phi_shapes import can_hold
from batch_tools.scan_delivery.phone_numbers import find_phone_numbers

_EMAIL = re.compile(r"[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![^\W_])")
# What programs note of the database that they asked, as VEP does: its name, an @ and its server.
_OF_A_SERVER = ("db=", "://")
# A column says enough by its name; an empty value, or a word for none, says nothing.
_NOTHING = frozenset(("", ".", "-", "na", "n/a", "nan", "none", "null", "unknown", "0", "redacted", "x"))


class PatternDetector:
    """A PhiDetector by patterns; it is a function of its input."""

    def find(self, texts: Sequence[Text]) -> list[list[Hit]]:
        """The finds of each text; of those that overlap, the first."""
        return [_without_overlaps(_find(text)) for text in texts]


def _find(text: Text) -> Iterator[Hit]:
    value = text.text
    if text.label and (kind := column_kind(text.label)) and _fills(kind, value):
        yield Hit(kind, 0, len(value))
    if not can_hold(value):
        return
    for start, end in _find_emails(value):
        yield Hit(Kind.EMAIL, start, end)
    for start, end in find_social_security_numbers(value):
        yield Hit(Kind.SSN, start, end)
    for kind, start, end in find_labelled(value):
        yield Hit(kind, start, end)
    for start, end in find_birth_dates(value):
        yield Hit(Kind.BIRTH_DATE, start, end)
    for start, end in find_names_with_dates(value, text.place):
        yield Hit(Kind.NAME_AND_DATE, start, end)
    for start, end in find_national_ids(value):
        yield Hit(Kind.NATIONAL_ID, start, end)
    for start, end in find_phone_numbers(value, text.place):
        yield Hit(Kind.PHONE, start, end)


def _find_emails(text: str) -> Iterator[tuple[int, int]]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if not text.endswith(_OF_A_SERVER, 0, match.start()):
                yield match.span()


def _fills(kind: Kind, value: str) -> bool:
    """Whether a cell of such a column tells something: identifiers have digits, names and addresses letters."""
    value = value.strip()
    if value.casefold() in _NOTHING:
        return False
    if kind is Kind.EMAIL:
        return "@" in value
    if kind in (Kind.NAME, Kind.ADDRESS):
        return any(c.isalpha() for c in value) or (kind is Kind.ADDRESS and len(value) >= 4)
    return sum(c.isdigit() for c in value) >= 4


def _without_overlaps(hits: Iterator[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    for hit in hits:
        if not any(hit.start < other.end and other.start < hit.end for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)
