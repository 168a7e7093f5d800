"""Rows of CSV without a header, as a model is asked: each is read, or said why it cannot be."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_MISSING = frozenset({"", "nan", "NaN", "NA", "null", "None"})


@dataclass(frozen=True)
class Column:
    """A column that a model takes."""

    name: str
    is_number: bool


@dataclass(frozen=True)
class Rows:
    """What could be read: `frame` holds the rows numbered `places` of `count`; `errors` says of each other one why."""

    frame: pd.DataFrame
    places: list[int]
    errors: Mapping[int, str]
    count: int


def read_rows(text: str, columns: Sequence[Column]) -> Rows:
    """Read rows of the model's columns in their order. Empty values are missing; empty lines are no rows."""
    read: list[list[object]] = []
    places: list[int] = []
    errors: dict[int, str] = {}
    number = -1
    for number, values in enumerate(filter(None, csv.reader(io.StringIO(text)))):
        problem = _problem(values, columns)
        if problem:
            errors[number] = f"row {number + 1}: {problem}"
        else:
            places.append(number)
            read.append([_value(text, column) for text, column in zip(values, columns, strict=True)])
    return Rows(_frame(read, columns), places, errors, number + 1)


def frame_of(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """The model's columns of a table that has them; KeyError where it lacks one. Words that are missing are empty."""
    chosen = {
        column.name: table[column.name].astype("float64") if column.is_number else _words(table[column.name])
        for column in columns
    }
    return pd.DataFrame(chosen)


def written(rows: Rows, answers: Iterable[Sequence[object]], width: int) -> str:
    """A line of CSV for each row: its answer, or its error in the first of `width` fields."""
    by_place = dict(zip(rows.places, answers, strict=True))
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for number in range(rows.count):
        error = [f"ERROR {rows.errors[number]}"] if number in rows.errors else None
        writer.writerow([*error, *[""] * (width - 1)] if error else by_place[number])
    return lines.getvalue()


def _words(values: pd.Series) -> pd.Series:
    words = ["" if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]
    return pd.Series(words, index=values.index, dtype="object")


def _frame(read: Sequence[Sequence[object]], columns: Sequence[Column]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column.name: pd.Series([row[place] for row in read], dtype="float64" if column.is_number else "object")
            for place, column in enumerate(columns)
        }
    )


def _problem(values: Sequence[str], columns: Sequence[Column]) -> str | None:
    if len(values) != len(columns):
        return f"has {len(values)} values; the model takes {len(columns)}, from {columns[0].name} to {columns[-1].name}"
    for text, column in zip(values, columns, strict=True):
        if column.is_number and text.strip() not in _MISSING and not _is_number(text):
            return f"{column.name} is {text[:40]!r}; expected a number, or nothing"
    return None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _value(text: str, column: Column) -> object:
    if column.is_number:
        return np.nan if text.strip() in _MISSING else float(text)
    return "" if text in _MISSING else text
