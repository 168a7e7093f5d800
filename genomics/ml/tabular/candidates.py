"""A candidate: one algorithm with its hyperparameters over columns that are made fit for it, fitted and scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from genomics.ml.tabular.algorithms import ALGORITHMS, SEED, HyperparameterError, threads_for
from genomics.ml.tabular.rows import Column, frame_of

# Text with more different values than this is told by how often the label follows it, fitted across folds.
_MOST_VALUES = 32
_RAREST = 10
_FOLDS = 5

Floats = npt.NDArray[np.float64]


class TableError(ValueError):
    """A table cannot be learned from; one line that says why."""


@dataclass(frozen=True)
class Problem:
    """What is to be told of a table: whether `target` is the second of `labels`, from `columns`."""

    target: str
    labels: tuple[str, str]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, table: pd.DataFrame, target: str) -> "Problem":
        """Read it off a training table; TableError where there are not two labels, or nothing to tell them by."""
        if target not in table.columns:
            raise TableError(f"the table has no column {target}; it has {', '.join(map(str, table.columns))}")
        labels = sorted(table[target].dropna().astype(str).unique())
        if len(labels) != 2 or table[target].isna().any():
            raise TableError(f"column {target} has {len(labels)} labels or gaps; two labels and no gaps are needed")
        features = table.drop(columns=target).dropna(axis="columns", how="all")
        if features.columns.empty:
            raise TableError("the table has nothing but the label")
        columns = tuple(Column(str(name), _is_number(table[name])) for name in table.drop(columns=target))
        return cls(target, (labels[0], labels[1]), columns)

    def inputs(self, table: pd.DataFrame) -> pd.DataFrame:
        """The columns to learn from."""
        if lacking := [column.name for column in self.columns if column.name not in table.columns]:
            raise TableError(f"the table lacks {', '.join(lacking)}")
        return frame_of(table, self.columns)

    def outcomes(self, table: pd.DataFrame) -> npt.NDArray[np.int64]:
        """1 where the target is the second label."""
        found: npt.NDArray[np.int64] = (table[self.target].astype(str) == self.labels[1]).to_numpy(np.int64)
        return found


@dataclass(frozen=True)
class Candidate:
    """A fitted pipeline. `metrics` are those of the validation table, under SageMaker's names."""

    algorithm: str
    hyperparameters: Mapping[str, float]
    problem: Problem
    pipeline: Any
    metrics: Mapping[str, float]

    def probabilities(self, inputs: pd.DataFrame) -> Floats:
        """The probability of the second label, row by row."""
        if inputs.empty:
            return np.empty(0)
        found: Floats = self.pipeline.predict_proba(inputs)[:, 1].astype(np.float64)
        return found


def train(
    algorithm: str, hyperparameters: Mapping[str, Any], problem: Problem, table: pd.DataFrame, validation: pd.DataFrame
) -> Candidate:
    """Fit one candidate on `table` and score it on `validation`; the same arguments give the same candidate."""
    if algorithm not in ALGORITHMS:
        raise HyperparameterError(f"there is no algorithm {algorithm}; there are {', '.join(ALGORITHMS)}")
    chosen = ALGORITHMS[algorithm]
    values = chosen.complete(hyperparameters)
    inputs = problem.inputs(table)
    pipeline = Pipeline(
        [
            ("columns", _columns(inputs, problem, scales=chosen.scales)),
            ("model", chosen.estimator(values, threads_for(inputs.size))),
        ]
    )
    pipeline.set_output(transform="default").fit(inputs, problem.outcomes(table))
    fitted = Candidate(algorithm, values, problem, pipeline, {})
    found = fitted.probabilities(problem.inputs(validation))
    return Candidate(algorithm, values, problem, pipeline, score(problem.outcomes(validation), found))


def score(outcomes: npt.NDArray[np.int64], probabilities: Floats) -> dict[str, float]:
    """Metrics of probabilities; those of decisions at one half."""
    decided = (probabilities >= 0.5).astype(np.int64)
    return {
        "AUC": float(roc_auc_score(outcomes, probabilities)),
        "Accuracy": float(accuracy_score(outcomes, decided)),
        "BalancedAccuracy": float(balanced_accuracy_score(outcomes, decided)),
        "F1": float(f1_score(outcomes, decided, zero_division=0)),
        "Precision": float(precision_score(outcomes, decided, zero_division=0)),
        "Recall": float(recall_score(outcomes, decided, zero_division=0)),
        "LogLoss": float(log_loss(outcomes, probabilities, labels=[0, 1])),
    }


class Average:
    """Several pipelines as one: the mean of their probabilities."""

    def __init__(self, pipelines: Sequence[Any]) -> None:
        self.pipelines = list(pipelines)

    def predict_proba(self, inputs: pd.DataFrame) -> Floats:
        """Probabilities of both labels."""
        found: Floats = np.mean([pipeline.predict_proba(inputs) for pipeline in self.pipelines], axis=0)
        return found


def ensemble(candidates: Sequence[Candidate], validation: pd.DataFrame) -> Candidate:
    """The mean of several candidates of one problem as another one."""
    problem = candidates[0].problem
    average = Candidate("ensemble", {}, problem, Average([candidate.pipeline for candidate in candidates]), {})
    found = average.probabilities(problem.inputs(validation))
    return Candidate("ensemble", {}, problem, average.pipeline, score(problem.outcomes(validation), found))


def _is_number(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


def _columns(inputs: pd.DataFrame, problem: Problem, *, scales: bool) -> ColumnTransformer:
    numbers = [column.name for column in problem.columns if column.is_number]
    words = [column.name for column in problem.columns if not column.is_number]
    few = [name for name in words if inputs[name].nunique() <= _MOST_VALUES]
    many = [name for name in words if name not in few]
    of_numbers: Any = "passthrough"
    if scales:
        # A column of gaps alone stays as a column of zeros, so that every row has the same width.
        fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        of_numbers = Pipeline([("fill", fill), ("scale", StandardScaler())])
    rare = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_RAREST, sparse_output=False)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=SEED)
    return ColumnTransformer(
        [
            ("numbers", of_numbers, numbers),
            ("few", rare, few),
            ("many", TargetEncoder(target_type="binary", cv=folds), many),
        ]
    )
