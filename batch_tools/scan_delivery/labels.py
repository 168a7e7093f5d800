"""Words that announce personal information: in sentences before its value, in tables above its column.

In the languages of Western and Northern Europe, and in those that write otherwise the word itself.
"""

import re
from collections.abc import Iterator

from batch_tools.scan_delivery.phi import Kind

_NUMBER = r"(?:[ _.-]*(?:no|nr|num|number|nummer|id|code))?"
_WORDS = {
    Kind.MRN: (
        r"mrn|med(?:ical)?[ _.-]*rec(?:ord)?" + _NUMBER,
        r"(?:hospital|chart|patient|patienten|fall|case[ _.-]*record)[ _.-]*(?:no|nr|num|number|nummer)",
        r"n[uú]mero de historia(?: cl[ií]nica)?|nhc|ipp|n° de dossier|cartella clinica|journalnummer",
    ),
    Kind.SSN: (r"ssn|social[ _.-]*security" + _NUMBER,),
    Kind.NATIONAL_ID: (
        r"nhs" + _NUMBER + r"|nino|national[ _.-]*(?:insurance|identity|id)" + _NUMBER,
        r"bsn|burgerservicenummer|steuer[ _.-]*id(?:[ _.-]*nr)?|idnr|insee|nir|n[°o]? de s[ée]curit[ée] sociale",
        r"codice[ _.-]*fiscale|pesel|cpf|person(?:al)?[ _.-]*(?:nummer|number)|hetu|henkil[öo]tunnus|cpr(?:[ _.-]*nr)?",
        r"f[øo]dselsnummer|dni|nie|nif|sin|aadhaar|tckn|t\.?c\.? kimlik(?:[ _.-]*no)?|rodn[ée] [čc][íi]slo|cnp|ahv|avs",
        r"rijksregister(?:nummer)?|resident registration|passport"
        + _NUMBER
        + r"|マイナンバー|身份证(?:号码?)?|주민등록번호",
    ),
    Kind.PHONE: (
        r"(?:tele)?phone"
        + _NUMBER
        + r"|tel(?:efon|efono|éfono|éphone|efone|efonu|efoon)?|mobile?|m[óo]vil|handy|fax|gsm",
        r"celular|cellulare|puhelin|mobil|電話(?:番号)?|전화(?:번호)?|电话|फ़ोन",
    ),
    Kind.BIRTH_DATE: (
        r"dob|d\.o\.b|birth[ _.-]*(?:date|day)|date[ _.-]*of[ _.-]*birth|born(?: on)?|geb(?:oren(?: am)?|urtsdatum)?",
        r"n[ée]e? le|date de naissance|fecha de nacimiento|nacid[oa] el|data di nascita|nat[oa] il|geboortedatum",
        r"f[øöo]dt?|födelsedatum|syntynyt|syntym[äa]aika|data urodzenia|ur|narozen[aý]?",
        r"data de nascimento|doğum tarihi",
        r"生年月日|생년월일|出生日期|जन्म तिथि",
    ),
    Kind.EMAIL: (r"e[ _.-]*mail(?:[ _.-]*address)?",),
    Kind.NAME: (
        r"(?:patient|first|last|given|family|full|sur|maiden|middle)(?:'?s)?[ _.-]*names?|surname|forename|vorname",
        r"nachname|familienname|pr[ée]nom|nom[ _.-]*de[ _.-]*famille|nombre|apellidos?|cognome|achternaam|voornaam",
        r"efternamn|förnamn|etunimi|sukunimi|imi[eę]|nazwisko|氏名|이름|姓名",
    ),
    Kind.ADDRESS: (
        r"(?:street|home|postal|mailing)?[ _.-]*address|street|post[ _.-]*code|postal[ _.-]*code|zip(?:[ _.-]*code)?",
        r"anschrift|adresse|postleitzahl|plz|direcci[óo]n|indirizzo|住所|주소|地址",
    ),
}
_WORDS_OF_LABELS = """
mrn med medical hospital chart patient patienten patientennummer patientennr fall fallnummer fallnr case historia
nhc ipp dossier cartella journalnummer hospitalno hospitalnumber chartno medrec medicalrecord patientnumber
patientno ssn social socialsecurity nhs nhsnumber nhsno nino national nationalid bsn burgerservicenummer steuer
steuerid steueridnr idnr insee nir securite codice codicefiscale pesel cpf personnummer personalnumber personal
person hetu henkilotunnus cpr cprnr fodselsnummer dni nie nif sin aadhaar tckn kimlik rodne cnp ahv avs
rijksregister rijksregisternummer resident passport passportno passportnumber phone telephone phonenumber phoneno
telephonenumber tel telefon telefono telefone telefonu telefoon mobil mobile movil handy fax gsm celular cellulare
puhelin dob d birth birthdate birthday dateofbirth date born geb geboren geburtsdatum ne nee naissance nacimiento
nacido nacida nascita nato nata geboortedatum fodt syntynyt syntymaaika urodzenia ur nascimento dogum narozena
narozeny hospitalnr hospitalnum chartnr chartnum chartnumber patientnr patientnum patientid personnumber phonenum
phonenr
"""
_BETWEEN = r"(?: is|:|=|#|\.|°|-|_|\)|\||\s)*"
# What follows a label where it is meant. Of a date, see batch_tools.scan_delivery.names.
_VALUES = {
    Kind.MRN: r"[A-Za-z]{0,4}[- ]?\d[\d-]{3,14}",
    Kind.SSN: r"\d{3}[- ]?\d{2}[- ]?\d{4}",
    Kind.NATIONAL_ID: r"(?=(?:[^\d]{0,3}\d){6})[0-9A-Z][0-9A-Z ./+-]{5,20}[0-9A-Z]",
    Kind.PHONE: r"\+?\(?\+?\d(?:[ ()./-]{0,3}\d){5,16}(?: ?(?:x|ext\.?) ?\d+)?",
}


def _alternatives(kind: Kind) -> str:
    return "|".join(_WORDS[kind])


_COLUMNS = {kind: re.compile(rf"\W*(?:{_alternatives(kind)})\W*", re.IGNORECASE) for kind in _WORDS}
_LABELLED = {
    kind: re.compile(
        rf"(?<![^\W_])(?i:{_alternatives(kind)})(?![^\W\d_]){_BETWEEN}({value})(?![^\W_])",
    )
    for kind, value in _VALUES.items()
}
# Any label whose value shows in the text.
LABELS = "|".join(_alternatives(kind) for kind in _VALUES) + "|" + _alternatives(Kind.BIRTH_DATE)
# Of each label that is spelled in ASCII, one word at least: what has none of them has no such label.
LABEL_WORDS = frozenset(_WORDS_OF_LABELS.split())
_PATIENT_ID = re.compile(r"(?<![^\W_])(?i:patient[ _.-]*id)" + _BETWEEN + r"(\d{6,10})(?![^\W_])")
BIRTH_LABEL = rf"(?<![^\W_])(?i:{_alternatives(Kind.BIRTH_DATE)})(?![^\W\d_])"
BETWEEN = _BETWEEN


def column_kind(label: str) -> Kind | None:
    """What a column of this name holds, if it is personal."""
    return next((kind for kind, column in _COLUMNS.items() if column.fullmatch(label)), None)


def find_labelled(text: str) -> Iterator[tuple[Kind, int, int]]:
    """Values behind a label that announces them: kind, start and end of the value."""
    for match in _PATIENT_ID.finditer(text):
        yield Kind.MRN, *match.span(1)
    for kind, pattern in _LABELLED.items():
        for match in pattern.finditer(text):
            yield kind, *match.span(1)
