"""Manifests of deliveries read back, and lying ones are told from true ones line by line."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomics.contracts import object_keys
from genomics.contracts.deliveries import (
    MOST_PROBLEMS,
    Agreement,
    DeliveredFile,
    Delivery,
    FileFormat,
    FileState,
    ManifestError,
    TableColumn,
    compare,
    gravest,
    manifest_lines,
    path_problem,
    read_manifest,
)

HEADER = "file\tsize\tsha256\tstudy\tformat\tconsent\n"
FILE = DeliveredFile("calls/s1.vcf.gz", 12, "0a" * 32, "cohort-1", FileFormat.VCF, "GRU")
LINE = "calls/s1.vcf.gz\t12\t" + "0a" * 32 + "\tcohort-1\tvcf\tGRU\n"

names = st.text(string.ascii_lowercase + string.digits + "ä日 ", min_size=1, max_size=8).filter(
    lambda n: n == n.strip()
)


@given(st.sets(st.lists(names, min_size=1, max_size=3).map("/".join), min_size=1).map(sorted))
def test_a_manifest_reads_back_as_it_was_written(paths: list[str]) -> None:
    files = [replace(FILE, path=path) for path in paths]
    assert list(read_manifest(manifest_lines(files)).values()) == files


def test_lines_may_end_as_on_windows() -> None:
    assert read_manifest([HEADER.replace("\n", "\r\n"), LINE.replace("\n", "\r\n")]) == {FILE.path: FILE}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (LINE.replace("calls", ".."), r"manifest.tsv:3: file '../s1.vcf.gz' leads out of its folder"),
        (LINE.replace("calls/", "/"), r"file '/s1.vcf.gz' must be relative"),
        (LINE, r"file 'calls/s1.vcf.gz' stands in line 2 already"),
        (LINE.replace("calls", "CALLS"), r"differs from the one of line 2 in case only; rename one"),
        (LINE.replace("\t12\t", "\t-1\t"), r"size '-1' is no number of bytes"),
        (LINE.replace("0a", "0x"), r"does not have 64 hexadecimal digits"),
        (LINE.replace("vcf\t", "docx\t"), r"format 'docx' is none of vcf, bcf"),
        (LINE.replace("GRU", ""), r"consent '' may hold letters"),
        ("other.vcf\t1\n", r"manifest.tsv:3: 2 fields, 6 are expected"),
        (LINE.replace("calls/s1", "calls/s2").replace("GRU", "HMB"), r"consent 'HMB' is none that study cohort-1"),
    ],
)
def test_a_faulty_line_is_named(line: str, problem: str) -> None:
    with pytest.raises(ManifestError, match=problem):
        read_manifest([HEADER, LINE, line], [Agreement("cohort-1", consents=("GRU",))])


def test_names_that_differ_in_how_their_umlauts_are_composed_only_are_taken_for_one() -> None:
    composed, decomposed = (LINE.replace("s1", name) for name in ("\u00e4", "a\u0308"))
    with pytest.raises(ManifestError, match="in case only"):
        read_manifest([HEADER, composed, decomposed])


def test_all_faults_are_told_at_once_up_to_a_number() -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest([HEADER, *["x\n"] * (MOST_PROBLEMS + 5)])
    assert len(caught.value.problems) == MOST_PROBLEMS


@pytest.mark.parametrize("lines", [[], ["file,size\n"], [HEADER]])
def test_what_is_no_manifest_is_refused(lines: list[str]) -> None:
    with pytest.raises(ManifestError, match=r"manifest.tsv:1: (the header must be|names no file)"):
        read_manifest(lines)


def test_objects_are_compared_with_the_manifest() -> None:
    files = {name: replace(FILE, path=name) for name in ("same", "longer", "missing")}
    found = dict(compare(files, {"manifest.tsv": 300, "same": 12, "longer": 13, "extra": 1}))
    assert found == {
        "longer": "longer: has 13 bytes, the manifest says 12; send it again",
        "missing": "missing: is in the manifest and was not delivered; send it, or take its line out",
        "extra": "extra: was delivered and is not in the manifest; add its line, or remove it",
    }


@pytest.mark.parametrize("path", ["a/../b", "./a", "a//b", "a\\b", "a\tb", " a", "x" * 801, "Manifest.tsv", "a/"])
def test_paths_that_could_mislead_are_refused(path: str) -> None:
    assert path_problem(path)


@pytest.mark.parametrize(
    ("field", "value"), [("tenant", "scan_reports"), ("tenant", "A"), ("day", "20260131"), ("name", "a/b")]
)
def test_a_delivery_has_a_plain_name_and_a_day(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        replace(Delivery("acme", "2026-01-31", "batch-1"), **{field: value})


def test_deliveries_lie_by_tenant_and_day_and_reports_elsewhere() -> None:
    prefix = object_keys.delivery_prefix("acme", "2026-01-31", "batch-1")
    assert prefix == "acme/2026/01/31/batch-1/"
    report = object_keys.scan_report("acme", "2026-01-31", "batch-1", "0a", "report.json")
    assert report == "scan_reports/acme/2026/01/31/batch-1/0a/report.json"


def test_of_several_states_the_gravest_stands() -> None:
    assert gravest([FileState.CLEAN, FileState.PHI, FileState.ERROR, FileState.INVALID]) is FileState.ERROR
    assert gravest([]) is FileState.CLEAN


def test_an_agreement_names_a_build_that_is_known_and_patterns_that_compile() -> None:
    with pytest.raises(ValueError, match="GRCh37 or GRCh38, not 'hg18'"):
        Agreement("s", build="hg18")
    with pytest.raises(ValueError, match="is no regular expression"):
        TableColumn("age", "(")
