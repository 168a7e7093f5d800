"""A model that is kept answers as it did, row by row, and says why; a malformed row harms no other."""

import json
from pathlib import Path

import numpy as np
import pytest

from genomics.contracts.features import Tier
from genomics.ml.backends import BackendError, backend
from genomics.ml.backends.builtin import Builtin
from genomics.ml.backends.candidates import (
    DEFAULT_SPACES,
    Algorithm,
    Range,
    Scale,
    Space,
    SpaceError,
    draw_candidates,
    spaces_as_json,
    spaces_from_json,
)
from genomics.ml.model_cards import CARD, save_with_card
from genomics.ml.models import Failure, Model, ModelError, Prediction, load_model
from genomics.ml.splits import SplitKind, split_once
from genomics.ml.tables import TrainingTable
from genomics.ml.training import Scored, recipe_for, train_and_score


def _small(algorithm: Algorithm) -> Space:
    rounds = {"rounds": Range(5, 20, 10, Scale.INTEGER)}
    own = {Algorithm.LOGISTIC_REGRESSION: {"C": Range(0.01, 1, 0.1, Scale.LOG)}}
    return Space(algorithm, own.get(algorithm, rounds))


def _trained(table: TrainingTable, *algorithms: Algorithm, tier: Tier = Tier.B) -> Scored:
    backend = Builtin(spaces=[_small(algorithm) for algorithm in algorithms], count=len(algorithms), threads=1)
    split = split_once(table, SplitKind.RANDOM, seed=1)
    return train_and_score(table, split, recipe=recipe_for(tier, SplitKind.RANDOM), backend=backend, resamples=10)


@pytest.fixture(scope="module")
def scored(few_variants: TrainingTable) -> Scored:
    return _trained(few_variants, Algorithm.LIGHTGBM)


@pytest.fixture(scope="module", params=list(Algorithm))
def of_each_algorithm(few_variants: TrainingTable, request: pytest.FixtureRequest) -> Scored:
    return _trained(few_variants, request.param, tier=Tier.A)


def test_a_model_that_was_kept_answers_as_before(
    few_variants: TrainingTable, of_each_algorithm: Scored, tmp_path: Path
) -> None:
    scored = of_each_algorithm
    scored.model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    test = scored.split.test
    np.testing.assert_allclose(again.probabilities(few_variants.examples.take(test)), scored.probabilities, atol=1e-9)
    together = again.predict([few_variants.rows[place] for place in test], reasons=3)
    for place, answer, expected in zip(test[:5], together, scored.probabilities, strict=False):
        (alone,) = again.predict([few_variants.rows[place]])
        assert isinstance(alone, Prediction)
        assert isinstance(answer, Prediction)
        assert alone.probability == pytest.approx(expected, abs=1e-9)
        assert answer.probability == pytest.approx(expected, abs=1e-9)


def test_what_features_add_is_all_of_the_log_odds(few_variants: TrainingTable, of_each_algorithm: Scored) -> None:
    model = of_each_algorithm.model
    matrix = model.preparation.matrix(few_variants.examples.take(np.arange(50)))
    (part,) = model.parts
    odds = np.log(part.estimator.probabilities(matrix) / (1 - part.estimator.probabilities(matrix)))
    np.testing.assert_allclose(part.estimator.contributions(matrix).sum(axis=1), odds, atol=1e-4)


def test_the_same_data_and_seed_give_the_same_model(few_variants: TrainingTable, scored: Scored) -> None:
    again = _trained(few_variants, Algorithm.LIGHTGBM)
    assert np.array_equal(again.probabilities, scored.probabilities)
    assert again.model.threshold == scored.model.threshold


def test_a_malformed_row_gets_an_error_and_the_others_their_answers(
    few_variants: TrainingTable, scored: Scored
) -> None:
    first, second, third = (few_variants.rows[place] for place in scored.split.test[:3])
    good, bad, worse, last = scored.model.predict([first, {**second, "POS": "here"}, {"CHROM": "1"}, third])
    assert bad == Failure("row 2: POS is 'here'; expected a position, counted from 1")
    assert worse == Failure("row 3: POS is missing")
    assert isinstance(good, Prediction)
    assert isinstance(last, Prediction)
    assert good.probability == pytest.approx(scored.probabilities[0], abs=1e-9)
    assert last.probability == pytest.approx(scored.probabilities[2], abs=1e-9)
    assert scored.model.predict([{"CHROM": "1"}]) == [Failure("row 1: POS is missing")]
    assert scored.model.predict([]) == []


