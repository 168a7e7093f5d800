"""What is personal is found in the forms that people write, and what only looks so is left alone."""

import pytest

from batch_tools.scan_delivery.phi import Kind, Place, Text, masked
from batch_tools.scan_delivery.phi_detector import PatternDetector
from batch_tools.scan_delivery.phi_shapes import can_hold


def found(text: str, place: Place = Place.VALUE, label: str = "") -> list[tuple[Kind, str]]:
    (hits,) = PatternDetector().find([Text(text, place, label)])
    return [(hit.kind, text[hit.start : hit.end]) for hit in hits]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("SMITH_JOHN_1964-02-11", Kind.NAME_AND_DATE, "SMITH_JOHN_1964-02-11"),
        ("11.02.1964 Müller Anna-Lena", Kind.NAME_AND_DATE, "11.02.1964 Müller Anna-Lena"),
        ("佐々木 涼平 2011年2月11日", Kind.NAME_AND_DATE, "佐々木 涼平 2011年2月11日"),
        ("Smith 11 Feb 1964", Kind.NAME_AND_DATE, "Smith 11 Feb 1964"),
        ("DOB: 11/02/2011", Kind.BIRTH_DATE, "11/02/2011"),
        ("geb. 11.02.64", Kind.BIRTH_DATE, "11.02.64"),
        ("jane.doe@example.org", Kind.EMAIL, "jane.doe@example.org"),
        ("MRN#00123456", Kind.MRN, "00123456"),
        ("Hospital No 123456", Kind.MRN, "123456"),
        ("+44 20 7946 0958", Kind.PHONE, "+44 20 7946 0958"),
        ("(212) 555-0123 x12", Kind.PHONE, "(212) 555-0123 x12"),
        ("Tel. 03012345678", Kind.PHONE, "03012345678"),
        # Examples of python-stdnum's documentation.
        ("536-90-4399", Kind.SSN, "536-90-4399"),
        ("RCCMNL83S18D969H", Kind.NATIONAL_ID, "RCCMNL83S18D969H"),
        ("131052-308T", Kind.NATIONAL_ID, "131052-308T"),
        ("880320-0016", Kind.NATIONAL_ID, "880320-0016"),
        ("44051401359", Kind.NATIONAL_ID, "44051401359"),
        ("54362315-K", Kind.NATIONAL_ID, "54362315-K"),
        ("943-476-5919", Kind.NATIONAL_ID, "943-476-5919"),
        ("BSN 111222333", Kind.NATIONAL_ID, "111222333"),
    ],
)
def test_identifiers_are_found(text: str, kind: Kind, value: str) -> None:
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "NA12878",
        "##fileDate=20120101",
        "##bcftools_viewCommand=view -Oz x.vcf; Date=Tue Dec 10 19:19:21 2019",
        '##SnpEffVersion="4.1 (build 2015-01-03), by Pablo Cingolani"',
        "VEP=v75 db=homo_sapiens_core_75_37@ensembldb.ensembl.org",
        "bwa mem -t 4 -R @RG ref.fa r1.fq r2.fq",
        "NC_000001.10:g.12345678A>G",
        "ALL.chr22.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz",
        "180508_ST-E00269_0269_AHL32LCCXY",
        "1000 Genomes Phase 3 release, 2013-05-02",
        "Panel_Run_2024-01-31",
        "2014 2015",
        "000-12-3456",
        "131052-308U",
        "44051401358",
    ],
)
@pytest.mark.parametrize("place", Place)
def test_what_only_looks_so_is_left_alone(text: str, place: Place) -> None:
    assert found(text, place) == []


@pytest.mark.parametrize(
    ("label", "value", "kind"),
    [
        ("first_name", "Jane", Kind.NAME),
        ("Patient Name", "doe", Kind.NAME),
        ("date of birth", "1964", Kind.BIRTH_DATE),
        ("MRN", "A-12345", Kind.MRN),
        ("phone number", "5551234567", Kind.PHONE),
        ("zip", "02139", Kind.ADDRESS),
        ("SSN", "536904399", Kind.SSN),
    ],
)
def test_columns_say_what_they_hold(label: str, value: str, kind: Kind) -> None:
    assert found(value, label=label) == [(kind, value)]
    for nothing in ("", "NA", ".", "unknown"):
        assert found(nothing, label=label) == []
    assert found(value, label="sample") == []


def test_masks_show_the_shape_and_nothing_else() -> None:
    assert masked("Müller_1964-02-11") == "xxxxxx_9999-99-99"
    assert len(masked("x" * 1000)) == 80


def test_a_long_text_takes_a_time_that_grows_with_it_alone() -> None:
    for piece in ("0 ", "a1", "1-", "é0", "A" * 7, "(0)", "patient "):
        text = piece * (200_000 // len(piece))
        can_hold(text)
        found(text[:20_000], Place.SENTENCE)
