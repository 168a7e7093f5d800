"""Dividing examples for training and test: at random, by gene, or by date. What divides is seeded and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from genomics.ml.tables import Indexes, TrainingTable


class SplitKind(StrEnum):
    """RANDOM shares the classes out evenly; GENE has each gene on one side; TIME trains on what was known earlier."""

    RANDOM = "random"
    GENE = "gene"
    TIME = "time"


class SplitError(ValueError):
    """A split that would let the test know the training, or that cannot be made."""


@dataclass(frozen=True)
class Split:
    """Rows for training and for the test, as places in the table."""

    kind: SplitKind
    seed: int
    train: Indexes
    test: Indexes

    def check(self, table: TrainingTable) -> None:
        """SplitError if a variant, or with GENE a gene, is on both sides, or a side has only one class."""
        sides: list[tuple[str, Sequence[object]]] = [("variant", table.examples.keys.tolist())]
        if self.kind is SplitKind.GENE:
            sides.append(("gene", list(table.examples.genes)))
        for what, names in sides:
            if both := {names[row] for row in self.train} & {names[row] for row in self.test}:
                raise SplitError(f"{what} {min(map(str, both))} is in training and test, as are {len(both) - 1} others")
        for side, rows in (("training", self.train), ("test", self.test)):
            if len(set(table.labels[rows].tolist())) != 2:
                raise SplitError(f"{side} has {len(rows)} rows, not of both classes; give more rows or another seed")

    def save(self, table: TrainingTable, path: Path) -> None:
        """Write which variant is on which side, beside the data's checksum."""
        sides = pd.Series("", index=range(len(table)))
        sides.iloc[self.train], sides.iloc[self.test] = "train", "test"
        frame = pd.DataFrame({"variant": table.examples.keys.to_numpy(), "side": sides})
        frame = frame[frame["side"] != ""].assign(kind=str(self.kind), seed=self.seed, data_sha256=table.sha256)
        frame.to_csv(path, index=False)


def read_split(path: Path, table: TrainingTable) -> Split:
    """The split that was stored; SplitError if it was made of other data."""
    frame = pd.read_csv(path, dtype=str)
    if set(frame["data_sha256"]) != {table.sha256}:
        raise SplitError(f"{path.name} divides other data: its checksum is not that of the table")
    places = pd.Index(table.examples.keys).get_indexer(frame["variant"])
    train, test = (np.sort(places[(frame["side"] == side).to_numpy()]) for side in ("train", "test"))
    split = Split(SplitKind(frame["kind"].iloc[0]), int(frame["seed"].iloc[0]), train, test)
    split.check(table)
    return split


def folds(table: TrainingTable, kind: SplitKind, *, count: int, seed: int) -> list[Split]:
    """As many splits whose tests are disjoint and together all rows; of RANDOM and GENE."""
    if kind is SplitKind.TIME:
        raise SplitError("a split by time has no folds")
    rows = np.arange(len(table))
    if kind is SplitKind.RANDOM:
        pairs = StratifiedKFold(count, shuffle=True, random_state=seed).split(rows, table.labels)
    else:
        grouped = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        pairs = grouped.split(rows, table.labels, table.examples.genes)
    splits = [Split(kind, seed, train, test) for train, test in pairs]
    for split in splits:
        split.check(table)
    return splits


def split_once(table: TrainingTable, kind: SplitKind, *, seed: int, test_share: float = 0.2) -> Split:
    """One split: of RANDOM and GENE, about `test_share` of the rows are for the test."""
    return folds(table, kind, count=max(2, round(1 / test_share)), seed=seed)[0]


def split_by_time(table: TrainingTable, known_since: Sequence[date | None], cutoff: date) -> Split:
    """Train on variants known before `cutoff`, test on those since; those without a date are on neither side."""
    if len(known_since) != len(table):
        raise SplitError(f"{len(known_since)} dates for {len(table)} rows")
    earlier = np.array([day is not None and day < cutoff for day in known_since])
    later = np.array([day is not None and day >= cutoff for day in known_since])
    split = Split(SplitKind.TIME, 0, np.flatnonzero(earlier), np.flatnonzero(later))
    split.check(table)
    return split
