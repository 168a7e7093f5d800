import dataclasses
import re
from html.parser import HTMLParser

import pytest

from genomics_cli.report.page import render
from genomics_cli.report.quality import quality_of
from tests.genomics_cli.sample_runs import summary

_VOID = {"meta", "link", "br", "line", "rect"}


class Tags(HTMLParser):
    """Follows the tags of a page, and gathers its text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += f"{data} "


@pytest.fixture(scope="module")
def page() -> str:
    return render(summary())


@pytest.fixture(scope="module")
def text(page: str) -> str:
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return " ".join(parser.text.split())


def test_the_page_needs_nothing_beside_it(page: str) -> None:
    assert not re.search(r"""(src|href)=|url\(|@import|https?://""", page)


def test_the_page_tells_what_ran_and_what_went_wrong(text: str) -> None:
    for words in ("Run run-1", "1 of 2", "failed", "no earlier result", "outputs exist", "A.vcf.gz", "select 1 < 2"):
        assert words in text
    assert "B: align failed with exit code 1: <no> memory (log /tools/align:stream)" in text


def test_what_stands_in_messages_is_never_markup(page: str) -> None:
    assert "<no>" not in page
    assert "&lt;no&gt; memory" in page


def test_precision_is_given_only_where_it_means_something(text: str) -> None:
    # Confident: 100 true, none missed, 2 not in truth; whole: recall 100 of 108
    assert "confident regions, 5 000 bases SNP 100 0 2 1.0000 0.9804 0.9901" in text
    assert "all regions, 5 000 bases SNP 100 8 2 0.9259 \u2013 \u2013" in text


def test_a_run_without_truth_question_or_load_has_a_page_too() -> None:
    made = summary()
    bare = dataclasses.replace(
        made,
        samples=tuple(dataclasses.replace(s, accuracy=None, steps=()) for s in made.samples),
        run_steps=(),
        load=None,
        query=None,
        errors=(),
        rows={},
    )
    page = render(bare)
    assert "Nothing was loaded" in page
    assert "Accuracy" not in page
    assert "Timeline" not in page


def test_quality_is_related_to_what_it_is_part_of() -> None:
    first, second = summary().samples
    found = quality_of(first)
    assert (found.reads, found.kept, found.q30) == (1000, 0.99, pytest.approx(0.9))
    assert found.duplicates == pytest.approx(0.1)
    assert found.mapped == pytest.approx(980 / 990)
    assert (found.records, found.snps, found.indels) == (115, 104, 11)
    assert found.properly_paired is None
    assert (found.depth, found.covered) == (31.24, 0.987)
    assert quality_of(second).depth is None
    assert quality_of(second).reads is None


def test_the_estimate_stands_beside_the_actual(text: str) -> None:
    assert "align 1 7.6 s - 19 s 15 s" in text
    assert "3 earlier jobs" in text
    assert "prices of 2025-11" in text


def test_a_run_that_was_signed_off_says_by_whom_when_and_why() -> None:
    signed = {
        "state": "SUCCEEDED",
        "by": "Ada <b>Lovelace</b>",
        "principal": "arn:aws:iam::123456789012:user/ada",
        "asked_at": "2026-01-01T09:00:00.000+00:00",
        "decided_at": "2026-01-01T10:00:00.000+00:00",
        "reason": "coverage as it should be",
    }
    shown = render(dataclasses.replace(summary(), sign_off=signed))
    assert "<b>Ada &lt;b&gt;Lovelace&lt;/b&gt;</b>, 2026-01-01 10:00:00 UTC: coverage as it should be" in shown
    assert "arn:aws:iam::123456789012:user/ada" in shown
    unsigned = {"state": "FAILED", "reason": "nobody"} | dict.fromkeys(("by", "principal", "asked_at", "decided_at"))
    assert "<b>None</b>" not in render(dataclasses.replace(summary(), sign_off=unsigned))
    assert "Sign-off" not in render(summary())
