"""From a table to a model: prepare, train, tune, and score on rows that the model has never seen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genomics.contracts.features import Tier
from genomics.ml.backends import Backend, TrainingData
from genomics.ml.evaluation import Evaluation, evaluate, tune_threshold
from genomics.ml.gene_context import Floats
from genomics.ml.models import Model
from genomics.ml.preparation import ContextScope, Recipe, prepare
from genomics.ml.splits import Split, SplitKind, split_once
from genomics.ml.tables import Indexes, TrainingTable

Say = Callable[[str], None]

# One of so many training rows ranks candidates and tunes the threshold.
_VALIDATION_SHARE = 0.15


@dataclass(frozen=True)
class Scored:
    """A model with its probabilities for the test rows, which were never trained on, and what they are worth."""

    model: Model
    split: Split
    probabilities: Floats
    evaluation: Evaluation


def recipe_for(tier: Tier, kind: SplitKind, *, strict: bool = False, seed: int = 0) -> Recipe:
    """How to prepare for a split: features of the training rows are made as those of the test rows will be.

    A gene's own labels say nothing of genes that are all in the test, so that there is no encoding of it then.
    `strict` compares with training rows only: inductive, where the default is transductive.
    """
    is_gene = kind is SplitKind.GENE
    inductive = ContextScope.UNSEEN_GENES if is_gene else ContextScope.TRAINING
    scope = inductive if strict else ContextScope.TABLE
    return Recipe(tier, scope, genes_known=not is_gene, seed=seed)


def train(
    table: TrainingTable,
    rows: Indexes,
    *,
    recipe: Recipe,
    backend: Backend,
    kind: SplitKind,
    unlabelled: Indexes | None = None,
    on_progress: Say = lambda _: None,
) -> Model:
    """Train on these rows of the table. `unlabelled` are other rows for the context; their labels are not looked at."""
    training = table.take(rows)
    others = None if unlabelled is None else table.examples.take(unlabelled)
    preparation = prepare(recipe, training.examples, training.labels, unlabelled=others)
    names = tuple(feature.name for feature in preparation.features)
    on_progress(f"tier {recipe.tier}: {len(training):,} rows, {len(names)} features")
    # Within the training rows a date has been respected already.
    inner = SplitKind.GENE if kind is SplitKind.GENE else SplitKind.RANDOM
    divided = split_once(training, inner, seed=recipe.seed, test_share=_VALIDATION_SHARE)
    is_validation = np.zeros(len(training), bool)
    is_validation[divided.test] = True
    matrix = preparation.training_matrix(training.examples, training.labels)
    trained = backend.train(TrainingData(names, matrix, training.labels, is_validation), on_progress=on_progress)
    threshold = tune_threshold(training.labels[is_validation], trained.validation)
    trials = [
        {"candidate": t.candidate.name, **t.candidate.hyperparameters, "validation_auc": t.auc} for t in trained.trials
    ]
    return Model(preparation, trained.parts, threshold, {"data_sha256": table.sha256, "trials": trials})


def train_and_score(
    table: TrainingTable,
    split: Split,
    *,
    recipe: Recipe,
    backend: Backend,
    resamples: int = 200,
    on_progress: Say = lambda _: None,
) -> Scored:
    """Train on the split's training rows, score on its test rows, with intervals of `resamples` bootstrap samples."""
    split.check(table)
    model = train(
        table,
        split.train,
        recipe=recipe,
        backend=backend,
        kind=split.kind,
        unlabelled=split.test if recipe.scope is ContextScope.TABLE else None,
        on_progress=on_progress,
    )
    probabilities = model.probabilities(table.examples.take(split.test))
    scored = evaluate(table.labels[split.test], probabilities, threshold=model.threshold, resamples=resamples)
    return Scored(model, split, probabilities, scored)
