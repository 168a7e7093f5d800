"""How good probabilities are: from the probabilities themselves, never from hard labels, each with its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

_BINS = 10
_GRID = np.linspace(0, 1, 101)
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Confusion:
    """Counts at a threshold: `positive` are conflicts."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


@dataclass(frozen=True)
class Band:
    """A curve with its 95 % bootstrap band: `low` and `high` at each of `x`."""

    x: Floats
    y: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Evaluation:
    """`metrics` by name (see METRICS), `threshold` as tuned on other rows than these, `confusion` at it."""

    rows: int
    positives: int
    threshold: float
    metrics: Mapping[str, Estimate]
    confusion: Confusion


def _f1(labels: Labels, calls: npt.NDArray[np.bool_]) -> float:
    found = _confusion(labels, calls)
    wrong = found.false_positive + found.false_negative
    total = 2 * found.true_positive + wrong
    return 2 * found.true_positive / total if total else 0.0


def _balanced_accuracy(labels: Labels, calls: npt.NDArray[np.bool_]) -> float:
    found = _confusion(labels, calls)
    sensitivity = found.true_positive / (found.true_positive + found.false_negative)
    specificity = found.true_negative / (found.true_negative + found.false_positive)
    return (sensitivity + specificity) / 2


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Mean distance of predicted from observed share over ten bins of equal size, weighted by their rows."""
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    return float(sum(len(b) * abs(labels[b].mean() - probabilities[b].mean()) for b in bins) / len(labels))


def calibration_curve(labels: Labels, probabilities: Floats) -> tuple[Floats, Floats]:
    """Mean predicted and observed share of ten bins of equal size."""
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    return np.array([probabilities[b].mean() for b in bins]), np.array([labels[b].mean() for b in bins])


def _brier(labels: Labels, probabilities: Floats) -> float:
    return float(np.mean((probabilities - labels) ** 2))


_Metric = Callable[[Labels, Floats, float], float]
METRICS: Mapping[str, _Metric] = {
    "roc_auc": lambda y, p, _: float(roc_auc_score(y, p)),
    "pr_auc": lambda y, p, _: float(average_precision_score(y, p)),
    "f1": lambda y, p, t: _f1(y, p >= t),
    "balanced_accuracy": lambda y, p, t: _balanced_accuracy(y, p >= t),
    "brier": lambda y, p, _: _brier(y, p),
    "calibration_error": lambda y, p, _: calibration_error(y, p),
}


def tune_threshold(labels: Labels, probabilities: Floats) -> float:
    """The threshold with the best F1 on these rows, which must not be those that it is then judged on."""
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    return float(thresholds[int(np.argmax(f1[:-1]))])


def evaluate(
    labels: Labels, probabilities: Floats, *, threshold: float, resamples: int = 200, seed: int = 0
) -> Evaluation:
    """Every metric on these rows; intervals from `resamples` bootstrap samples, each class drawn apart."""
    samples = list(_resampled(labels, resamples, seed))
    metrics = {}
    for name, metric in METRICS.items():
        drawn = [metric(labels[rows], probabilities[rows], threshold) for rows in samples]
        low, high = np.percentile(drawn, _INTERVAL)
        metrics[name] = Estimate(metric(labels, probabilities, threshold), float(low), float(high))
    confusion = _confusion(labels, probabilities >= threshold)
    return Evaluation(len(labels), int(labels.sum()), threshold, metrics, confusion)


def point_metrics(labels: Labels, probabilities: Floats, *, threshold: float) -> dict[str, float]:
    """Every metric without its interval, as for one fold of several."""
    return {name: metric(labels, probabilities, threshold) for name, metric in METRICS.items()}


def roc_band(labels: Labels, probabilities: Floats, *, resamples: int = 200, seed: int = 0) -> Band:
    """Sensitivity by false positive rate."""

    def curve(rows: npt.NDArray[np.int64]) -> Floats:
        false_rate, true_rate, _ = roc_curve(labels[rows], probabilities[rows])
        return np.asarray(np.interp(_GRID, false_rate, true_rate), np.float64)

    return _band(curve, labels, resamples, seed)


def pr_band(labels: Labels, probabilities: Floats, *, resamples: int = 200, seed: int = 0) -> Band:
    """Precision by recall."""

    def curve(rows: npt.NDArray[np.int64]) -> Floats:
        precision, recall, _ = precision_recall_curve(labels[rows], probabilities[rows])
        return np.asarray(np.interp(_GRID, recall[::-1], precision[::-1]), np.float64)

    return _band(curve, labels, resamples, seed)


def errors_by(
    groups: Sequence[object], labels: Labels, probabilities: Floats, *, threshold: float, least: int = 20
) -> pd.DataFrame:
    """By group of at least so many rows: rows, conflicts, mean probability, false positives and negatives, Brier.

    Those with the most errors come first.
    """
    calls = probabilities >= threshold
    frame = pd.DataFrame(
        {
            "group": list(groups),
            "rows": 1,
            "conflicts": labels,
            "mean_probability": probabilities,
            "false_positives": calls & (labels == 0),
            "false_negatives": ~calls & (labels == 1),
            "brier": (probabilities - labels) ** 2,
        }
    )
    how = dict.fromkeys(("rows", "conflicts", "false_positives", "false_negatives"), "sum")
    found = frame.groupby("group").agg({**how, "mean_probability": "mean", "brier": "mean"})
    found = found[found["rows"] >= least]
    found["error_rate"] = (found["false_positives"] + found["false_negatives"]) / found["rows"]
    return found.sort_values(["error_rate", "rows"], ascending=[False, False]).reset_index()


def _confusion(labels: Labels, calls: npt.NDArray[np.bool_]) -> Confusion:
    true, false = calls & (labels == 1), calls & (labels == 0)
    missed = ~calls & (labels == 1)
    return Confusion(int(true.sum()), int(false.sum()), int(missed.sum()), int((~calls & (labels == 0)).sum()))


def _resampled(labels: Labels, count: int, seed: int) -> Sequence[npt.NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == value) for value in (0, 1)]
    return [np.concatenate([generator.choice(rows, len(rows)) for rows in classes]) for _ in range(count)]


def _band(curve: Callable[[npt.NDArray[np.int64]], Floats], labels: Labels, resamples: int, seed: int) -> Band:
    drawn = np.array([curve(rows) for rows in _resampled(labels, resamples, seed)])
    low, high = np.percentile(drawn, _INTERVAL, axis=0)
    return Band(_GRID, curve(np.arange(len(labels))), low, high)
