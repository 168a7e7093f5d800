"""What PlanSamples refuses: more than one execution of the state machine has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdas.secondary import history
from lambdas.secondary.history import EVENTS_AVAILABLE, RunTooLargeError, check_room, events_of_run

if TYPE_CHECKING:
    from conftest import Platform


def test_events_of_a_run_are_those_of_the_documented_arithmetic() -> None:
    # docs/architecture.md: 50 + samples x (70 + 8 x (lanes + regions))
    assert events_of_run([1], 50) == 50 + 70 + 8 * 51
    assert events_of_run([1, 3], 2) == 50 + 2 * 70 + 8 * (1 + 3 + 2 * 2)


def test_the_limits_that_the_documentation_names_hold() -> None:
    for samples, regions in ((41, 50), (231, 1), (4, 500)):
        check_room([1] * samples, regions)
        assert events_of_run([1] * samples, regions) <= EVENTS_AVAILABLE
    for samples, regions in ((42, 50), (232, 1), (5, 500)):
        with pytest.raises(RunTooLargeError):
            check_room([1] * samples, regions)


def test_a_refusal_says_in_one_line_what_to_do() -> None:
    with pytest.raises(RunTooLargeError) as refused:
        check_room([1] * 1000, 50)
    assert str(refused.value) == (
        "1000 samples x 50 regions are too many for one run (478,050 events of the state "
        "machine, 20,000 are possible): give fewer samples per run, or raise scatter.bases_per_region"
    )


def test_a_run_that_is_too_large_is_refused_before_any_sample_is_planned(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = platform.request("large", {"S1": {"L001": "a"}, "S2": {"L001": "b"}})
    needed = events_of_run([1, 1], 2)
    monkeypatch.setattr(history, "EVENTS_AVAILABLE", needed - 1)
    with pytest.raises(RunTooLargeError, match="2 samples x 2 regions are too many for one run"):
        platform.plan(request)
    assert list(platform.ledger.find("large", "sample#")) == []
    monkeypatch.setattr(history, "EVENTS_AVAILABLE", needed)
    assert set(platform.plan(request).samples) == {"S1", "S2"}
