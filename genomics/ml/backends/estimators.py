"""Trained estimators: from a matrix to probabilities, kept as files that anyone can read, never as pickles.

All are trained on `threads` threads and give the same model from the same data, seed and number of threads.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.linear_model import LogisticRegression

from genomics.ml.backends.candidates import Algorithm, Candidate
from genomics.ml.preparation import Matrix
from genomics.ml.tables import Labels

Probabilities = npt.NDArray[np.float64]


class Estimator(Protocol):
    """What a candidate becomes. A row's answer does not depend on the other rows."""

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """Of each row, that laboratories disagree."""
        ...

    def contributions(self, matrix: Matrix) -> Probabilities:
        """Of each row, what each feature adds to the log-odds (SHAP values), then the base: features + 1 columns."""
        ...

    def save(self, path: Path) -> None:
        """Write it to a file."""
        ...


@dataclass(frozen=True)
class LightGbmEstimator:
    """Boosted trees, or a random forest, of LightGBM."""

    booster: lgb.Booster
    is_forest: bool

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """See Estimator."""
        return np.asarray(self.booster.predict(matrix), np.float64)

    def contributions(self, matrix: Matrix) -> Probabilities:
        """See Estimator."""
        added = np.asarray(self.booster.predict(matrix, pred_contrib=True), np.float64)
        # A forest answers with its trees' mean, but adds up what they contribute.
        return added / self.booster.num_trees() if self.is_forest else added

    def save(self, path: Path) -> None:
        """As LightGBM's text."""
        self.booster.save_model(path)


@dataclass(frozen=True)
class XgBoostEstimator:
    """Boosted trees of XGBoost."""

    booster: xgb.Booster

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """See Estimator."""
        return np.asarray(self.booster.predict(xgb.DMatrix(matrix)), np.float64)

    def contributions(self, matrix: Matrix) -> Probabilities:
        """See Estimator."""
        return np.asarray(self.booster.predict(xgb.DMatrix(matrix), pred_contribs=True), np.float64)

    def save(self, path: Path) -> None:
        """As XGBoost's JSON."""
        path.write_bytes(self.booster.save_raw("json"))


@dataclass(frozen=True)
class LogisticEstimator:
    """A line in features that are scaled by the training rows; what is unknown counts as the mean."""

    means: Probabilities
    scales: Probabilities
    weights: Probabilities
    intercept: float

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """See Estimator."""
        odds = self.contributions(matrix).sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-odds)), np.float64)

    def contributions(self, matrix: Matrix) -> Probabilities:
        """See Estimator."""
        parts = scaled(matrix, self.means, self.scales) * self.weights
        return np.column_stack([parts, np.full(len(parts), self.intercept)])

    def save(self, path: Path) -> None:
        """As JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("means", "scales", "weights")}
        path.write_text(json.dumps({**arrays, "intercept": self.intercept}))


def scaled(matrix: Matrix, means: Probabilities, scales: Probabilities) -> Probabilities:
    """Standard scores, 0 for what is unknown, 5 at most."""
    scores = np.nan_to_num((matrix.astype(np.float64) - means) / scales)
    return np.clip(scores, -5, 5)


def fit(candidate: Candidate, matrix: Matrix, labels: Labels, *, seed: int, threads: int) -> Estimator:
    """Train a candidate."""
    values = dict(candidate.hyperparameters)
    match candidate.algorithm:
        case Algorithm.LIGHTGBM | Algorithm.RANDOM_FOREST:
            return _fit_lightgbm(candidate.algorithm, values, matrix, labels, seed=seed, threads=threads)
        case Algorithm.XGBOOST:
            return _fit_xgboost(values, matrix, labels, seed=seed, threads=threads)
        case Algorithm.LOGISTIC_REGRESSION:
            return _fit_logistic(values, matrix, labels)


def load_estimator(algorithm: Algorithm, path: Path) -> Estimator:
    """Read what `save` wrote."""
    match algorithm:
        case Algorithm.LIGHTGBM | Algorithm.RANDOM_FOREST:
            return LightGbmEstimator(lgb.Booster(model_file=path), algorithm is Algorithm.RANDOM_FOREST)
        case Algorithm.XGBOOST:
            return XgBoostEstimator(xgb.Booster(model_file=str(path)))
        case Algorithm.LOGISTIC_REGRESSION:
            kept = json.loads(path.read_text())
            arrays = {name: np.array(kept[name]) for name in ("means", "scales", "weights")}
            return LogisticEstimator(**arrays, intercept=kept["intercept"])


def _fit_lightgbm(
    algorithm: Algorithm, values: Mapping[str, float], matrix: Matrix, labels: Labels, *, seed: int, threads: int
) -> Estimator:
    own = {name: value for name, value in values.items() if name != "rounds"}
    is_forest = algorithm is Algorithm.RANDOM_FOREST
    parameters = {
        "objective": "binary",
        "boosting": "rf" if is_forest else "gbdt",
        "bagging_fraction": 0.632 if is_forest else 0.8,
        "bagging_freq": 1,
        "max_bin": 127,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbose": -1,
        **own,
    }
    data = lgb.Dataset(matrix, labels, params=parameters)
    return LightGbmEstimator(lgb.train(parameters, data, int(values["rounds"])), is_forest)


def _fit_xgboost(values: Mapping[str, float], matrix: Matrix, labels: Labels, *, seed: int, threads: int) -> Estimator:
    own = {name: value for name, value in values.items() if name != "rounds"}
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": 127,
        "subsample": 0.8,
        "seed": seed,
        "nthread": threads,
        "verbosity": 0,
        **own,
    }
    return XgBoostEstimator(
        xgb.train(parameters, xgb.QuantileDMatrix(matrix, labels, max_bin=parameters["max_bin"]), int(values["rounds"]))
    )


def _fit_logistic(values: Mapping[str, float], matrix: Matrix, labels: Labels) -> Estimator:
    known = ~np.isnan(matrix)
    counts = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, matrix, 0).astype(np.float64)
    means = filled.sum(axis=0) / counts
    scales = np.sqrt(np.where(known, (filled - means) ** 2, 0).sum(axis=0) / counts)
    scales[scales == 0] = 1
    line = LogisticRegression(C=values["C"], max_iter=200)
    line.fit(scaled(matrix, means, scales), labels)
    return LogisticEstimator(means, scales, line.coef_[0], float(line.intercept_[0]))
