"""The benchmark of the lake says itself which limits were missed."""

from collections.abc import Sequence

import pytest

from benchmarks.lake.limits import HAIL, ONE_PROCESS, OTHERS, SPARK, TWO_PROCESSES, UNIT, Ratio, ratios
from benchmarks.lake.processes import Measured


def took(*walls: float, memory: float = 100) -> Sequence[Measured]:
    return [Measured(wall, wall, memory, "") for wall in walls]


def values(found: Sequence[Ratio]) -> dict[str, tuple[float, bool]]:
    return {ratio.name: (round(ratio.value, 3), ratio.is_met) for ratio in found}


@pytest.mark.parametrize(
    ("given", "wall", "is_met"),
    [
        *(("annotated", 1.6, True), ("annotated", 1.61, False)),
        *(("annotated_csq", 2.2, True), ("annotated_csq", 2.21, False)),
        *(("cohort", 1.2, True), ("cohort", 1.21, False)),
    ],
)
def test_each_input_has_its_own_limit_beside_bcftools(given: str, wall: float, is_met: bool) -> None:
    (ratio, memory) = ratios({given: {UNIT: took(1, 1, 1), TWO_PROCESSES: took(wall, wall, wall)}}, {})
    assert (ratio.value, ratio.is_met, memory.is_met) == (wall, is_met, True)
    assert ratio.miss() == f"{given}: ours in 2 processes / bcftools view -H: {wall:.2f}, more than {ratio.limit:g}"


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    slowed_down = {UNIT: took(1, 2, 4), TWO_PROCESSES: took(1.5, 3, 8)}
    assert values(list(ratios({"cohort": slowed_down}, {})))[f"cohort: {TWO_PROCESSES} / {UNIT}"] == (1.5, False)


def test_others_must_take_twice_as_long_as_two_processes() -> None:
    runs = {TWO_PROCESSES: took(2), **{name: took(4) for name in OTHERS}, "oxbow": took(3.9)}
    found = values(list(ratios({"cohort": runs}, {})))
    missed = {name for name, (_, is_met) in found.items() if not is_met}
    assert missed == {"cohort: oxbow / ours in 2 processes"}


def test_hail_is_compared_with_spark_with_and_without_start_up() -> None:
    runs = {"annotated": {HAIL: took(60), SPARK: took(12)}}
    starts = {"annotated": {HAIL: took(15, 14, 16), SPARK: took(7, 6, 8)}}
    found = values(list(ratios(runs, starts)))
    assert found[f"annotated: {HAIL} / {SPARK}"] == (5.0, True)
    assert found[f"annotated: {HAIL} / {SPARK}, without start-up"] == (9.0, True)
    assert f"annotated: {HAIL} / {SPARK}, without start-up" not in values(list(ratios(runs, {})))


def test_memory_counts_in_each_round() -> None:
    runs = {ONE_PROCESS: [*took(1, memory=1500), *took(1, memory=1501)], SPARK: took(1, memory=1500)}
    found = values(list(ratios({"cohort": runs}, {})))
    assert found == {
        "cohort: ours in 1 process, MB of memory": (1501, False),
        "cohort: ours through Spark, MB of memory": (1500, True),
    }
