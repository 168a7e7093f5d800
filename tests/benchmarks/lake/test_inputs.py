"""The generated inputs are what the benchmark says of them, as bcftools reads them."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.lake import annotated
from benchmarks.lake.inputs import Input, make_inputs

pytestmark = pytest.mark.skipif(not shutil.which("bcftools"), reason="bcftools is not installed")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Input]:
    return make_inputs(tmp_path_factory.mktemp("inputs"), 0.001)


def query(given: Input, form: str) -> list[str]:
    done = subprocess.run(
        ["bcftools", "query", "-f", form, str(given.path)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_numbers_of_records_alleles_and_calls_are_those_of_the_files(given: Mapping[str, Input]) -> None:
    for each in given.values():
        alternates = query(each, "%ALT\n")
        assert len(alternates) == each.content.records
        assert sum(text.count(",") + 1 for text in alternates) == each.content.alleles
    calls = [line.split("\t") for line in query(given["cohort"], "[%GT\t%ALT\n]")]
    assert len(calls) == 60 * 200
    kept = [(genotype, alts) for genotype, alts in calls if genotype not in ("0/0", "0|0")]
    assert len(kept) == given["cohort"].content.calls
    carried = [alts.count(",") + 1 if "." in genotype else len({*genotype[::2]} - {"0"}) for genotype, alts in kept]
    assert sum(carried) == given["cohort"].content.call_alleles
    assert any("." in genotype for genotype, _ in kept)


def test_records_are_sorted_and_have_every_field(given: Mapping[str, Input]) -> None:
    for name in ("annotated", "cohort"):
        places = [(int(c.removeprefix("chr")), int(p)) for c, p in map(str.split, query(given[name], "%CHROM %POS\n"))]
        assert places == sorted(places)
    for field in annotated.INFO:
        values = query(given["annotated"], f"%INFO/{field}\n")
        assert {value == "." for value in values} == ({True, False} if field in ("RS", "DB", "AF") else {False}), field
    transcripts = [text for line in query(given["annotated"], "%INFO/CSQ\n") for text in line.split(",")]
    assert {text.count("|") for text in transcripts} == {annotated.CSQ_FIELDS.count("|")}
    told = {name: each.content.consequences for name, each in given.items()}
    assert told == {"annotated": 0, "annotated_csq": len(transcripts), "cohort": 0}


def test_only_a_header_tells_described_transcripts_from_others(given: Mapping[str, Input]) -> None:
    plain, described = (given[name] for name in ("annotated", "annotated_csq"))
    assert query(plain, "%CHROM %POS %INFO/CSQ\n") == query(described, "%CHROM %POS %INFO/CSQ\n")
    headers = [subprocess.run(["bcftools", "view", "-h", str(each.path)], capture_output=True, text=True, check=True)
               for each in (plain, described)]  # fmt: skip
    assert ["Format: Allele|Consequence" in each.stdout for each in headers] == [False, True]


def test_the_same_file_is_made_each_time(given: Mapping[str, Input], tmp_path: Path) -> None:
    again = make_inputs(tmp_path, 0.001)
    assert {name: each.sha256() for name, each in again.items()} == {name: e.sha256() for name, e in given.items()}
