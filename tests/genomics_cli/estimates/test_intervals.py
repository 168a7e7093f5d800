import random

import pytest

from genomics_cli.estimates.intervals import Durations, Interval, longest, quantile, total


def test_quantiles_lie_between_neighbours() -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert quantile([7.0], 0.9) == 7.0


def test_a_line_is_found_among_jobs_that_went_astray() -> None:
    exact = [(size * 1e6, 5 + size * 2.0) for size in range(1, 21)]
    astray = [(10e6, 900.0), (12e6, 1.0)]
    fitted = Durations.fit([*exact, *astray])
    assert fitted.fixed == pytest.approx(5, rel=0.05)
    assert fitted.per_byte == pytest.approx(2e-6, rel=0.05)


def test_eight_of_ten_jobs_to_come_lie_inside() -> None:
    chance = random.Random(7)  # noqa: S311

    def job() -> tuple[float, float]:
        size = chance.uniform(1e6, 1e8)
        return size, (20 + size * 1e-6) * chance.lognormvariate(0, 0.3)

    fitted = Durations.fit([job() for _ in range(100)])
    inside = sum(seconds in fitted.predict(size) for size, seconds in (job() for _ in range(1000)))
    # 80 % by the quantiles, and the margin of a tenth on both sides.
    assert 0.78 < inside / 1000 < 0.95


def test_few_jobs_give_a_wide_interval() -> None:
    one = Durations.fit([(1e6, 10.0)]).predict(1e6)
    assert (one.low, one.high) == (5.0, 20.0)
    many = Durations.fit([(1e6, 10.0)] * 100).predict(1e6)
    assert (many.low, many.high) == (pytest.approx(10 / 1.1), pytest.approx(11.0))


def test_beyond_the_sizes_seen_it_may_grow_with_them_or_not() -> None:
    flat = Durations.fit([(1e6, 10.0)] * 100).predict(4e6)
    assert (flat.low, flat.high) == (pytest.approx(10 / 1.1), pytest.approx(44.0))
    below = Durations.fit([(1e6, 10.0)] * 100).predict(0.5e6)
    assert (below.low, below.high) == (pytest.approx(5 / 1.1), pytest.approx(11.0))


def test_sums_are_as_wide_as_their_parts_together() -> None:
    parts = [Interval(1, 4), Interval(2, 3)]
    assert total(parts) == Interval(3, 7)
    assert longest(parts) == Interval(2, 4)
