"""docs/features.md says what the code has."""

import json
from pathlib import Path

import pytest

from genomics.ml.feature_card import SECTIONS, card, missing_rates
from genomics.ml.tables import read_training_table

DOCS = Path(__file__).resolve().parents[3] / "docs"
COMMAND = "python -m genomics.ml.feature_card docs/feature_missing_rates.json --table CSV > docs/features.md"


def _rates() -> dict[str, float]:
    return dict(json.loads((DOCS / "feature_missing_rates.json").read_text()))


def test_the_card_is_current() -> None:
    assert set(_rates()) == {feature.name for _, features in SECTIONS for feature in features}, COMMAND
    assert (DOCS / "features.md").read_text() == card(_rates()), COMMAND


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_rates_are_those_of_the_published_table(shared_data: Path) -> None:
    table = read_training_table(shared_data / "clinvar" / "clinvar_conflicting.dev80.csv.gz")
    assert missing_rates(table) == _rates(), COMMAND
