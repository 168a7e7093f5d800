"""What other variants tell of a variant: the same, one by one or together, and nothing of the label."""

import numpy as np
import pandas as pd
import pytest

from genomics.contracts.features import Tier
from genomics.ml.condition_context import CONDITION_CONTEXT_FEATURES, ConditionContext
from genomics.ml.encodings import encode_out_of_fold, fit_encodings
from genomics.ml.gene_context import GENE_CONTEXT_FEATURES, GeneContext
from genomics.ml.preparation import ContextScope, Recipe, prepare
from genomics.ml.tables import TrainingTable


def test_each_row_is_told_the_same_alone_as_with_others(few_variants: TrainingTable) -> None:
    rows = few_variants.examples.context
    for context in (GeneContext(rows.iloc[:600]), ConditionContext(rows.iloc[:600])):
        together = context.features(rows)
        for place in (0, 599, 600, 799):
            alone = context.features(rows.iloc[[place]].reset_index(drop=True))
            for name, values in together.items():
                np.testing.assert_allclose(alone[name][0], values[place], rtol=1e-12, err_msg=name)


def test_a_row_counts_itself_once_whether_the_reference_has_it_or_not(few_variants: TrainingTable) -> None:
    rows = few_variants.examples.context
    place = 10
    one = rows.iloc[[place]].reset_index(drop=True)
    others = rows.drop(index=place).reset_index(drop=True)
    # What the nearest rows hold depends on the rows there are.
    for kind in (GeneContext, ConditionContext):
        inside, outside = kind(rows).features(one), kind(others).features(one)
        for name, values in inside.items():
            np.testing.assert_allclose(outside[name], values, rtol=1e-9, err_msg=name)


def test_means_and_ranks_are_those_of_the_gene(few_variants: TrainingTable) -> None:
    rows = few_variants.examples.context
    found = GeneContext(rows).features(rows)
    genes = rows.groupby("gene")
    np.testing.assert_allclose(found["gene_cadd"], genes["cadd"].transform("mean"))
    np.testing.assert_allclose(found["gene_frequency_sd"], genes["frequency"].transform("std"))
    np.testing.assert_allclose(found["cadd_rank_in_gene"], genes["cadd"].rank(pct=True))
    np.testing.assert_allclose(found["gene_residues"], genes["residue"].transform("max"))
    counted = [((rows["place"] - place).abs() <= 1000).sum() - 1 for place in rows["place"]]
    np.testing.assert_allclose(np.expm1(found["variants_within_1000_log"]), counted)


def test_an_empty_reference_leaves_unknown_what_it_cannot_tell(few_variants: TrainingTable) -> None:
    rows = few_variants.examples.context
    found = GeneContext(rows.iloc[:0]).features(rows)
    assert np.isnan(found["gene_cadd"]).all()
    assert np.isnan(found["nearest_any_log"]).all()
    assert set(found) == {feature.name for feature in GENE_CONTEXT_FEATURES}
    context = ConditionContext(rows.iloc[:0])
    assert set(context.features(rows)) == {feature.name for feature in CONDITION_CONTEXT_FEATURES}


@pytest.mark.parametrize("scope", list(ContextScope))
def test_strict_features_do_not_change_with_the_rows_that_are_predicted(
    few_variants: TrainingTable, scope: ContextScope
) -> None:
    train, test = np.arange(600), np.arange(600, 800)
    training = few_variants.take(train)
    matrices = []
    for some in (test, test[:5]):
        unlabelled = few_variants.examples.take(some)
        fitted = prepare(Recipe(Tier.B, scope), training.examples, training.labels, unlabelled=unlabelled)
        matrices.append(fitted.matrix(few_variants.examples.take(test[:5])))
    same = np.array_equal(matrices[0][:5], matrices[1], equal_nan=True)
    assert same == (scope is not ContextScope.TABLE)


def test_an_encoding_is_the_smoothed_share_of_the_training_rows() -> None:
    rows = pd.DataFrame({"gene": ["A", "A", "B"], "severity": [1.0, 1.0, 2.0], "conditions": ["x", "x|y", "y"]})
    fitted = fit_encodings(rows, np.array([1, 1, 0]))
    # 20 average variants are added to each gene's own.
    assert fitted.shares["gene"]["A"] == pytest.approx((2 + 20 * 2 / 3) / 22)
    unknown = pd.DataFrame({"gene": ["C", None], "severity": [1.0, np.nan], "conditions": ["z", ""]})
    for name, values in fitted.encode(unknown).items():
        np.testing.assert_allclose(values, 2 / 3, err_msg=name)


@pytest.mark.parametrize("genes_known", [True, False])
def test_no_row_s_encoding_knows_its_own_label(few_variants: TrainingTable, genes_known: bool) -> None:
    rows, labels = few_variants.examples.context, few_variants.labels
    before = encode_out_of_fold(rows, labels, genes_known=genes_known, seed=0)
    # The folds are divided by label, so that two labels have to change places.
    changed = labels.copy()
    first, second = np.flatnonzero(labels == 1)[0], np.flatnonzero(labels == 0)[0]
    changed[[first, second]] = labels[[second, first]]
    after = encode_out_of_fold(rows, changed, genes_known=genes_known, seed=0)
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    shares = fit_encodings(rows, labels).encode(rows)
    assert (
        np.corrcoef(shares["gene_conflict_share"], labels)[0, 1]
        > (np.corrcoef(before["gene_conflict_share"], labels)[0, 1])
    )
