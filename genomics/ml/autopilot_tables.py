"""The tables that Autopilot learns from and that its endpoint is asked: features beside label, and whose they are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from genomics.contracts.annotated_variants import LABEL
from genomics.contracts.features import Tier
from genomics.ml.preparation import Matrix, prepare
from genomics.ml.splits import SplitKind, split_once
from genomics.ml.tables import Indexes, Labels, TrainingTable
from genomics.ml.training import recipe_for

# What a test row is told of beside its features; no model sees these.
ABOUT = ("variant", "gene_symbol", "consequence")
_VALIDATION_SHARE = 0.15


@dataclass(frozen=True)
class Rows:
    """Rows of a written table: the features in the model's order, the labels, and whose they are."""

    features: pd.DataFrame
    labels: Labels
    about: pd.DataFrame


@dataclass(frozen=True)
class Tables:
    """Files of one tier: what is learned from, what thresholds are tuned on, and what the model is judged by."""

    tier: Tier
    train: Path
    validation: Path
    test: Path


def write_tables(table: TrainingTable, tier: Tier, kind: SplitKind, directory: Path, *, seed: int = 0) -> Tables:
    """Divide and prepare a training set; the features of validation and test rows are made of training rows alone.

    Validation and test are divided from the rest in the same way: by gene, no gene is in two of the three.
    """
    directory.mkdir(parents=True, exist_ok=True)
    outer = split_once(table, kind, seed=seed)
    inner = split_once(table.take(outer.train), kind, seed=seed, test_share=_VALIDATION_SHARE)
    train, validation = outer.train[inner.train], outer.train[inner.test]
    training = table.take(train)
    preparation = prepare(recipe_for(tier, kind, strict=True, seed=seed), training.examples, training.labels)
    names = [feature.name for feature in preparation.features]
    written = Tables(tier, directory / "train.csv", directory / "validation.csv", directory / "test.csv")
    matrix = preparation.training_matrix(training.examples, training.labels)
    _frame(names, matrix, training.labels).to_csv(written.train, index=False)
    for path, rows in ((written.validation, validation), (written.test, outer.test)):
        asked = preparation.matrix(table.examples.take(rows))
        frame = _frame(names, asked, table.labels[rows])
        if path == written.test:
            frame = pd.concat([_about(table, rows), frame], axis="columns")
        frame.to_csv(path, index=False)
    return written


def read_rows(path: Path) -> Rows:
    """Read what `write_tables` has written."""
    frame = pd.read_csv(path, low_memory=False)
    labels: npt.NDArray[np.int64] = frame[LABEL].to_numpy(np.int64)
    about = frame[[name for name in ABOUT if name in frame]]
    return Rows(frame.drop(columns=[LABEL, *about.columns]), labels, about)


def _frame(names: list[str], matrix: Matrix, labels: Labels) -> pd.DataFrame:
    return pd.DataFrame(matrix, columns=names).assign(**{LABEL: labels})


def _about(table: TrainingTable, rows: Indexes) -> pd.DataFrame:
    consequences = [str(table.rows[row].get("Consequence") or "unknown") for row in rows]
    examples = table.examples.take(rows)
    return pd.DataFrame(dict(zip(ABOUT, (examples.keys, examples.genes, consequences), strict=True)))
