"""The estimate beside the actual, as rows of the page."""

from genomics_cli.report.estimates import estimate_rows
from tests.genomics_cli.sample_runs import summary


def test_each_step_that_ran_has_its_estimate_and_its_actual() -> None:
    rows = {row.step: row for row in estimate_rows(summary().estimate)}
    align = rows["align"]
    # Three earlier jobs of 12 s, a margin of 1 / sqrt(3); it took 15 s.
    assert (align.expected, align.actual, align.is_within) == ("7.6 s - 19 s", "15 s", True)
    assert align.basis == "3 earlier jobs"
    assert rows["call variants"].jobs == 2
    assert rows["call variants"].basis == "figures of 2026-11"
    assert "prepare reference" not in rows


def test_the_mark_of_what_came_as_expected_lies_in_the_band() -> None:
    for row in estimate_rows(summary().estimate):
        assert row.is_within == (row.band_from <= row.mark <= row.band_from + row.band_width)
        assert 0 <= row.mark <= 300


def test_without_an_estimate_there_are_no_rows() -> None:
    assert estimate_rows(None) == ()