def test_the_strongest_reasons_come_first(few_variants: TrainingTable, scored: Scored) -> None:
    (answer,) = scored.model.predict([few_variants.rows[0]], reasons=4)
    assert isinstance(answer, Prediction)
    weights = [abs(reason.log_odds) for reason in answer.reasons]
    assert len(weights) == 4
    assert weights == sorted(weights, reverse=True)


def test_the_label_of_a_row_is_not_read(few_variants: TrainingTable, scored: Scored) -> None:
    row = few_variants.rows[0]
    answers = scored.model.predict([{**row, "CLASS": "0"}, {**row, "CLASS": "1"}, {**row, "CLASS": None}])
    assert answers[0] == answers[1] == answers[2]


def test_the_card_says_what_the_model_is_made_of(few_variants: TrainingTable, scored: Scored, tmp_path: Path) -> None:
    kept: Model = save_with_card(scored, few_variants, tmp_path)
    assert load_model(tmp_path).about == json.loads(json.dumps(kept.about))
    text = (tmp_path / CARD).read_text()
    auc = scored.evaluation.metrics["roc_auc"]
    for said in (
        few_variants.sha256,
        "Not for diagnosis",
        "seed 1",
        f"{auc.value:.3f} | {auc.low:.3f} to {auc.high:.3f}",
    ):
        assert said in text
    assert auc.low < auc.value < auc.high


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 99}, "is of format 99, this version opens 1"), ({"features": []}, "was trained on other features")],
)
def test_a_model_of_another_version_is_refused(
    scored: Scored, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    scored.model.save(tmp_path)
    kept = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**kept, **change}))
    with pytest.raises(ModelError, match=message):
        load_model(tmp_path)


def test_a_directory_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no model"):
        load_model(tmp_path)


def test_the_first_candidates_are_the_defaults_and_a_seed_draws_the_same_again() -> None:
    drawn = draw_candidates(DEFAULT_SPACES, count=6, seed=3)
    assert [candidate.algorithm for candidate in drawn[:4]] == [space.algorithm for space in DEFAULT_SPACES]
    assert drawn[0].hyperparameters == {name: r.default for name, r in DEFAULT_SPACES[0].ranges.items()}
    assert drawn == draw_candidates(DEFAULT_SPACES, count=6, seed=3)
    assert drawn[4] != draw_candidates(DEFAULT_SPACES, count=6, seed=4)[4]
    for candidate in drawn:
        space = next(space for space in DEFAULT_SPACES if space.algorithm is candidate.algorithm)
        assert all(
            space.ranges[name].low <= v <= space.ranges[name].high for name, v in candidate.hyperparameters.items()
        )


def test_another_range_gives_other_candidates(few_variants: TrainingTable) -> None:
    edited = json.loads(spaces_as_json([_small(Algorithm.LIGHTGBM)]))
    edited[0]["ranges"]["rounds"].update(low=2, high=3)
    spaces = spaces_from_json(json.dumps(edited))
    (candidate,) = draw_candidates(spaces, count=1, seed=0)
    assert candidate.hyperparameters == {"rounds": 3}
    assert spaces_from_json(spaces_as_json(DEFAULT_SPACES)) == DEFAULT_SPACES


@pytest.mark.parametrize("text", ["{", '[{"algorithm": "oracle", "ranges": {}}]', '[{"algorithm": "xgboost"}]'])
def test_spaces_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(SpaceError):
        spaces_from_json(text)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(SpaceError, match="from 3 to 2 holds nothing"):
        Range(3, 2, 2)


def test_a_backend_is_found_by_its_name_and_told_its_options() -> None:
    assert backend("builtin", {"candidates": "2", "seed": "7"}) == Builtin(count=2, seed=7)
    assert backend("builtin", {"spaces": spaces_as_json(DEFAULT_SPACES[:1])}) == Builtin(DEFAULT_SPACES[:1], count=1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("oracle", {}, "there is no backend 'oracle'; there are builtin"),
        ("builtin", {"seed": "x"}, "seed is 'x'; expected a whole number"),
        ("builtin", {"rounds": "1"}, "has no option 'rounds'"),
        ("builtin", {"spaces": "{"}, "spaces: not spaces of candidates"),
    ],
)
def test_a_backend_that_cannot_be_made_is_named(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        backend(name, options)
