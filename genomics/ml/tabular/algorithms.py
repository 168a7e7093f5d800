"""The algorithms that candidates are made of, the hyperparameters that each takes, and the ranges to search.

Names of hyperparameters are those of SageMaker's built-in algorithms where it has them (Developer Guide, "XGBoost
hyperparameters", "Linear learner hyperparameters").
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

SEED = 0
_WORTH_THREADS = 250_000
Hyperparameters = Mapping[str, float]


class HyperparameterError(ValueError):
    """A hyperparameter is unknown, or its value or range cannot be used; one line that names it."""


@dataclass(frozen=True)
class Range:
    """From where to where a hyperparameter is searched; `is_logarithmic` by its order of magnitude."""

    low: float
    high: float
    is_integer: bool = False
    is_logarithmic: bool = False

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise HyperparameterError(f"a range begins at {self.low:g}, above its end {self.high:g}")
        if self.is_logarithmic and self.low <= 0:
            raise HyperparameterError(f"a logarithmic range begins at {self.low:g}; it must begin above 0")

    def draw(self, random: Random) -> float:
        """A value in the range, of six digits, so that it is as it is written."""
        if self.is_logarithmic:
            drawn = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        else:
            drawn = random.uniform(self.low, self.high)
        return float(round(drawn)) if self.is_integer else min(max(float(f"{drawn:.6g}"), self.low), self.high)


@dataclass(frozen=True)
class Algorithm:
    """`estimator` makes what is fitted, for a number of threads.

    `scales` says whether it wants numbers without gaps, of one scale.
    """

    name: str
    defaults: Hyperparameters
    ranges: Mapping[str, Range]
    estimator: Callable[[Hyperparameters, int], Any]
    scales: bool = False

    def complete(self, given: Mapping[str, Any]) -> dict[str, float]:
        """All hyperparameters, the given ones before the defaults; HyperparameterError for what it does not take."""
        values = dict(self.defaults)
        for name, value in given.items():
            if name not in values:
                raise HyperparameterError(f"{self.name} has no hyperparameter {name}; it has {', '.join(values)}")
            try:
                values[name] = float(value)
            except (TypeError, ValueError):
                raise HyperparameterError(f"{self.name}: {name} is {value!r}; expected a number") from None
        return values


def threads_for(values: int) -> int:
    """How many threads a table of so many values is worth: few are dealt with before a second thread has begun."""
    return 1 if values < _WORTH_THREADS else len(os.sched_getaffinity(0))


def _xgboost(values: Hyperparameters, threads: int) -> Any:
    from xgboost import XGBClassifier  # noqa: PLC0415 each library is loaded only where it is asked for

    return XGBClassifier(
        n_estimators=int(values["num_round"]),
        learning_rate=values["eta"],
        max_depth=int(values["max_depth"]),
        min_child_weight=values["min_child_weight"],
        subsample=values["subsample"],
        colsample_bytree=values["colsample_bytree"],
        reg_lambda=values["lambda"],
        reg_alpha=values["alpha"],
        tree_method="hist",
        n_jobs=threads,
        random_state=SEED,
    )


def _lightgbm(values: Hyperparameters, threads: int) -> Any:
    from lightgbm import LGBMClassifier  # noqa: PLC0415

    return LGBMClassifier(
        n_estimators=int(values["num_boost_round"]),
        learning_rate=values["learning_rate"],
        num_leaves=int(values["num_leaves"]),
        min_child_samples=int(values["min_data_in_leaf"]),
        colsample_bytree=values["feature_fraction"],
        n_jobs=threads,
        random_state=SEED,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def _forest(kind: str) -> Callable[[Hyperparameters, int], Any]:
    def make(values: Hyperparameters, threads: int) -> Any:
        from sklearn import ensemble  # noqa: PLC0415

        classifier: Any = getattr(ensemble, kind)
        return classifier(
            n_estimators=int(values["n_estimators"]),
            min_samples_leaf=int(values["min_samples_leaf"]),
            max_features=values["max_features"],
            n_jobs=threads,
            random_state=SEED,
        )

    return make


def _linear(values: Hyperparameters, threads: int) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    return LogisticRegression(C=1.0 / values["wd"], max_iter=int(values["epochs"]), random_state=SEED)


def _mlp(values: Hyperparameters, threads: int) -> Any:
    from sklearn.neural_network import MLPClassifier  # noqa: PLC0415

    return MLPClassifier(
        hidden_layer_sizes=(int(values["hidden_units"]),),
        learning_rate_init=values["learning_rate"],
        alpha=values["weight_decay"],
        max_iter=int(values["epochs"]),
        early_stopping=True,
        random_state=SEED,
    )


_FOREST_DEFAULTS = {"n_estimators": 200.0, "min_samples_leaf": 2.0, "max_features": 0.5}
_FOREST_RANGES = {"min_samples_leaf": Range(1, 20, is_integer=True), "max_features": Range(0.1, 1.0)}

ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(
            "xgboost",
            {
                "num_round": 150.0,
                "eta": 0.1,
                "max_depth": 6.0,
                "min_child_weight": 1.0,
                "subsample": 0.8,
                "colsample_bytree": 0.8,
                "lambda": 1.0,
                "alpha": 0.0,
            },
            {
                "num_round": Range(50, 300, is_integer=True),
                "eta": Range(0.02, 0.3, is_logarithmic=True),
                "max_depth": Range(3, 9, is_integer=True),
                "min_child_weight": Range(0.5, 20, is_logarithmic=True),
                "subsample": Range(0.5, 1.0),
                "colsample_bytree": Range(0.3, 1.0),
            },
            _xgboost,
        ),
        Algorithm(
            "lightgbm",
            {
                "num_boost_round": 200.0,
                "learning_rate": 0.05,
                "num_leaves": 31.0,
                "min_data_in_leaf": 20.0,
                "feature_fraction": 0.8,
            },
            {
                "num_boost_round": Range(50, 400, is_integer=True),
                "learning_rate": Range(0.02, 0.2, is_logarithmic=True),
                "num_leaves": Range(7, 127, is_integer=True, is_logarithmic=True),
                "min_data_in_leaf": Range(5, 100, is_integer=True, is_logarithmic=True),
            },
            _lightgbm,
        ),
        Algorithm("randomforest", _FOREST_DEFAULTS, _FOREST_RANGES, _forest("RandomForestClassifier"), scales=True),
        Algorithm("extra-trees", _FOREST_DEFAULTS, _FOREST_RANGES, _forest("ExtraTreesClassifier"), scales=True),
        Algorithm(
            "linear-learner",
            {"wd": 1.0, "epochs": 300.0},
            {"wd": Range(1e-3, 1e2, is_logarithmic=True)},
            _linear,
            scales=True,
        ),
        Algorithm(
            "mlp",
            {"hidden_units": 32.0, "learning_rate": 0.003, "weight_decay": 1e-4, "epochs": 60.0},
            {
                "hidden_units": Range(8, 128, is_integer=True, is_logarithmic=True),
                "learning_rate": Range(5e-4, 2e-2, is_logarithmic=True),
                "weight_decay": Range(1e-6, 1e-2, is_logarithmic=True),
            },
            _mlp,
            scales=True,
        ),
    )
}
