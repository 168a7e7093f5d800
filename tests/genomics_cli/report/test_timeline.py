import dataclasses

import pytest

from genomics_cli.report.timeline import LABELS, ROW, Timeline, lay_out
from tests.genomics_cli.sample_runs import summary


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    found = lay_out(summary())
    assert found is not None
    return found


def test_the_axis_reaches_from_the_first_start_to_the_end_of_the_load(timeline: Timeline) -> None:
    # fastp starts at second 1, the load ends at second 42
    assert timeline.seconds == pytest.approx(41.0)
    assert [tick.text for tick in timeline.ticks] == ["0 s", "10 s", "20 s", "30 s", "40 s"]


def test_bars_lie_where_their_steps_ran(timeline: Timeline) -> None:
    fastp = next(bar for bar in timeline.bars if bar.kind == "fastp succeeded")
    align = next(bar for bar in timeline.bars if bar.kind == "align succeeded")
    assert fastp.x == LABELS
    assert align.x == pytest.approx(fastp.x + fastp.width)
    assert align.width == pytest.approx(fastp.width * 15 / 4)
    assert align.note == "15.0 s"
    assert align.title == "succeeded: no earlier result"


def test_what_did_not_run_has_no_bar(timeline: Timeline) -> None:
    widths = {bar.kind: bar.width for bar in timeline.bars if bar.note in ("skipped", "planned")}
    assert widths == {"prepare_reference skipped": 0, "fastp skipped": 0, "gather_variants planned": 0}


def test_a_failed_step_says_so(timeline: Timeline) -> None:
    assert next(bar.note for bar in timeline.bars if bar.kind == "align failed") == "3.0 s, failed"


def test_rows_follow_each_other(timeline: Timeline) -> None:
    rows = [label.y for label in timeline.labels]
    assert rows == list(range(0, timeline.height, ROW))
    assert [label.text for label in timeline.labels if label.is_heading] == ["reference", "A", "B", "lake"]


def test_only_the_first_samples_of_a_large_run_are_drawn() -> None:
    made = summary()
    large = lay_out(dataclasses.replace(made, samples=made.samples[:1] * 100))
    assert large is not None
    assert large.hidden == 60
    assert sum(label.is_heading for label in large.labels) == 42


def test_nothing_that_ran_is_no_timeline() -> None:
    made = summary()
    assert lay_out(dataclasses.replace(made, samples=(), run_steps=(), load=None)) is None
