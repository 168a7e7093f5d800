"""Numbers that states give to people, by their form and, through python-stdnum, their check digits.

Those that a chance number passes more often than once in some fifty are looked for in their written form only, with
separators, or behind a label (batch_tools.scan_delivery.labels).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cz import rc
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.tr import tckimlik
from stdnum.us import ssn

# What a number may not touch: it would be a part of something longer. An underscore joins names, it ends a number.
BEFORE = r"(?<![^\W_])(?<!\d[-.,:/])"
AFTER = r"(?![^\W_])(?![-.,:/]\d)"


@dataclass(frozen=True)
class _Scheme:
    """A state's numbers: the form of a candidate, and what says whether it is one."""

    form: re.Pattern[str]
    is_valid: Callable[[str], bool]


def _scheme(form: str, *checks: Callable[[str], bool]) -> _Scheme:
    return _Scheme(re.compile(BEFORE + form + AFTER), lambda text: any(check(text) for check in checks))


def _by_form(_text: str) -> bool:
    """Where the form says enough."""
    return True


def _is_us(text: str) -> bool:
    """Of an area, group and serial that exist; those from 900 on are of taxpayers without an SSN, of the same form."""
    return bool(ssn.is_valid(text)) or text[0] == "9"


def _is_resident(text: str) -> bool:
    """South Korea's check digit is gone since October 2020: month and day are looked at where it does not agree."""
    return bool(rrn.is_valid(text)) or (text[2:4] <= "12" and text[4:6] <= "31")


_MONTH_AND_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_SSN = _scheme(r"(?!000|666)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}", _is_us)

_SCHEMES = (
    _scheme(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    _scheme(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", hetu.is_valid),
    _scheme(r"(?:19|20)?\d{6}[-+]\d{4}", personnummer.is_valid, cpr.is_valid),
    _scheme(r"(?<![:=-])(?:19|20)\d{10}", personnummer.is_valid),
    _scheme(r"[12] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", nir.is_valid),
    _scheme(r"\d{6}-[1-8]\d{6}", _is_resident),
    # China's, by its date: numbers with a wrong check digit are in use.
    _scheme(rf"[1-9]\d{{5}}(?:19|20)\d\d{_MONTH_AND_DAY}\d{{3}}[\dX]", _by_form),
    _scheme(r"(?<![:=-])[1-9]\d{12}", cnp.is_valid),
    _scheme(r"(?<![:=-])\d{11}", pesel.is_valid, fodselsnummer.is_valid, cpf.is_valid, nn.is_valid, tckimlik.is_valid),
    _scheme(r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid),
    _scheme(r"\d{6} \d{5}", fodselsnummer.is_valid),
    _scheme(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", nn.is_valid),
    # HGVS writes places so, too: `g.12345678A>G`.
    _scheme(r"(?<!\.)\d{8}-?[A-HJ-NP-TV-Z](?!>)", dni.is_valid),
    _scheme(r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]", nie.is_valid),
    _scheme(r"\d{3}([ -])\d{3}\1\d{4}", nhs.is_valid),
    _scheme(r"\d{3}([ -])\d{3}\1\d{3}", sin.is_valid),
    _scheme(r"\d{4}([ -])\d{4}\1\d{4}", aadhaar.is_valid),
    _scheme(r"756\.?\d{4}\.?\d{4}\.?\d\d", ahv.is_valid),
    _scheme(r"\d{6}/\d{3,4}", rc.is_valid),
    _scheme(rf"[A-Z]{{4}}\d\d{_MONTH_AND_DAY}[HMX][A-Z]{{5}}[0-9A-Z]\d", _by_form),
    # Britain's has no check digit; the prefixes and the suffix are those of HMRC's manual, NIM39110.
    _scheme(r"(?!BG|GB|KN|NK|NT|TN)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]", _by_form),
    _scheme(r"[A-Z]{2} \d\d ?\d\d ?\d\d [A-Z]", _by_form),
)


def find_social_security_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each number of the United States in `text`."""
    return _found(_SSN, text)


def find_national_ids(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each other number in `text`."""
    for scheme in _SCHEMES:
        yield from _found(scheme, text)


def _found(scheme: _Scheme, text: str) -> Iterator[tuple[int, int]]:
    for match in scheme.form.finditer(text):
        if scheme.is_valid(match[0]):
            yield match.span()
