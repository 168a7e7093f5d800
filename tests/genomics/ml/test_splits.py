"""Sides that share nothing, the same for the same seed, and stored with the data they divide."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from genomics.ml.splits import SplitError, SplitKind, folds, read_split, split_by_time, split_once
from genomics.ml.tables import TrainingTable

KINDS = [SplitKind.RANDOM, SplitKind.GENE]


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_is_tested_once(few_variants: TrainingTable, kind: SplitKind) -> None:
    splits = folds(few_variants, kind, count=4, seed=0)
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(few_variants)))
    for split in splits:
        assert not set(split.train) & set(split.test)


def test_classes_are_shared_out_evenly(few_variants: TrainingTable) -> None:
    for split in folds(few_variants, SplitKind.RANDOM, count=4, seed=0):
        assert few_variants.labels[split.test].mean() == pytest.approx(few_variants.labels.mean(), abs=0.01)


def test_a_gene_is_on_one_side(few_variants: TrainingTable) -> None:
    genes = few_variants.examples.genes
    for split in folds(few_variants, SplitKind.GENE, count=4, seed=0):
        assert not set(genes[split.train]) & set(genes[split.test])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_divides_the_same_way_again(few_variants: TrainingTable, kind: SplitKind) -> None:
    first, again, other = (split_once(few_variants, kind, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


@pytest.mark.parametrize("kind", KINDS)
def test_a_split_is_stored_with_the_data(few_variants: TrainingTable, kind: SplitKind, tmp_path: Path) -> None:
    split = split_once(few_variants, kind, seed=1)
    split.save(few_variants, tmp_path / "split.csv")
    again = read_split(tmp_path / "split.csv", few_variants)
    assert (again.kind, again.seed) == (kind, 1)
    assert np.array_equal(again.train, split.train)
    assert np.array_equal(again.test, split.test)


def test_a_split_of_other_data_is_refused(few_variants: TrainingTable, tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    split_once(few_variants, SplitKind.RANDOM, seed=1).save(few_variants, path)
    path.write_text(path.read_text().replace(few_variants.sha256, "1" * 64))
    with pytest.raises(SplitError, match=r"split\.csv divides other data"):
        read_split(path, few_variants)


def test_a_split_by_time_tests_on_what_came_later(few_variants: TrainingTable) -> None:
    days = [date(2020 + number % 4, 1, 1) if number % 10 else None for number in range(len(few_variants))]
    split = split_by_time(few_variants, days, date(2022, 1, 1))
    assert all((day := days[row]) is not None and day.year < 2022 for row in split.train)
    assert all((day := days[row]) is not None and day.year >= 2022 for row in split.test)
    assert len(split.train) + len(split.test) == sum(day is not None for day in days)


def test_a_side_without_a_class_is_refused(few_variants: TrainingTable) -> None:
    days = [date(2020 + int(label), 1, 1) for label in few_variants.labels]
    with pytest.raises(SplitError, match=r"training has .* rows, not of both classes"):
        split_by_time(few_variants, days, date(2021, 1, 1))
