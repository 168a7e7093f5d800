"""A leak that is put in on purpose is found; without one, nothing is, and shuffled labels cannot be learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genomics.contracts.features import Tier
from genomics.ml import preparation
from genomics.ml.backends.builtin import Builtin
from genomics.ml.backends.candidates import Algorithm, Range, Space
from genomics.ml.encodings import LabelEncodings, fit_encodings
from genomics.ml.gene_context import Floats
from genomics.ml.leaks import auc_of_shuffled_labels, suspicious_features
from genomics.ml.preparation import prepare
from genomics.ml.splits import Split, SplitError, SplitKind, folds
from genomics.ml.tables import Labels, TrainingTable, read_training_table
from genomics.ml.training import recipe_for

# A small model learns a leak as well as a large one.
SMALL = Builtin(
    spaces=[
        Space(
            Algorithm.LIGHTGBM,
            {name: Range(value, value, value) for name, value in (("rounds", 25), ("num_leaves", 15))},
        )
    ],
    count=1,
    threads=1,
)
# What the mean of noise may be off, at the tables' sizes.
NOISE = 0.02


def _suspicions(table: TrainingTable, tier: Tier = Tier.A) -> dict[str, str]:
    fitted = prepare(recipe_for(tier, SplitKind.RANDOM), table.examples, table.labels)
    names = tuple(feature.name for feature in fitted.features)
    return suspicious_features(names, fitted.training_matrix(table.examples, table.labels), table.labels)


def _with_column(table: TrainingTable, name: str, values: np.ndarray) -> TrainingTable:
    changed = table.examples.values.assign(**{name: values.astype(np.float32)})
    return replace(table, examples=replace(table.examples, values=changed))


@pytest.mark.parametrize("tier", list(Tier))
def test_no_feature_is_a_copy_of_the_label_or_an_identifier(few_variants: TrainingTable, tier: Tier) -> None:
    assert _suspicions(few_variants, tier) == {}


def test_a_copy_of_the_label_is_found_in_spite_of_noise(few_variants: TrainingTable) -> None:
    noise = np.random.default_rng(0).random(len(few_variants)) * 1.05
    assert set(_suspicions(_with_column(few_variants, "transcript_strand", noise - few_variants.labels))) == {
        "transcript_strand"
    }


def test_an_identifier_is_found(few_variants: TrainingTable) -> None:
    identifiers = np.random.default_rng(0).permutation(len(few_variants)) + 100_000
    assert set(_suspicions(_with_column(few_variants, "transcript_strand", identifiers))) == {"transcript_strand"}


def test_a_gene_on_both_sides_is_found(few_variants: TrainingTable) -> None:
    split = folds(few_variants, SplitKind.GENE, count=5, seed=0)[0]
    moved = Split(SplitKind.GENE, 0, np.append(split.train, split.test[0]), split.test[1:])
    with pytest.raises(SplitError, match=r"gene GENE\d+ is in training and test"):
        moved.check(few_variants)


def test_a_variant_on_both_sides_is_found(few_variants: TrainingTable) -> None:
    split = folds(few_variants, SplitKind.RANDOM, count=5, seed=0)[0]
    doubled = Split(SplitKind.RANDOM, 0, np.append(split.train, split.test[0]), split.test)
    with pytest.raises(SplitError, match=r"variant .* is in training and test, as are 0 others"):
        doubled.check(few_variants)


@pytest.mark.parametrize(("tier", "kind"), [(Tier.A, SplitKind.RANDOM), (Tier.B, SplitKind.GENE)])
def test_shuffled_labels_cannot_be_learned(many_variants: TrainingTable, kind: SplitKind, tier: Tier) -> None:
    found = auc_of_shuffled_labels(many_variants, kind, recipe=recipe_for(tier, kind), backend=SMALL, seed=1, count=3)
    assert found == pytest.approx(0.5, abs=NOISE)


def test_a_target_encoding_that_knows_the_test_is_found(
    many_variants: TrainingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = np.random.default_rng(1).permutation(many_variants.labels)
    everything = fit_encodings(many_variants.examples.context, shuffled)

    def outside_the_fold(_rows: pd.DataFrame, _labels: Labels) -> LabelEncodings:
        return everything

    def encoded(rows: pd.DataFrame, _labels: Labels, **_how: object) -> dict[str, Floats]:
        return everything.encode(rows)

    monkeypatch.setattr(preparation, "fit_encodings", outside_the_fold)
    monkeypatch.setattr(preparation, "encode_out_of_fold", encoded)
    recipe = recipe_for(Tier.A, SplitKind.RANDOM)
    found = auc_of_shuffled_labels(many_variants, SplitKind.RANDOM, recipe=recipe, backend=SMALL, seed=1, count=3)
    assert found > 0.5 + 3 * NOISE


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("kind", [SplitKind.RANDOM, SplitKind.GENE])
@pytest.mark.parametrize("tier", list(Tier))
def test_shuffled_labels_of_clinvar_cannot_be_learned(shared_data: Path, kind: SplitKind, tier: Tier) -> None:
    table = read_training_table(shared_data / "clinvar" / "clinvar_conflicting.dev80.csv.gz")
    found = auc_of_shuffled_labels(table, kind, recipe=recipe_for(tier, kind), backend=Builtin(), seed=1)
    assert found == pytest.approx(0.5, abs=NOISE)
