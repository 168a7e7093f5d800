"""What personal health information is, as the scanners report it; which scanner finds it is a setting.

The 18 identifiers of HIPAA's Safe Harbor, 45 CFR 164.514(b)(2), as far as files of genomics have been seen to carry
them. A name alone is no finding, as it cannot be told from other words: beside a date it is, or in a column of names.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Kind(enum.StrEnum):
    """What was found, in the words of a report."""

    EMAIL = "e-mail address"
    SSN = "social security number"
    MRN = "medical record number"
    NATIONAL_ID = "national identity number"
    PHONE = "phone number"
    NAME_AND_DATE = "name with a date"
    BIRTH_DATE = "date of birth"
    NAME = "name of a person"
    ADDRESS = "address"
    OTHER = "personal information"


class Place(enum.Enum):
    """How a text is to be read: as a sentence; or as a value by itself, such as a sample's name or a cell."""

    SENTENCE = "sentence"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Text:
    """Something that is looked through. `label` says what it is (a column's name), `line` counts from 1."""

    text: str
    place: Place = Place.VALUE
    label: str = ""
    line: int | None = None
    field: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A find: characters `start` to `end` of a text."""

    kind: Kind
    start: int
    end: int


class PhiDetector(Protocol):
    """Looks through texts."""

    def find(self, texts: Sequence[Text]) -> list[list[Hit]]:
        """The finds of each text. ScannerError where the detector does not answer."""


def masked(value: str) -> str:
    """A value's shape, for reports: letters are x, digits 9; nothing of it can be read."""
    return "".join("9" if c.isdigit() else "x" if c.isalpha() else c if c.isascii() else "?" for c in value[:80])
