"""The benchmark plants identifiers where it says it does, and says itself what is too little."""

import random
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.phi import __main__ as phi
from benchmarks.phi import identifiers as made
from benchmarks.phi.identifiers import KINDS, identifiers


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faker takes a tenth of a second to learn a language."""
    monkeypatch.setattr(
        made, "LOCALES", tuple(locale for locale in made.LOCALES if locale in ("de_DE", "en_US", "it_IT"))
    )
    monkeypatch.setattr(made, "NATIONAL", {"it_IT": made.NATIONAL["it_IT"]})
    monkeypatch.setattr(phi, "KINDS", ("name with date", "SSN"))


def drawn(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing secret


@pytest.mark.parametrize("kind", KINDS)
def test_identifiers_are_the_same_for_the_same_seed(kind: str) -> None:
    first, second = (list(islice(identifiers(drawn(7), kind), 20)) for _ in range(2))
    assert first == second
    assert len({each.value for each in first}) > 15


def test_what_is_planted_in_real_files_is_found(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(phi.recall(shared_data, drawn(20), 1, show=False)) == []
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [int(row[-3]) > 280 for row in rows] == [True, True]


def test_a_kind_that_is_missed_is_named(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phi, "_scan", lambda *_: ())
    monkeypatch.setattr(phi, "KINDS", ("MRN",))
    (missed,) = phi.recall(shared_data, drawn(20), 1, show=False)
    assert missed == "recall of MRN is 0.0000, 0.99 is wanted"
