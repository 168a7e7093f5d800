"""Identifiers of people who do not exist, by Faker, written as people write them.

A number of digits only, which nobody could tell from another, stands behind its label or in a column of that name.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from faker import Faker

LOCALES = (
    *(
        "en_US",
        "en_GB",
        "en_CA",
        "en_IN",
        "de_DE",
        "de_AT",
        "de_CH",
        "fr_FR",
        "es_ES",
        "es_MX",
        "it_IT",
        "nl_NL",
        "nl_BE",
    ),
    *("sv_SE", "da_DK", "no_NO", "fi_FI", "pl_PL", "cs_CZ", "ro_RO", "pt_BR", "tr_TR", "ja_JP", "ko_KR", "zh_CN"),
)
# Locale -> label and how Faker makes the number. Of the others, Faker knows no number of their own.
NATIONAL: dict[str, tuple[str, Callable[[Any], str]]] = {
    "en_GB": ("NINO", lambda f: f.ssn()),
    "en_CA": ("SIN", lambda f: f.ssn()),
    "en_IN": ("Aadhaar", lambda f: f.aadhaar_id()),
    "de_CH": ("AHV", lambda f: f.ssn()),
    "fr_FR": ("NIR", lambda f: f.ssn()),
    "es_ES": ("NIE", lambda f: f.nie()),
    "es_MX": ("CURP", lambda f: f.curp()),
    "it_IT": ("Codice fiscale", lambda f: f.ssn()),
    "nl_NL": ("BSN", lambda f: f.ssn()),
    "nl_BE": ("Rijksregisternummer", lambda f: f.ssn()),
    "sv_SE": ("Personnummer", lambda f: f.ssn()),
    "no_NO": ("Fødselsnummer", lambda f: f.ssn()),
    "fi_FI": ("Henkilötunnus", lambda f: f.ssn()),
    "pl_PL": ("PESEL", lambda f: f.pesel()),
    "cs_CZ": ("Rodné číslo", lambda f: f.birth_number()),
    "ro_RO": ("CNP", lambda f: f.ssn()),
    "pt_BR": ("CPF", lambda f: f.cpf()),
    "tr_TR": ("T.C. kimlik no", lambda f: f.ssn()),
    "ko_KR": ("주민등록번호", lambda f: f.ssn()),
    "zh_CN": ("身份证号", lambda f: f.ssn()),
}
# Those that a chance number passes once in ten are labelled as well.
_WEAK = re.compile(r"\d{9,10}|[A-Z]{2}\d{6}[A-Z]|\d{12}")
_PHONE_LABELS = ("Phone", "Tel.", "mobile", "Telefon", "tel")
_MRN_LABELS = ("MRN", "Medical record number", "Hospital No", "MRN#", "medical record no.")
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d-%m-%Y", "%d %b %Y", "%Y/%m/%d", "%d%b%Y")
KINDS = ("name with date", "MRN", "SSN", "e-mail", "phone", "national id")


@dataclass(frozen=True)
class Identifier:
    """One person's: the value as it stands by itself, and as a sentence has it."""

    kind: str
    locale: str
    value: str
    sentence: str
    column: str


def identifiers(rng: random.Random, kind: str) -> Iterator[Identifier]:
    """Without end, of one kind, in all locales that have it."""
    fakers = {locale: Faker(locale) for locale in LOCALES}
    # Some of Faker's providers draw from Python's own generator.
    random.seed(rng.getrandbits(64))
    for faker in fakers.values():
        faker.seed_instance(rng.getrandbits(64))
    makers = {
        "name with date": _name_with_date,
        "MRN": _mrn,
        "SSN": _ssn,
        "e-mail": _email,
        "phone": _phone,
        "national id": _national_id,
    }
    locales = {"SSN": ["en_US"], "national id": list(NATIONAL)}.get(kind, list(LOCALES))
    while True:
        locale = rng.choice(locales)
        value, sentence, column = makers[kind](rng, fakers[locale], locale)
        yield Identifier(kind, locale, value, sentence, column)


def _name_with_date(rng: random.Random, faker: Any, locale: str) -> tuple[str, str, str]:
    born: date = faker.date_of_birth(maximum_age=100)
    written = born.strftime(rng.choice(_DATES))
    name = rng.choice((faker.name, lambda: f"{faker.last_name()} {faker.first_name()}"))()
    if rng.random() < 0.4:
        name = name.upper()
    separator = rng.choice(("_", " ", "_", "-"))
    parts = [name.replace(" ", separator if separator != "-" else "_"), written]
    if rng.random() < 0.2:
        parts.reverse()
    value = separator.join(parts)
    form = rng.choice(
        ("patient {n}, born {d}", "sample of {n} ({d})", "{n}, DOB: {d}", "{d} {n}", "{n} {d}", "{n} *{d}")
    )
    return value, form.format(n=name, d=written), "participant"


def _mrn(rng: random.Random, _faker: Any, _locale: str) -> tuple[str, str, str]:
    number = "".join(rng.choices("0123456789", k=rng.randint(6, 10)))
    value = f"MRN{rng.choice(('', '_', '-', ':', ' '))}{number}"
    return value, f"{rng.choice(_MRN_LABELS)}{rng.choice((': ', ' ', '=', ':'))}{number}", "note"


def _ssn(_rng: random.Random, faker: Any, _locale: str) -> tuple[str, str, str]:
    number = faker.ssn()
    return number, f"identified by {number}", "note"


def _email(_rng: random.Random, faker: Any, _locale: str) -> tuple[str, str, str]:
    address = faker.email()
    return address, f"results to {address}", "note"


def _phone(rng: random.Random, faker: Any, _locale: str) -> tuple[str, str, str]:
    number = faker.phone_number()
    label = rng.choice(_PHONE_LABELS)
    sentence = f"{label} {number}"
    return (number if re.search(r"[ ()./+-]", number) else sentence), sentence, "note"


def _national_id(_rng: random.Random, faker: Any, locale: str) -> tuple[str, str, str]:
    label, make = NATIONAL[locale]
    number = make(faker)
    sentence = f"{label}: {number}"
    return (sentence if _WEAK.fullmatch(number) else number), sentence, "note"
