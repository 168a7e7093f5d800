import datetime
from collections.abc import Callable

import pytest

from genomics.contracts.ledger import LedgerEntry
from genomics.contracts.runs import State
from genomics_cli.cloud import Platform
from genomics_cli.errors import UserError
from genomics_cli.run_ledger import combined, elapsed, list_runs, read_known_run, read_run, span_seconds

P, K, R, S, F = State.PLANNED, State.SKIPPED, State.RUNNING, State.SUCCEEDED, State.FAILED


def _entry(state: State, started: int | None = None, finished: int | None = None) -> LedgerEntry:
    def moment(seconds: int | None) -> str | None:
        return f"2026-01-01T00:00:{seconds:02}.000+00:00" if seconds is not None else None

    return LedgerEntry("r", "i", state, started_at=moment(started), finished_at=moment(finished))


def test_entries_are_arranged_by_sample_and_step(platform: Platform, record: Callable[..., None]) -> None:
    record("run", R, study="s")
    record("load", P)
    record("sample#B", P, order=2)
    record("sample#A", R, order=1)
    record("step#A#align#", P, order=4)
    record("step#A#fastp#L002", P, order=3)
    record("step#A#fastp#L001", S, order=2)
    record("step##prepare_reference#", K, order=1)
    view = read_run(platform, "run-1")
    assert view.run is not None
    assert view.run.study == "s"
    assert view.load is not None
    assert list(view.samples) == ["A", "B"]
    assert [step.name for step in view.steps_of("A")] == ["fastp L001", "fastp L002", "align"]
    assert [step.name for step in view.steps_of("")] == ["prepare_reference"]


def test_a_part_may_hold_the_separator(platform: Platform, record: Callable[..., None]) -> None:
    record("step#A#call_variants#HLA#1:1-9", P)
    assert read_run(platform, "run-1").steps[0].part == "HLA#1:1-9"


def test_a_run_that_is_not_there_is_said_so(platform: Platform) -> None:
    with pytest.raises(UserError, match="there is no run run-9"):
        read_known_run(platform, "run-9")


def test_runs_are_listed_the_newest_first(platform: Platform, record: Callable[..., None]) -> None:
    record("run", S, started_at="2026-01-01T00:00:00+00:00")
    record("sample#A", S)
    assert [run.run_id for run in list_runs(platform)] == ["run-1"]


@pytest.mark.parametrize(
    ("states", "together"),
    [
        ([], None),
        ([P, P], P),
        ([K, K], K),
        ([S, K], S),
        ([S, P], R),
        ([K, P], P),
        ([R, S], R),
        ([F, R, S], F),
    ],
)
def test_parts_have_one_state_together(states: list[State], together: State | None) -> None:
    assert combined(states) is together


def test_a_span_reaches_from_the_first_start_to_the_last_end() -> None:
    assert span_seconds([_entry(S, 1, 5), _entry(S, 3, 9), _entry(K, 0, 0)]) == 8.0
    assert span_seconds([_entry(P)]) is None
    assert elapsed(_entry(K, 1, 2)) is None


def test_what_goes_on_has_taken_until_now() -> None:
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=30)
    assert elapsed(LedgerEntry("r", "i", R, started_at=began.isoformat())) == pytest.approx(30, abs=2)
