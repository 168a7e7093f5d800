"""Figures are those of the probabilities, with intervals that hold the truth; plots show them."""

import numpy as np
import pytest
from sklearn import metrics

from genomics.ml import plots
from genomics.ml.evaluation import calibration_error, errors_by, evaluate, roc_band, tune_threshold

GENERATOR = np.random.default_rng(0)
TRUTH = GENERATOR.beta(1, 3, 2000)
LABELS = (GENERATOR.random(2000) < TRUTH).astype(np.int64)


def test_metrics_are_those_of_scikit_learn() -> None:
    found = evaluate(LABELS, TRUTH, threshold=0.4, resamples=20)
    calls = TRUTH >= 0.4
    expected = {
        "roc_auc": metrics.roc_auc_score(LABELS, TRUTH),
        "pr_auc": metrics.average_precision_score(LABELS, TRUTH),
        "f1": metrics.f1_score(LABELS, calls),
        "balanced_accuracy": metrics.balanced_accuracy_score(LABELS, calls),
        "brier": metrics.brier_score_loss(LABELS, TRUTH),
    }
    for name, value in expected.items():
        assert found.metrics[name].value == pytest.approx(value), name
        assert found.metrics[name].low <= value <= found.metrics[name].high, name
    counted = metrics.confusion_matrix(LABELS, calls).ravel().tolist()
    confusion = found.confusion
    assert counted == [
        confusion.true_negative, confusion.false_positive, confusion.false_negative, confusion.true_positive,
    ]  # fmt: skip


def test_probabilities_that_are_right_are_calibrated_and_others_are_not() -> None:
    assert calibration_error(LABELS, TRUTH) < 0.03
    assert calibration_error(LABELS, TRUTH**2) > 0.08


def test_the_tuned_threshold_has_the_best_f1_of_all() -> None:
    threshold = tune_threshold(LABELS, TRUTH)
    best = max(metrics.f1_score(LABELS, cut <= TRUTH) for cut in np.unique(TRUTH)[::20])
    assert metrics.f1_score(LABELS, threshold <= TRUTH) >= best


def test_a_curve_lies_within_its_band() -> None:
    band = roc_band(LABELS, TRUTH, resamples=50)
    assert (band.low <= band.y + 0.02).all()
    assert (band.y <= band.high + 0.02).all()
    assert np.trapezoid(band.y, band.x) == pytest.approx(metrics.roc_auc_score(LABELS, TRUTH), abs=0.005)


def test_errors_are_counted_by_group_and_the_worst_comes_first() -> None:
    labels, answers = np.array([0, 0, 1, 1, 1]), np.array([0.9, 0.1, 0.9, 0.1, 0.2])
    found = errors_by(["A", "B", "B", "A", "C"], labels, answers, threshold=0.5, least=2)
    assert found["group"].tolist() == ["A", "B"]
    assert found.loc[0, ["rows", "false_positives", "false_negatives", "error_rate"]].tolist() == [2, 1, 1, 1.0]


def test_plots_show_each_model() -> None:
    answers = {"tier A": TRUTH, "tier B": TRUTH**0.5}
    for draw in (plots.roc_plot, plots.pr_plot):
        axes = draw(LABELS, answers, resamples=5).axes[0]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["tier A", "tier B"]
        assert len(axes.collections) == 2, "a band for each"
    axes = plots.calibration_plot(LABELS, answers).axes[0]
    assert len(axes.lines) == 3
    found = evaluate(LABELS, TRUTH, threshold=0.4, resamples=2)
    shown = plots.confusion_plot(found.confusion, threshold=0.4).axes[0]
    assert f"{found.confusion.true_positive:,}" in "".join(text.get_text() for text in shown.texts)
    errors = errors_by(np.arange(2000) % 5, LABELS, TRUTH, threshold=0.4)
    assert len(plots.errors_plot(errors, title="By group").axes[0].patches) == 10
    assert len(plots.reasons_plot(("a", "b"), np.ones((3, 2))).axes[0].patches) == 2
