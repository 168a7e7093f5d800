"""Signs that a model knows what it should not: looked for in the features, and in what is learned from noise."""

from dataclasses import replace

import numpy as np
from sklearn.metrics import roc_auc_score

from genomics.ml.backends import Backend
from genomics.ml.preparation import ContextScope, Matrix, Recipe
from genomics.ml.splits import SplitKind, folds
from genomics.ml.tables import Labels, TrainingTable
from genomics.ml.training import train

# No honest feature ranks so well alone; the best model here has 0.87.
_COPY = 0.95
# A column with so large a share of values of its own in whole numbers names rows rather than describing them.
_OWN_VALUES = 0.95
_LEAST = 200


def suspicious_features(names: tuple[str, ...], matrix: Matrix, labels: Labels) -> dict[str, str]:
    """Features that look like a copy of the label or like an identifier, and why."""
    found = {}
    for name, column in zip(names, matrix.T, strict=True):
        filled = np.where(np.isnan(column), np.nanmin(column) - 1 if not np.isnan(column).all() else 0, column)
        auc = float(roc_auc_score(labels, filled))
        known = column[~np.isnan(column)]
        if max(auc, 1 - auc) >= _COPY:
            found[name] = f"ranks the label alone, AUC {auc:.3f}"
        elif len(known) >= _LEAST and len(np.unique(known)) >= _OWN_VALUES * len(known) and np.all(known % 1 == 0):
            found[name] = "is a different whole number in nearly every row"
    return found


def auc_of_shuffled_labels(
    table: TrainingTable, kind: SplitKind, *, recipe: Recipe, backend: Backend, seed: int, count: int = 5
) -> float:
    """ROC AUC over all folds after the labels were shuffled: 0.5, unless something tells the test's labels."""
    labels = np.random.default_rng(seed).permutation(table.labels)
    shuffled = replace(table, labels=labels)
    answers = np.empty(len(table))
    for split in folds(shuffled, kind, count=count, seed=seed):
        others = split.test if recipe.scope is ContextScope.TABLE else None
        model = train(shuffled, split.train, recipe=recipe, backend=backend, kind=kind, unlabelled=others)
        answers[split.test] = model.probabilities(table.examples.take(split.test))
    return float(roc_auc_score(labels, answers))
