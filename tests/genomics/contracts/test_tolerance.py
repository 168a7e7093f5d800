"""How many samples of a run may fail."""

import pytest

from genomics.contracts.runs import tolerated_failures


@pytest.mark.parametrize(
    ("tolerate", "samples", "tolerated"),
    [
        ("0", 10, 0),
        ("3", 10, 3),
        ("5%", 1000, 50),
        ("5%", 19, 0),
        ("12.5%", 8, 1),
        # One at least must succeed.
        ("10", 10, 9),
        ("100%", 4, 3),
        ("1", 1, 0),
    ],
)
def test_a_tolerance_is_a_number_or_a_share_rounded_down(tolerate: str, samples: int, tolerated: int) -> None:
    assert tolerated_failures(tolerate, samples) == tolerated


@pytest.mark.parametrize("tolerate", ["", "-1", "101%", "a", "5 %", "1.5"])
def test_what_is_neither_is_named(tolerate: str) -> None:
    with pytest.raises(ValueError, match="must be a number of samples, like 3, or a percentage of them, like 5%"):
        tolerated_failures(tolerate, 3)
