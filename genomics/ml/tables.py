"""Reading training tables: the published layout as CSV, or the job's Parquet; and what rows become for a model."""

import csv
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from genomics.contracts.annotated_variants import LABEL, PUBLISHED_COLUMNS, AnnotatedVariant, Row, RowError
from genomics.contracts.features import values_of
from genomics.contracts.submission_features import SUBMISSION_FEATURES
from genomics.contracts.variant_features import VARIANT_FEATURES
from genomics.ml.context_rows import context_rows

ROW_FEATURES = (*VARIANT_FEATURES, *SUBMISSION_FEATURES)

Labels = npt.NDArray[np.int64]
Indexes = npt.NDArray[np.int64]


class TableError(ValueError):
    """A table cannot be learned from: one line that names the file, the line and what was expected."""


@dataclass(frozen=True)
class Examples:
    """Variants as models take them: `values` has ROW_FEATURES, `context` the columns of `context_rows`, row by row."""

    values: pd.DataFrame
    context: pd.DataFrame

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Indexes) -> "Examples":
        """Some of them."""
        return Examples(self.values.iloc[index].reset_index(drop=True), self.context.iloc[index].reset_index(drop=True))

    @property
    def keys(self) -> pd.Series:
        """What tells each from all others."""
        return self.context["key"]

    @property
    def genes(self) -> npt.NDArray[np.object_]:
        """Each one's gene; those in none are kept together by chromosome."""
        nowhere = "no gene on " + self.keys.str.partition(":")[0]
        return np.asarray(self.context["gene"].fillna(nowhere), object)


@dataclass(frozen=True)
class TrainingTable:
    """Examples with labels, 1 where laboratories disagree. `duplicates` is how many rows were left out as repeated."""

    examples: Examples
    labels: Labels
    rows: list[dict[str, str | None]]
    sha256: str
    duplicates: int

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Indexes) -> "TrainingTable":
        """Some of its rows."""
        rows = [self.rows[place] for place in index]
        return TrainingTable(self.examples.take(index), self.labels[index], rows, self.sha256, 0)


def read_row(row: Row) -> tuple[AnnotatedVariant, list[float]]:
    """A row's variant and its ROW_FEATURES; RowError where it cannot be read."""
    variant = AnnotatedVariant(row)
    return variant, values_of(variant, ROW_FEATURES)


def examples_of(read: Sequence[tuple[AnnotatedVariant, list[float]]]) -> Examples:
    """Examples of rows that were read."""
    names = [feature.name for feature in ROW_FEATURES]
    values = np.array([values for _, values in read], np.float32).reshape(-1, len(names))
    return Examples(pd.DataFrame(values, columns=names), context_rows(variant for variant, _ in read))


def read_training_table(path: Path) -> TrainingTable:
    """Read a .csv, .csv.gz or .parquet file that has PUBLISHED_COLUMNS; of rows for one variant the first counts.

    TableError where the file lacks a column, a row cannot be read, or one of the two classes is absent.
    """
    return table_of(_numbered_rows(path), name=path.name, sha256=_sha256(path))


def table_of(numbered: Iterable[tuple[int, Row]], *, name: str, sha256: str) -> TrainingTable:
    """The table of rows with their line numbers, likewise; `sha256` is the checksum of what they are from."""
    read, labels, rows = [], [], []
    seen: set[tuple[str, int, str, str]] = set()
    duplicates = 0
    for number, row in numbered:
        try:
            found, label = read_row(row), _label(row.get(LABEL))
        except RowError as error:
            raise TableError(f"{name} line {number}: {error}") from error
        if found[0].key in seen:
            duplicates += 1
            continue
        seen.add(found[0].key)
        read.append(found)
        labels.append(label)
        rows.append(dict(row))
    if set(labels) != {0, 1}:
        raise TableError(f"{name}: has not both classes in column {LABEL}; there is nothing to learn")
    return TrainingTable(examples_of(read), np.array(labels), rows, sha256, duplicates)


def _numbered_rows(path: Path) -> Iterable[tuple[int, Row]]:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        _check_columns(path, table.column_names)
        columns = [name for name in PUBLISHED_COLUMNS if name in table.column_names]
        yield from enumerate(table.select(columns).to_pylist(), 1)
        return
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as lines:
        reader = csv.DictReader(lines)
        _check_columns(path, reader.fieldnames or [])
        for row in reader:
            if None in row or None in row.values():
                raise TableError(f"{path.name} line {reader.line_num}: has not as many values as the header has names")
            yield reader.line_num, row


def _check_columns(path: Path, names: Iterable[str]) -> None:
    if lacking := [name for name in PUBLISHED_COLUMNS if name not in set(names)]:
        raise TableError(f"{path.name}: lacks {', '.join(lacking)}; expected the {len(PUBLISHED_COLUMNS)} columns")


def _label(value: object) -> int:
    if str(value) not in ("0", "1"):
        raise RowError(f"{LABEL} is {str(value)[:40]!r}; expected 0 or 1")
    return int(str(value))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
